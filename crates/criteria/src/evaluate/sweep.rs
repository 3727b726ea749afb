//! When the result of an event leaf changes if no new fact arrives, exactly.
//!
//! The window is moved forward from one instant at which its content can change to the next; items
//! enter at its end and leave at its start, each once, and the measure follows without being computed
//! anew. Events later than the present are items that come in when they happen.

use super::Context;
use super::measure::{self, Identity, Measured, holds_measured, identity, is_time, ordered, property};
use super::scratch::Scratch;
use super::select;
use super::window::Frame;
use crate::number::Wide;
use crate::probe::NEVER;
use crate::program::EventLeaf;
use crate::rule::{Aggregate, Measure};
use crate::value::ValueRef;

/// An event, or one value of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    time: i64,
    /// Place of the run in the source.
    index: u32,
    row: u32,
    /// Its number, or its instant.
    value: Wide,
    /// Which of the different values it is, and which items before and after have the same.
    identity: u32,
    previous: u32,
    next: u32,
}

const NO_ITEM: u32 = u32::MAX;

/// The first instant after `as_of` at which the leaf does not hold as it does at `as_of`.
pub(super) fn changes(
    context: Context<'_>,
    scratch: &mut Scratch,
    leaf: &EventLeaf,
    as_of: i64,
    holds: bool,
) -> i64 {
    let is_relative = context.program.probes[leaf.probe].is_relative();
    let has_future = leaf
        .source
        .runs
        .iter()
        .any(|run| context.timeline.times(run.run).last().is_some_and(|time| *time > as_of));
    let frame = Frame::new(context, scratch, &leaf.span, as_of);
    let point = match frame.base(as_of) {
        _ if !has_future && !is_relative && frame.is_still(as_of) => NEVER,
        None => NEVER,
        Some(base) => {
            let items = items(context, scratch, leaf, (base, frame.ceiling()), as_of);
            let deque = std::mem::take(&mut scratch.deque);
            let mut sweep =
                Sweep { context, leaf, items, low: 0, high: 0, sum: Wide::default(), distinct: 0, deque };
            let point = sweep.run(&frame, as_of, holds);
            (scratch.items, scratch.deque) = (sweep.items, sweep.deque);
            scratch.items.clear();
            scratch.deque.clear();
            point
        }
    };
    frame.end(scratch);
    point
}

/// What the measure looks at of the events in `base..ceiling`, in order.
fn items(
    context: Context<'_>,
    scratch: &mut Scratch,
    leaf: &EventLeaf,
    (base, ceiling): (i64, i64),
    as_of: i64,
) -> Vec<Item> {
    let mut items = std::mem::take(&mut scratch.items);
    let mut identities: Vec<(Identity<'_>, u32)> = Vec::new();
    let is_time = is_time(context, leaf);
    for (index, run) in leaf.source.runs.iter().enumerate() {
        let times = context.timeline.times(run.run);
        let bounds = (base, ceiling.saturating_sub(1));
        let selection = select::events(context, scratch, &leaf.source, index, bounds, as_of);
        let column = match leaf.measure {
            Measure::Of(..) => Some(property(context, leaf, index)),
            _ => None,
        };
        selection.each(|row| {
            let (value, identity, time) = (Wide::default(), NO_ITEM, times[row]);
            let (previous, next) = (NO_ITEM, NO_ITEM);
            let item = Item { time, index: index as u32, row: row as u32, value, identity, previous, next };
            let Some(column) = &column else { return items.push(item) };
            let Measure::Of(aggregate, _) = leaf.measure else { return };
            match aggregate {
                Aggregate::First | Aggregate::Last => items.extend(column.value(row).map(|_| item)),
                Aggregate::Distinct => column.each(row, |value| {
                    if let Some(identity) = self::identity(value) {
                        identities.push((identity, items.len() as u32));
                        items.push(item);
                    }
                }),
                _ => column.each(row, |value| {
                    let is_time = is_time && matches!(aggregate, Aggregate::Min | Aggregate::Max);
                    items.extend(ordered(value, is_time).map(|value| Item { value, ..item }));
                }),
            }
        });
        scratch.take_back(selection);
    }
    number_identities(&mut identities, &mut items);
    sort(context, leaf, &mut items);
    if leaf.measure == Measure::Days {
        number_days(context, &mut items);
    }
    link(&mut items);
    items
}

fn number_identities(identities: &mut [(Identity<'_>, u32)], items: &mut [Item]) {
    identities.sort_unstable();
    let mut number = 0;
    for at in 0..identities.len() {
        if at > 0 && identities[at].0 != identities[at - 1].0 {
            number += 1;
        }
        items[identities[at].1 as usize].identity = number;
    }
}

fn sort(context: Context<'_>, leaf: &EventLeaf, items: &mut [Item]) {
    if leaf.source.runs.len() < 2 {
        return;
    }
    let key =
        |item: &Item| context.timeline.key(leaf.source.runs[item.index as usize].run, item.row as usize);
    match leaf.measure {
        Measure::Of(Aggregate::First | Aggregate::Last, _) => {
            items.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| key(a).cmp(&key(b))));
        }
        _ => items.sort_by_key(|item| item.time),
    }
}

fn number_days(context: Context<'_>, items: &mut [Item]) {
    let zone = context.program.zone();
    let (mut end, mut number) = (i64::MIN, 0);
    for item in items {
        if item.time >= end {
            end = zone.day_start(zone.day(kernel::Instant(item.time)) + 1).0;
            number += 1;
        }
        item.identity = number;
    }
}

/// Links the items of each identity.
fn link(items: &mut [Item]) {
    let Some(most) = items.iter().map(|item| item.identity).filter(|id| *id != NO_ITEM).max() else { return };
    let mut last = vec![NO_ITEM; most as usize + 1];
    for at in 0..items.len() {
        let place = &mut last[items[at].identity as usize];
        items[at].previous = *place;
        if *place != NO_ITEM {
            items[*place as usize].next = at as u32;
        }
        *place = at as u32;
    }
}

struct Sweep<'a> {
    context: Context<'a>,
    leaf: &'a EventLeaf,
    items: Vec<Item>,
    /// The window holds the items `low..high`.
    low: usize,
    high: usize,
    sum: Wide,
    distinct: u64,
    /// For `min` and `max`: the items that no later item in the window beats, best first.
    deque: std::collections::VecDeque<u32>,
}

impl Sweep<'_> {
    fn run(&mut self, frame: &Frame<'_>, as_of: i64, holds: bool) -> i64 {
        let mut point = as_of;
        loop {
            if let Some(bounds) = frame.bounds(point) {
                self.advance(bounds);
            }
            let measured = self.measured();
            if point > as_of && holds_measured(self.context, self.leaf, measured, point) != holds {
                return point;
            }
            let first = (self.low < self.high).then(|| self.items[self.low].time);
            let coming = self.items.get(self.high).map(|item| item.time);
            let next = frame.next(point, first, coming).min(self.crossing(measured, point));
            if next == NEVER {
                return NEVER;
            }
            point = next;
        }
    }

    fn advance(&mut self, (low, high): (i64, i64)) {
        while self.items.get(self.high).is_some_and(|item| item.time <= high) {
            self.enter();
        }
        while self.low < self.high && self.items[self.low].time < low {
            self.leave();
        }
    }

    fn enter(&mut self) {
        let item = self.items[self.high];
        if item.previous == NO_ITEM || (item.previous as usize) < self.low {
            self.distinct += 1;
        }
        match self.leaf.measure {
            Measure::Of(Aggregate::Sum | Aggregate::Avg, _) => self.sum = self.sum.plus(item.value),
            Measure::Of(aggregate @ (Aggregate::Min | Aggregate::Max), _) => {
                while let Some(last) = self.deque.back() {
                    let order = self.items[*last as usize].value.cmp(&item.value);
                    if if aggregate == Aggregate::Max { order.is_ge() } else { order.is_le() } {
                        break;
                    }
                    self.deque.pop_back();
                }
                self.deque.push_back(self.high as u32);
            }
            _ => {}
        }
        self.high += 1;
    }

    fn leave(&mut self) {
        let item = self.items[self.low];
        if item.next == NO_ITEM || item.next as usize >= self.high {
            self.distinct -= 1;
        }
        match self.leaf.measure {
            Measure::Of(Aggregate::Sum | Aggregate::Avg, _) => self.sum = self.sum.minus(item.value),
            _ if self.deque.front() == Some(&(self.low as u32)) => {
                self.deque.pop_front();
            }
            _ => {}
        }
        self.low += 1;
    }

    fn measured(&self) -> Measured {
        let count = (self.high - self.low) as u64;
        let ends = (count > 0).then(|| (self.items[self.low], self.items[self.high - 1]));
        let cell = |item: Item| Measured::Cell(item.index as usize, item.row as usize);
        let measured = match &self.leaf.measure {
            Measure::Count => Some(Measured::Whole(count)),
            Measure::Days | Measure::Of(Aggregate::Distinct, _) => Some(Measured::Whole(self.distinct)),
            Measure::Of(Aggregate::Sum, _) => Some(Measured::Quotient(self.sum, 1)),
            Measure::FirstTime => ends.map(|(first, _)| Measured::Instant(first.time)),
            Measure::LastTime => ends.map(|(_, last)| Measured::Instant(last.time)),
            Measure::Of(Aggregate::First, _) => ends.map(|(first, _)| cell(first)),
            Measure::Of(Aggregate::Last, _) => ends.map(|(_, last)| cell(last)),
            Measure::Of(Aggregate::Avg, _) => ends.map(|_| Measured::Quotient(self.sum, count)),
            Measure::Of(Aggregate::Min | Aggregate::Max, _) => self
                .deque
                .front()
                .map(|at| measure::extreme(self.items[*at as usize].value, is_time(self.context, self.leaf))),
        };
        measured.unwrap_or(Measured::Missing)
    }

    /// When the mere age of what is measured can matter.
    fn crossing(&self, measured: Measured, point: i64) -> i64 {
        let probe = &self.context.program.probes[self.leaf.probe];
        match measured {
            Measured::Instant(at) => probe.crossing(Some(ValueRef::Instant(kernel::Instant(at))), point),
            Measured::Cell(index, row) if probe.is_relative() => {
                let mut next = NEVER;
                property(self.context, self.leaf, index)
                    .each(row, |value| next = next.min(probe.crossing(Some(value), point)));
                next
            }
            _ => NEVER,
        }
    }
}
