//! Who gets how far in a chain of events.
//!
//! For each way a person began (the value it is told apart by, and what all steps must have in common) the
//! latest beginning that reached each step is kept: of two beginnings the later one leaves more time, so no
//! other has to be remembered. One pass over a person's events in their order decides.

use criteria::Timeline;
use criteria::column::Column;
use criteria::path::Path;
use kernel::{Failure, PartyNo};
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding, FunnelGroup, FunnelStep};
use crate::cells::{TraitCoder, part, shown, value_at};
use crate::form::By;
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::sieve::{Picker, Sieve};
use crate::spec::{ChainOrder, Funnel};
use crate::which::Which;

/// Steps of a funnel.
const STEPS: std::ops::RangeInclusive<usize> = 2..=MOST;
const MOST: usize = 8;
/// No beginning.
const NEVER: i64 = i64::MIN;

/// A funnel made ready.
pub(crate) struct Chain {
    ask: Funnel,
    /// What is read, a run for each name of an event.
    events: Vec<Need>,
    /// For each run, which steps its events are, where their names decide that.
    masks: Vec<u8>,
    /// For each run, where the columns are: what people are told apart by, and what steps have in common.
    columns: Vec<Vec<usize>>,
    /// Decides which steps events are, where names do not.
    sieve: Option<Sieve>,
    within: i64,
    starts: (i64, i64),
    with_people: bool,
}

impl Chain {
    pub(crate) fn new(ask: &Funnel, setting: &Setting) -> kernel::Result<Self> {
        if !STEPS.contains(&ask.steps.len()) {
            return Err(Failure::invalid("steps", "two to eight steps"));
        }
        let is_twice = ask.steps.iter().enumerate().any(|(at, step)| ask.steps[..at].contains(step));
        if ask.order == ChainOrder::Any && is_twice {
            return Err(Failure::invalid("order", "`any` takes each step once"));
        }
        if ask.same.iter().any(|path| path.0.is_many()) {
            return Err(Failure::invalid("same", "a property with one value an event; leave `[]` out"));
        }
        let within = ask.within.micros();
        let (starts, end) = (ask.window.range(setting.as_of), setting.as_of.saturating_add(1));
        let range = (starts.0, starts.1.saturating_add(within).min(end));
        let by = ask.by.as_ref().and_then(By::property);
        let paths: Vec<Path> = by.into_iter().chain(ask.same.iter().map(|path| &path.0)).cloned().collect();
        // No keys: of events of one microsecond the one of the earlier step comes first.
        let need = |step: &Which| Need::which(step, range).with(paths.clone());
        let mut chain = Self {
            ask: ask.clone(),
            events: Vec::new(),
            masks: Vec::new(),
            columns: Vec::new(),
            sieve: None,
            within,
            starts,
            with_people: setting.with_people,
        };
        let is_every = ask.steps.iter().any(Which::is_every);
        if ask.steps.iter().all(|step| step.plain().is_some() && step.is_every() == is_every) {
            for (step, which) in ask.steps.iter().enumerate() {
                let known = ask.steps[..step].iter().position(|other| other == which);
                match known.map(|first| chain.run_of(first)) {
                    Some(run) => chain.masks[run] |= 1 << step,
                    None => {
                        chain.events.push(need(which));
                        chain.masks.push(1 << step);
                    }
                }
            }
            chain.columns = vec![(0..paths.len()).collect(); chain.events.len()];
            return Ok(chain);
        }
        // An event is read once, so it is one event, whichever steps it can be.
        let steps: Vec<Which> =
            ask.steps.iter().map(|step| if is_every { step.among_all() } else { step.clone() }).collect();
        let picks: Vec<(&Which, Need)> = steps.iter().map(|step| (step, need(step))).collect();
        let sieve = Sieve::new(&picks, (&setting.zone, setting.as_of));
        chain.events = sieve.events().to_vec();
        chain.masks = vec![0; chain.events.len()];
        chain.columns = vec![Vec::new(); chain.events.len()];
        for part in (0..steps.len()).flat_map(|step| sieve.parts(step)) {
            chain.columns[part.run].clone_from(&part.columns);
        }
        chain.sieve = Some(sieve);
        Ok(chain)
    }

    /// The run of a step that is known already.
    fn run_of(&self, step: usize) -> usize {
        self.masks.iter().position(|mask| mask >> step & 1 == 1).expect("an earlier step has a run")
    }

    /// The trait people are told apart by.
    fn by_trait(&self) -> Option<&str> {
        self.ask.by.as_ref().and_then(By::trait_name)
    }
}

impl Kind for Chain {
    fn needs(&self) -> Needs {
        let traits = self.by_trait().map(Box::from).into_iter().collect();
        Needs { events: self.events.clone(), traits, ..Needs::default() }
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Walks {
            of: self,
            picker: self.sieve.as_ref().map(Sieve::picker),
            row_masks: vec![Vec::new(); self.events.len()],
            next: vec![0; self.events.len()],
            ways: Vec::new(),
            by: TraitCoder::new(self.by_trait(), people),
            groups: Vec::new(),
            all: Reached::default(),
            same: Vec::new(),
        })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let mut groups: Vec<FunnelGroup> = Vec::new();
        let mut all: Vec<FunnelStep> = Vec::new();
        for (name, group) in found.groups {
            let (Some(Part::Number(step)), Some(value)) = (name.get(2), name.get(1)) else { continue };
            let step = *step as usize;
            let people = Count::with(group.number(0), group.people);
            let event = self.ask.steps.get(step).map(Which::to_string).unwrap_or_default();
            let steps = if name[0] == Part::Number(0) {
                &mut all
            } else {
                let shown = shown(value);
                if groups.last().is_none_or(|last| last.value != shown) {
                    groups.push(FunnelGroup { value: shown, steps: Vec::new() });
                }
                &mut groups.last_mut().expect("just put there").steps
            };
            steps.push(FunnelStep { event, people });
        }
        let by = self.ask.by.as_ref().map(|_| groups);
        Finding::Funnel { steps: all, by }
    }
}

/// How many people came to each step, and who.
#[derive(Clone, Default)]
struct Reached {
    counts: [u64; MOST],
    people: [RoaringBitmap; MOST],
}

/// One way a person began.
struct Way {
    by: u32,
    same: Vec<Part>,
    /// For each step the latest beginning that reached it; for chains in any order, the latest beginning with
    /// one step, with two, and so on.
    reached: [i64; MOST],
    /// For chains in any order, which steps those did.
    done: [u8; MOST],
    /// Steps that were reached.
    depth: usize,
}

struct Walks<'p> {
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
        self.ways.sort_by_key(|way| (way.by, std::cmp::Reverse(way.depth)));
        self.ways.dedup_by_key(|way| way.by);
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

impl Chain {
    /// Whether an event opens a chain.
    fn begins(&self, mask: u8, time: i64) -> bool {
        let is_first = self.ask.order == ChainOrder::Any || mask & 1 == 1;
        is_first && self.starts.0 <= time && time < self.starts.1
    }

    /// What an event changes for one way a person began.
    fn step(&self, way: &mut Way, mask: u8, time: i64, begins: bool) {
        let steps = self.ask.steps.len();
        let is_in_time = |start: i64| start != NEVER && time - start <= self.within;
        match self.ask.order {
            ChainOrder::Ordered => {
                // From the last to the first, so that no event is two steps.
                for step in (1..steps).rev().filter(|step| mask >> step & 1 == 1) {
                    let start = way.reached[step - 1];
                    if is_in_time(start) {
                        way.reached[step] = start;
                        way.depth = way.depth.max(step + 1);
                    }
                }
            }
            ChainOrder::Strict => {
                for step in (1..steps).rev() {
                    let start = way.reached[step - 1];
                    let goes_on = mask >> step & 1 == 1 && is_in_time(start);
                    way.reached[step] = if goes_on { start } else { NEVER };
                    if goes_on {
                        way.depth = way.depth.max(step + 1);
                    }
                }
                way.reached[0] = NEVER;
            }
            ChainOrder::Any => return way.any(mask, (time, self.within), begins),
        }
        if begins {
            way.reached[0] = time;
            way.depth = way.depth.max(1);
        }
    }
}

impl Way {
    /// Steps in any order. Of two beginnings whose time is not over the earlier has seen what the later has, so
    /// those with equally many steps have the same, and only the latest of them can still gain more.
    fn any(&mut self, mask: u8, (time, within): (i64, i64), begins: bool) {
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
