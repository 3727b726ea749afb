//! One pass over a person's events.

use criteria::Timeline;
use criteria::column::Column;
use kernel::PartyNo;
use roaring::RoaringBitmap;

use super::{Chain, MOST, NEVER};
use crate::cells::{TraitCoder, part, value_at};
use crate::form::By;
use crate::operator::Operator;
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::sieve::{Picker, Sieve};
use crate::spec::ChainOrder;

/// How many people came to each step, and who.
#[derive(Clone, Default)]
struct Reached {
    counts: [u64; MOST],
    people: [RoaringBitmap; MOST],
}

/// One way a person began.
pub(super) struct Way {
    by: u32,
    same: Vec<Part>,
    /// For each step the latest beginning that reached it; for chains in any order, the latest beginning with
    /// one step, with two, and so on.
    pub(super) reached: [i64; MOST],
    /// For chains in any order, which steps those did.
    done: [u8; MOST],
    /// Steps that were reached.
    pub(super) depth: usize,
}

pub(super) struct Walks<'p> {
    of: &'p Chain,
    picker: Option<Picker<'p>>,
    /// Which steps each event is, by run and row, where a picker says.
    row_masks: Vec<Vec<u8>>,
    next: Vec<usize>,
    ways: Vec<Way>,
    /// Values people are told apart by.
    by: TraitCoder<'p>,
    groups: Vec<Reached>,
    all: Reached,
    same: Vec<Part>,
}

impl<'p> Walks<'p> {
    pub(super) fn new(of: &'p Chain, people: &'p People) -> Self {
        Self {
            of,
            picker: of.sieve.as_ref().map(Sieve::picker),
            row_masks: vec![Vec::new(); of.events.len()],
            by: TraitCoder::new(of.by_trait(), people),
            next: vec![0; of.events.len()],
            ways: Vec::new(),
            groups: Vec::new(),
            all: Reached::default(),
            same: Vec::new(),
        }
    }
}

impl Walks<'_> {
    /// The run with the next event of the person; of several at one time the one of the earlier step.
    #[inline]
    fn earliest(&self, times: &[&[i64]]) -> Option<(usize, i64)> {
        let mut found: Option<(usize, i64)> = None;
        for (run, (times, at)) in times.iter().zip(&self.next).enumerate() {
            if let Some(time) = times.get(*at)
                && found.is_none_or(|(_, best)| *time < best)
            {
                found = Some((run, *time));
            }
        }
        found
    }

    /// Walks a chain in order whose first event is no other step, and whose steps have nothing to compare: what lies
    /// between two later events only says when the chain can have begun last.
    fn swift(&mut self, timeline: &dyn Timeline) {
        let chain = self.of;
        let times = timeline.times(0);
        let end = times.partition_point(|time| *time < chain.starts.1);
        let mut row = times[..end].partition_point(|time| *time < chain.starts.0);
        if row == end {
            return;
        }
        let by = chain.ask.by.as_ref().and_then(By::property).map(|_| timeline.column(0, 0));
        let mut later: [&[i64]; MOST] = [&[]; MOST];
        let second = chain.masks.iter().position(|mask| mask & 2 == 2);
        // Nobody gets further without a second step.
        let runs = match second.is_some_and(|run| timeline.times(run).is_empty()) {
            true => 0..0,
            false => 1..chain.masks.len(),
        };
        runs.clone().for_each(|run| later[run] = timeline.times(run));
        loop {
            let heads = runs.clone().filter_map(|run| later[run].first().map(|time| (*time, run)));
            let head = heads.min();
            let time = head.map_or(i64::MAX, |head| head.0);
            while row < end && times[row] <= time {
                let by = by.as_ref().map_or(0, |column| self.by.coder.code(column, row));
                match self.ways.iter_mut().find(|way| way.by == by) {
                    Some(way) => way.reached[0] = times[row],
                    None => self.ways.push(Way::begun(by, times[row])),
                }
                row += 1;
            }
            let Some((time, run)) = head else { break };
            later[run] = &later[run][1..];
            self.ways.iter_mut().for_each(|way| chain.step(way, chain.masks[run], time, false));
        }
    }

    /// Takes an event that is some steps: first where it goes on with what began, then where it begins.
    fn event(&mut self, mask: u8, time: i64, columns: &[Column<'_>], row: usize) {
        let chain = self.of;
        let is_by = chain.ask.by.as_ref().is_some_and(|by| by.property().is_some());
        let (by, same) = columns.split_at(usize::from(is_by));
        self.same.clear();
        self.same.extend(same.iter().map(|column| part(value_at(column, row))));
        // What has none of a property has it in common with nothing.
        if self.same.contains(&Part::Missing) {
            return;
        }
        let begins = chain.begins(mask, time);
        let by = match (begins, by.first()) {
            (true, Some(column)) => self.by.coder.code(column, row),
            _ => 0,
        };
        let is_known = |way: &Way| way.by == by && way.same == self.same;
        if begins && !self.ways.iter().any(is_known) {
            let same = self.same.clone();
            self.ways.push(Way { by, same, reached: [NEVER; MOST], done: [0; MOST], depth: 0 });
        }
        for way in self.ways.iter_mut().filter(|way| way.same == self.same) {
            chain.step(way, mask, time, begins && way.by == by);
        }
    }

    fn count(&mut self, party: u32) {
        let chain = self.of;
        let deepest = self.ways.iter().map(|way| way.depth).max().unwrap_or(0);
        self.all.note(party, deepest, chain.with_people);
        if chain.by_trait().is_some() && deepest > 0 {
            let by = self.by.code(party);
            self.ways.iter_mut().for_each(|way| way.by = by);
        } else if chain.ask.by.is_none() {
            return;
        }
        // One way for each value, the deepest.
        if !chain.ask.same.is_empty() || chain.by_trait().is_some() {
            self.ways.sort_by_key(|way| (way.by, std::cmp::Reverse(way.depth)));
            self.ways.dedup_by_key(|way| way.by);
        }
        for way in &self.ways {
            let group = way.by as usize;
            if self.groups.len() <= group {
                self.groups.resize(group + 1, Reached::default());
            }
            self.groups[group].note(party, way.depth, chain.with_people);
        }
    }

    /// Whether anything can begin, once it is known which steps events are.
    fn look(&mut self, timeline: &dyn Timeline, times: &[&[i64]]) -> bool {
        let is_first = |mask: u8| self.of.ask.order == ChainOrder::Any || mask & 1 == 1;
        let Some(picker) = &mut self.picker else {
            let mut runs = self.of.masks.iter().zip(times);
            return runs.any(|(mask, times)| is_first(*mask) && !times.is_empty());
        };
        for (masks, times) in self.row_masks.iter_mut().zip(times) {
            masks.clear();
            masks.resize(times.len(), 0);
        }
        let masks = &mut self.row_masks;
        picker.pick(timeline, |step, run, row| masks[run][row] |= 1 << step);
        masks.iter().flatten().any(|mask| *mask > 0 && is_first(*mask))
    }
}

impl Way {
    /// A way with its first step, and nothing that steps have in common.
    fn begun(by: u32, time: i64) -> Self {
        let mut reached = [NEVER; MOST];
        reached[0] = time;
        Self { by, same: Vec::new(), reached, done: [0; MOST], depth: 1 }
    }

    /// Steps in any order. Of two beginnings whose time is not over the earlier has seen what the later has, so
    /// those with equally many steps have the same, and only the latest of them can still gain more.
    pub(super) fn any(&mut self, mask: u8, (time, within): (i64, i64), begins: bool) {
        for count in (0..MOST).rev() {
            let (start, done) = (self.reached[count], self.done[count] | mask);
            let more = done.count_ones() as usize - 1;
            if start != NEVER && time - start <= within && more > count {
                self.reached[count] = NEVER;
                self.put(more, start, done);
            }
        }
        if begins {
            self.put(mask.count_ones() as usize - 1, time, mask);
        }
    }

    fn put(&mut self, place: usize, start: i64, done: u8) {
        if self.reached[place] < start {
            (self.reached[place], self.done[place]) = (start, done);
        }
        self.depth = self.depth.max(place + 1);
    }
}

impl Operator for Walks<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        if self.of.is_swift() {
            self.ways.clear();
            self.swift(timeline);
            if !self.ways.is_empty() {
                self.count(party.0);
            }
            return;
        }
        let runs = self.next.len();
        let times: Vec<&[i64]> = (0..runs).map(|run| timeline.times(run)).collect();
        if !self.look(timeline, &times) {
            return;
        }
        let places = self.of.columns.iter().enumerate();
        let columns: Vec<Vec<Column<'_>>> = places
            .map(|(run, places)| places.iter().map(|column| timeline.column(run, *column)).collect())
            .collect();
        self.next.fill(0);
        self.ways.clear();
        while let Some((run, time)) = self.earliest(&times) {
            let row = self.next[run];
            self.next[run] += 1;
            let mask = if self.picker.is_some() { self.row_masks[run][row] } else { self.of.masks[run] };
            if mask > 0 {
                self.event(mask, time, &columns[run], row);
            }
        }
        self.count(party.0);
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        let with_people = self.of.with_people;
        let mut put = |kind: i64, value: &Part, reached: &Reached| {
            for (step, count) in reached.counts.iter().enumerate().take(self.of.ask.steps.len()) {
                let group = partial.group(&[Part::Number(kind), value.clone(), Part::Number(step as i64)]);
                group.add(0, i128::from(*count));
                if with_people {
                    group.people = Some(reached.people[step].clone());
                }
            }
        };
        put(0, &Part::Missing, &self.all);
        for (value, reached) in self.by.coder.parts.iter().zip(&self.groups) {
            put(1, value, reached);
        }
        partial
    }
}

impl Reached {
    fn note(&mut self, party: u32, depth: usize, with_people: bool) {
        for step in 0..depth {
            self.counts[step] += 1;
            if with_people {
                self.people[step].insert(party);
            }
        }
    }
}
