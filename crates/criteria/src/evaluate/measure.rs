//! The measure of the events in a window, and whether a comparison holds of it.

use std::borrow::Cow;

use super::Context;
use super::scratch::Scratch;
use super::select::{self, Selection};
use super::window::Frame;
use crate::column::Column;
use crate::number::{Number, SCALE_MAX, Wide};
use crate::probe::Probe;
use crate::program::EventLeaf;
use crate::rule::{Aggregate, Measure};
use crate::value::{ValueRef, nfc};

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured {
    Missing,
    Whole(u64),
    /// A sum of numbers, divided by how many for a mean.
    Quotient(Wide, u64),
    Instant(i64),
    /// The property of one event: place of the run in the source, and row.
    Cell(usize, usize),
}

pub(super) fn holds(context: Context<'_>, scratch: &mut Scratch, leaf: &EventLeaf, as_of: i64) -> bool {
    let measured = measure(context, scratch, leaf, as_of);
    holds_measured(context, leaf, measured, as_of)
}

pub(super) fn holds_measured(context: Context<'_>, leaf: &EventLeaf, measured: Measured, as_of: i64) -> bool {
    let probe = &context.program.probes[leaf.probe];
    match measured {
        Measured::Missing => probe.holds(None, as_of),
        Measured::Whole(count) => holds_whole(probe, count),
        Measured::Quotient(sum, count) => probe.holds_quotient(sum, count),
        Measured::Instant(at) => probe.holds(Some(ValueRef::Instant(kernel::Instant(at))), as_of),
        Measured::Cell(index, row) => {
            let mut is_any = false;
            property(context, leaf, index).each(row, |value| is_any |= probe.holds(Some(value), as_of));
            is_any
        }
    }
}

pub(super) fn holds_whole(probe: &Probe, count: u64) -> bool {
    probe.holds(Some(ValueRef::Number(Number::from(i64::try_from(count).unwrap_or(i64::MAX)))), 0)
}

/// The column of the measured property in a run of the leaf's source.
pub(super) fn property<'a>(context: Context<'a>, leaf: &EventLeaf, index: usize) -> Column<'a> {
    let run = &leaf.source.runs[index];
    context.timeline.column(run.run, run.columns[leaf.property])
}

pub(super) fn measure(context: Context<'_>, scratch: &mut Scratch, leaf: &EventLeaf, as_of: i64) -> Measured {
    let frame = Frame::new(context, scratch, &leaf.span, as_of);
    let bounds = frame.bounds(as_of);
    frame.end(scratch);
    let mut fold = Fold::new(context, leaf);
    for index in 0..leaf.source.runs.len() {
        // Without a window no instant is in it.
        let selection =
            select::events(context, scratch, &leaf.source, index, bounds.unwrap_or((1, 0)), as_of);
        fold.run(scratch, index, &selection);
        scratch.take_back(selection);
    }
    fold.end(scratch)
}

/// A measure run by run.
struct Fold<'a> {
    context: Context<'a>,
    leaf: &'a EventLeaf,
    count: u64,
    sum: Wide,
    extreme: Option<Wide>,
    cell: Option<(i64, usize, usize)>,
    /// Values for `distinct`, where codes do not tell them apart.
    values: Vec<Identity<'a>>,
}

impl<'a> Fold<'a> {
    fn new(context: Context<'a>, leaf: &'a EventLeaf) -> Self {
        let (sum, values) = (Wide::default(), Vec::new());
        Self { context, leaf, count: 0, sum, extreme: None, cell: None, values }
    }

    fn run(&mut self, scratch: &mut Scratch, index: usize, selection: &Selection) {
        let context = self.context;
        let times = context.timeline.times(self.leaf.source.runs[index].run);
        match &self.leaf.measure {
            Measure::Count => self.count += selection.count(),
            Measure::Days => {
                if index == 0 {
                    scratch.wholes.clear();
                }
                days(context, times, selection, &mut scratch.wholes);
            }
            Measure::FirstTime => self.keep(index, times, selection.first(|_| true), false),
            Measure::LastTime => self.keep(index, times, selection.last(|_| true), true),
            Measure::Of(aggregate, _) => {
                let column = property(context, self.leaf, index);
                match aggregate {
                    Aggregate::Sum | Aggregate::Avg => self.add(&column, selection),
                    Aggregate::Min => self.extreme(&column, selection, false),
                    Aggregate::Max => self.extreme(&column, selection, true),
                    Aggregate::First => {
                        let row = selection.first(|row| column.value(row).is_some());
                        self.keep(index, times, row, false);
                    }
                    Aggregate::Last => {
                        let row = selection.last(|row| column.value(row).is_some());
                        self.keep(index, times, row, true);
                    }
                    Aggregate::Distinct => self.distinct(scratch, &column, selection),
                }
            }
        }
    }

    fn end(mut self, scratch: &mut Scratch) -> Measured {
        match &self.leaf.measure {
            Measure::Count => Measured::Whole(self.count),
            Measure::Days => {
                scratch.wholes.sort_unstable();
                scratch.wholes.dedup();
                Measured::Whole(scratch.wholes.len() as u64)
            }
            Measure::FirstTime | Measure::LastTime => {
                self.cell.map_or(Measured::Missing, |(time, ..)| Measured::Instant(time))
            }
            Measure::Of(Aggregate::Sum, _) => Measured::Quotient(self.sum, 1),
            Measure::Of(Aggregate::Avg, _) if self.count == 0 => Measured::Missing,
            Measure::Of(Aggregate::Avg, _) => Measured::Quotient(self.sum, self.count),
            Measure::Of(Aggregate::Min | Aggregate::Max, _) => self
                .extreme
                .map_or(Measured::Missing, |value| extreme(value, is_time(self.context, self.leaf))),
            Measure::Of(Aggregate::First | Aggregate::Last, _) => {
                self.cell.map_or(Measured::Missing, |(_, index, row)| Measured::Cell(index, row))
            }
            Measure::Of(Aggregate::Distinct, _) => {
                self.values.sort_unstable();
                self.values.dedup();
                Measured::Whole(self.count + self.values.len() as u64)
            }
        }
    }

    /// Keeps the earlier or the later of two events.
    fn keep(&mut self, index: usize, times: &[i64], row: Option<usize>, is_last: bool) {
        let Some(row) = row else { return };
        let time = times[row];
        let key = |index: usize, row| self.context.timeline.key(self.leaf.source.runs[index].run, row);
        let is_better = self.cell.is_none_or(|(other_time, other_index, other_row)| {
            // Keys decide only where two runs have an event at one microsecond.
            let order = time.cmp(&other_time).then_with(|| key(index, row).cmp(&key(other_index, other_row)));
            if is_last { order.is_gt() } else { order.is_lt() }
        });
        if is_better {
            self.cell = Some((time, index, row));
        }
    }

    fn add(&mut self, column: &Column<'_>, selection: &Selection) {
        if let Column::Number { mantissas, scale, valid } = *column {
            if scale > SCALE_MAX {
                return;
            }
            let (mut sum, mut count) = (0i128, 0u64);
            selection.each(|row| {
                if valid.is_none_or(|bits| bits.get(row)) {
                    sum += i128::from(mantissas[row]);
                    count += 1;
                }
            });
            self.count += count;
            self.sum = self.sum.plus(Wide::from(sum).times(10u64.pow(u32::from(SCALE_MAX - scale))));
            return;
        }
        selection.each(|row| {
            column.each(row, |value| {
                if let ValueRef::Number(number) = value {
                    self.sum = self.sum.plus(number.wide());
                    self.count += 1;
                }
            });
        });
    }

    fn extreme(&mut self, column: &Column<'_>, selection: &Selection, is_max: bool) {
        let is_time = is_time(self.context, self.leaf);
        selection.each(|row| {
            column.each(row, |value| {
                let Some(value) = ordered(value, is_time) else { return };
                let is_better =
                    self.extreme.is_none_or(|best| if is_max { value > best } else { value < best });
                if is_better {
                    self.extreme = Some(value);
                }
            });
        });
    }

    fn distinct(&mut self, scratch: &mut Scratch, column: &Column<'a>, selection: &Selection) {
        // Codes of two runs may be of two dictionaries.
        if self.leaf.source.runs.len() == 1
            && let Some(count) = distinct_codes(scratch, column, selection)
        {
            self.count = count;
            return;
        }
        selection.each(|row| column.each(row, |value| self.values.extend(identity(value))));
    }
}

/// Are the least and the greatest of this leaf instants?
pub(super) fn is_time(context: Context<'_>, leaf: &EventLeaf) -> bool {
    matches!(context.program.probes[leaf.probe], Probe::Time(_) | Probe::Age { .. })
}

/// A value as something that has an order: an instant, or else a number.
pub(super) fn ordered(value: ValueRef<'_>, is_time: bool) -> Option<Wide> {
    match value {
        ValueRef::Number(number) if !is_time => Some(number.wide()),
        value if is_time => value.instant().map(|at| Wide::from(i128::from(at.0))),
        _ => None,
    }
}

/// The measure of what `ordered` gave.
pub(super) fn extreme(value: Wide, is_time: bool) -> Measured {
    if is_time { Measured::Instant(value.low_i64()) } else { Measured::Quotient(value, 1) }
}

/// Pushes the local day of each row, no day twice in a row.
fn days(context: Context<'_>, times: &[i64], selection: &Selection, days: &mut Vec<i64>) {
    let zone = context.program.zone();
    let mut end = i64::MIN;
    selection.each(|row| {
        if times[row] >= end {
            let day = zone.day(kernel::Instant(times[row]));
            end = zone.day_start(day + 1).0;
            days.push(day);
        }
    });
}

/// A value as `distinct` tells values apart; `None` for lists and objects, which it ignores.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Clone, Debug)]
pub(super) enum Identity<'a> {
    Boolean(bool),
    Number(Number),
    Instant(i64),
    Text(Cow<'a, str>),
}

pub(super) fn identity(value: ValueRef<'_>) -> Option<Identity<'_>> {
    Some(match value {
        ValueRef::Boolean(value) => Identity::Boolean(value),
        ValueRef::Number(number) => Identity::Number(number),
        ValueRef::Instant(at) => Identity::Instant(at.0),
        ValueRef::Text(text) => Identity::Text(nfc(text)),
        ValueRef::List(_) | ValueRef::Place(_) | ValueRef::Other => return None,
    })
}

/// Counts different codes or digits of one column; `None` if that is not the same as different values.
fn distinct_codes(scratch: &mut Scratch, column: &Column<'_>, selection: &Selection) -> Option<u64> {
    match *column {
        Column::Absent => Some(0),
        Column::Number { mantissas: values, valid, .. } | Column::Instant { micros: values, valid } => {
            let list = &mut scratch.wholes;
            list.clear();
            selection.each(|row| {
                if valid.is_none_or(|bits| bits.get(row)) {
                    list.push(values[row]);
                }
            });
            list.sort_unstable();
            list.dedup();
            Some(list.len() as u64)
        }
        Column::Text { codes, dictionary, valid } => {
            let mut normal = scratch.normal(dictionary);
            let list = &mut scratch.codes;
            list.clear();
            selection.each(|row| {
                if valid.is_none_or(|bits| bits.get(row)) {
                    list.push(codes[row]);
                }
            });
            list.sort_unstable();
            list.dedup();
            // Two codes can mean one text only if one of them is not in normal form.
            let is_exact = list.iter().all(|code| {
                let place = &mut normal[*code as usize];
                if *place == 0 {
                    let is_borrowed = matches!(nfc(dictionary.text(*code)), Cow::Borrowed(_));
                    *place = 1 + u8::from(is_borrowed);
                }
                *place == 2
            });
            let count = list.len() as u64;
            scratch.put_normal(dictionary, normal);
            is_exact.then_some(count)
        }
        _ => None,
    }
}
