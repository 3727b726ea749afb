//! Sequences: events one after the other.
//!
//! Whether an event of the first step leads to a match depends on the events after it alone, and from
//! when on it does is known at once: when the last of them has happened and the last wait for an
//! absent one is over. So a match is a pair of instants, the first step's and the one it is ready at,
//! and what is counted at an instant are the pairs begun in the window and ready.

use std::hash::{Hash, Hasher};

use super::Context;
use super::measure::{holds_whole, identity};
use super::scratch::Scratch;
use super::select;
use super::window::Frame;
use crate::probe::NEVER;
use crate::program::{SequenceLeaf, Source, StepLeaf};

/// An event of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// Of the properties that must be the same; the same for all if there are none.
    hash: u64,
    pub(super) time: i64,
    /// Place of the run in the step's source.
    pub(super) index: u32,
    pub(super) row: u32,
}

/// An event of the first step that leads to a match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    time: i64,
    ready: i64,
    is_counted: bool,
}

/// A match as it is found.
pub(super) struct Found<'f> {
    pub(super) first: Hit,
    /// From when on it is a match.
    pub(super) ready: i64,
    /// Events of later steps, each with the place of its step after the first.
    pub(super) rest: &'f [(usize, Hit)],
}

/// How many matches there are at `as_of`.
pub(super) fn count(context: Context<'_>, scratch: &mut Scratch, leaf: &SequenceLeaf, as_of: i64) -> u64 {
    let frame = Frame::new(context, scratch, &leaf.span, as_of);
    let bounds = frame.bounds(as_of);
    frame.end(scratch);
    let Some(bounds) = bounds else { return 0 };
    let mut count = 0;
    each_match(context, scratch, leaf, (bounds, as_of), as_of, &mut |found| {
        count += u64::from(found.ready <= as_of);
    });
    count
}

/// Calls `found` with every match that begins in `bounds`, by events up to `until`.
pub(super) fn each_match(
    context: Context<'_>,
    scratch: &mut Scratch,
    leaf: &SequenceLeaf,
    (bounds, until): ((i64, i64), i64),
    as_of: i64,
    found: &mut dyn FnMut(Found<'_>),
) {
    let mut firsts = scratch.hit_list();
    collect(context, scratch, (&leaf.first, &[]), bounds, as_of, &mut firsts);
    firsts.sort_unstable_by_key(|hit| (hit.time, hit.index, hit.row));
    if let Some(first) = firsts.first().copied() {
        let steps = leaf.steps.iter().map(|step| {
            let mut hits = scratch.hit_list();
            let after = (first.time.saturating_add(1), until);
            let columns: Vec<usize> = step.same.iter().map(|(_, own)| *own).collect();
            collect(context, scratch, (&step.source, &columns), after, as_of, &mut hits);
            if step.source.runs.len() > 1 || !columns.is_empty() {
                hits.sort_unstable();
            }
            hits
        });
        let steps: Vec<_> = steps.collect();
        let chain = Chain { context, leaf, steps: &steps };
        let mut trace = Vec::with_capacity(leaf.steps.len());
        for first in &firsts {
            trace.clear();
            if let Some(ready) = chain.ready(*first, &mut trace) {
                found(Found { first: *first, ready, rest: &trace });
            }
        }
        scratch.hits.extend(steps);
    }
    scratch.hits.push(firsts);
}

/// Appends the events of a source in `bounds`. Those that lack one of the columns are left out.
fn collect(
    context: Context<'_>,
    scratch: &mut Scratch,
    (source, columns): (&Source, &[usize]),
    bounds: (i64, i64),
    as_of: i64,
    hits: &mut Vec<Hit>,
) {
    for (index, run) in source.runs.iter().enumerate() {
        let times = context.timeline.times(run.run);
        let selection = select::events(context, scratch, source, index, bounds, as_of);
        selection.each(|row| {
            let hash = if columns.is_empty() { Some(0) } else { hash(context, source, columns, index, row) };
            let hit = |hash| Hit { hash, time: times[row], index: index as u32, row: row as u32 };
            hits.extend(hash.map(hit));
        });
        scratch.take_back(selection);
    }
}

/// A hash of the values at `columns`; `None` if one is missing or is no single value.
fn hash(context: Context<'_>, source: &Source, columns: &[usize], index: usize, row: usize) -> Option<u64> {
    let mut hasher = std::hash::DefaultHasher::new();
    for column in columns {
        let run = &source.runs[index];
        let column = context.timeline.column(run.run, run.columns[*column]);
        let value = identity(column.value(row)?)?;
        value.hash(&mut hasher);
    }
    Some(hasher.finish())
}

struct Chain<'c> {
    context: Context<'c>,
    leaf: &'c SequenceLeaf,
    steps: &'c [Vec<Hit>],
}

impl Chain<'_> {
    /// From when on the sequence that begins with `first` is a match; `None` if it never is.
    fn ready(&self, first: Hit, trace: &mut Vec<(usize, Hit)>) -> Option<i64> {
        let (mut time, mut ready) = (first.time, first.time);
        for (number, step) in self.leaf.steps.iter().enumerate() {
            let until = time.saturating_add(step.within);
            let hit = self.find(number, step, first, (time, until));
            match (hit, step.is_absent) {
                (None, true) => ready = ready.max(until),
                (Some(hit), false) => {
                    time = hit.time;
                    ready = ready.max(time);
                    trace.push((number, hit));
                }
                _ => return None,
            }
        }
        Some(ready)
    }

    /// The earliest event of a step in `(after, until]` that is the same in what must be.
    fn find(&self, number: usize, step: &StepLeaf, first: Hit, (after, until): (i64, i64)) -> Option<Hit> {
        let hits = &self.steps[number];
        let (index, row) = (first.index as usize, first.row as usize);
        let wanted = if step.same.is_empty() {
            0
        } else {
            let columns = step.same.iter().map(|(of_first, _)| *of_first);
            let mut hasher = std::hash::DefaultHasher::new();
            for column in columns {
                let run = &self.leaf.first.runs[index];
                let column = self.context.timeline.column(run.run, run.columns[column]);
                identity(column.value(row)?)?.hash(&mut hasher);
            }
            hasher.finish()
        };
        let start = hits.partition_point(|hit| (hit.hash, hit.time) <= (wanted, after));
        hits[start..]
            .iter()
            .take_while(|hit| hit.hash == wanted && hit.time <= until)
            .find(|hit| self.is_same(step, first, **hit))
            .copied()
    }

    /// Hashes may be equal by chance; values are not.
    fn is_same(&self, step: &StepLeaf, first: Hit, hit: Hit) -> bool {
        let value = |source: &Source, hit: Hit, column: usize| {
            let run = &source.runs[hit.index as usize];
            self.context.timeline.column(run.run, run.columns[column]).value(hit.row as usize)
        };
        step.same.iter().all(|(of_first, own)| {
            let (a, b) = (value(&self.leaf.first, first, *of_first), value(&step.source, hit, *own));
            a.and_then(identity) == b.and_then(identity)
        })
    }
}

/// The first instant after `as_of` at which the leaf does not hold as it does at `as_of`.
pub(super) fn changes(
    context: Context<'_>,
    scratch: &mut Scratch,
    leaf: &SequenceLeaf,
    as_of: i64,
    holds: bool,
) -> i64 {
    let frame = Frame::new(context, scratch, &leaf.span, as_of);
    let mut point = NEVER;
    if let Some(base) = frame.base(as_of) {
        let mut matches = std::mem::take(&mut scratch.matches);
        matches.clear();
        let bounds = (base, frame.ceiling().saturating_sub(1));
        each_match(context, scratch, leaf, (bounds, NEVER), as_of, &mut |found| {
            matches.push(Match { time: found.first.time, ready: found.ready, is_counted: false });
        });
        let mut order: Vec<u32> = (0..matches.len() as u32).collect();
        order.sort_unstable_by_key(|at| matches[*at as usize].ready);
        let probe = &context.program.probes[leaf.probe];
        let mut sweep = Sweep { matches: &mut matches, order: &order, low: 0, high: 0, ready: 0, count: 0 };
        point = sweep.run(&frame, as_of, &mut |count| holds_whole(probe, count) != holds);
        scratch.matches = matches;
    }
    frame.end(scratch);
    point
}

/// The window holds the matches `low..high`; those before `ready` in `order` are ready.
struct Sweep<'m> {
    matches: &'m mut [Match],
    order: &'m [u32],
    low: usize,
    high: usize,
    ready: usize,
    count: u64,
}

impl Sweep<'_> {
    fn run(&mut self, frame: &Frame<'_>, as_of: i64, is_change: &mut dyn FnMut(u64) -> bool) -> i64 {
        let mut point = as_of;
        loop {
            self.advance(frame, point);
            if point > as_of && is_change(self.count) {
                return point;
            }
            let first = (self.low < self.high).then(|| self.matches[self.low].time);
            let coming = self.matches.get(self.high).map(|coming| coming.time);
            let ready = self.order.get(self.ready).map_or(NEVER, |at| self.matches[*at as usize].ready);
            let moved = frame.next(point, first, coming);
            // A match outside the window may be ready when it likes.
            point = if first.is_some() { moved.min(ready) } else { moved };
            if point == NEVER {
                return NEVER;
            }
        }
    }

    fn advance(&mut self, frame: &Frame<'_>, point: i64) {
        while let Some(at) = self.order.get(self.ready).map(|at| *at as usize) {
            if self.matches[at].ready > point {
                break;
            }
            self.matches[at].is_counted = true;
            self.count += u64::from((self.low..self.high).contains(&at));
            self.ready += 1;
        }
        let Some((low, high)) = frame.bounds(point) else { return };
        while self.matches.get(self.high).is_some_and(|next| next.time <= high) {
            self.count += u64::from(self.matches[self.high].is_counted);
            self.high += 1;
        }
        while self.low < self.high && self.matches[self.low].time < low {
            self.count -= u64::from(self.matches[self.low].is_counted);
            self.low += 1;
        }
    }
}
