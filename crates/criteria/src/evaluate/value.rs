//! The value of a leaf instead of whether it holds: what formulas and models compute with.
//!
//! A rule that is one leaf (`"op":"exists"` by custom) is asked for what it measures ([`Evaluation::value`])
//! or for the events it would measure, one by one ([`Evaluation::series`]). When that can change is said
//! conservatively: perhaps too early, never too late.

use kernel::Instant;

use super::measure::{self, Measured};
use super::{Context, Evaluation, field, related_count, relative, select, sequence, window::Frame};
use crate::number::{Number, SCALE_MAX, Wide};
use crate::probe::NEVER;
use crate::program::{Branch, EventLeaf, Leaf};
use crate::rule::Measure;
use crate::value::{Value, ValueRef};

/// What a leaf measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The value; nothing if it is missing.
    pub value: Option<Value>,
    /// No earlier than this can it differ if no new fact arrives; `None` is never.
    pub changes_at: Option<Instant>,
}

/// One event of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When it happened.
    pub time: Instant,
    /// The values of the measured property: none if it is missing or nothing is measured, several only
    /// where its path has `[]`.
    pub values: Vec<Value>,
}

impl Evaluation<'_, '_> {
    /// What a rule of one leaf measures. A rule of several leaves has the value of whether it holds.
    pub fn value(&mut self, rule: usize) -> Input {
        let program = self.evaluator.program;
        let Branch::Leaf(leaf) = &program.entries[rule].root else {
            let outcome = self.outcome(rule);
            return Input { value: Some(Value::Boolean(outcome.holds)), changes_at: outcome.changes_at };
        };
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let leaf = &program.leaves[*leaf];
        let value = match leaf {
            Leaf::Event(leaf) => {
                let measured = measure::measure(context, scratch, leaf, as_of);
                measured_value(context, leaf, measured)
            }
            Leaf::Sequence(leaf) => Some(whole(sequence::count(context, scratch, leaf, as_of))),
            Leaf::Related(leaf) => Some(whole(related_count(context, scratch, leaf, as_of))),
            Leaf::Trait { .. } | Leaf::Tag { .. } | Leaf::Score { .. } | Leaf::Stage { .. } => {
                field(context, leaf).and_then(|(value, _)| value).map(owned)
            }
            Leaf::Always(_) | Leaf::Audience { .. } | Leaf::Consent { .. } => {
                Some(Value::Boolean(self.holds(rule)))
            }
        };
        Input { value, changes_at: self.moves_at(rule) }
    }

    /// The events a rule of one event leaf would measure, in order; none for any other rule. Rules that differ
    /// in the property they measure alone have series of the same events.
    pub fn series(&mut self, rule: usize) -> Vec<Point> {
        let program = self.evaluator.program;
        let mut found = Vec::new();
        let Branch::Leaf(leaf) = &program.entries[rule].root else { return Vec::new() };
        let Leaf::Event(leaf) = &program.leaves[*leaf] else { return Vec::new() };
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let frame = Frame::new(context, scratch, &leaf.span, as_of);
        let bounds = frame.bounds(as_of).unwrap_or((1, 0));
        frame.end(scratch);
        for (index, run) in leaf.source.runs.iter().enumerate() {
            let times = context.timeline.times(run.run);
            let selection = select::events(context, scratch, &leaf.source, index, bounds, as_of);
            let column = match leaf.measure {
                Measure::Of(..) => Some(measure::property(context, leaf, index)),
                _ => None,
            };
            selection.each(|row| {
                let mut values = Vec::new();
                if let Some(column) = &column {
                    column.each(row, |one| values.push(owned(one)));
                }
                let key = context.timeline.key(run.run, row);
                found.push((Point { time: Instant(times[row]), values }, key));
            });
            scratch.take_back(selection);
        }
        if leaf.source.runs.len() > 1 {
            found.sort_by_key(|(point, key)| (point.time, *key));
        }
        found.into_iter().map(|(point, _)| point).collect()
    }

    /// No earlier than this can what a rule of one leaf measures differ if no new fact arrives.
    pub fn moves_at(&self, rule: usize) -> Option<Instant> {
        let program = self.evaluator.program;
        let Branch::Leaf(leaf) = &program.entries[rule].root else { return None };
        let at = relative::next(self.context, &program.leaves[*leaf], self.as_of);
        (at != NEVER).then_some(Instant(at))
    }
}

fn whole(count: u64) -> Value {
    Value::Number(Number::from(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Text(text) => Value::Text(text.into()),
        ValueRef::Number(number) => Value::Number(number),
        ValueRef::Boolean(value) => Value::Boolean(value),
        ValueRef::Instant(at) => Value::Instant(at),
        ValueRef::List(items) => Value::List(items.into()),
        ValueRef::Place(place) => Value::Place(place),
        ValueRef::Other => Value::Other,
    }
}

fn measured_value(context: Context<'_>, leaf: &EventLeaf, measured: Measured) -> Option<Value> {
    match measured {
        Measured::Missing => None,
        Measured::Whole(count) => Some(whole(count)),
        Measured::Quotient(sum, count) => quotient(sum, count).map(Value::Number),
        Measured::Instant(at) => Some(Value::Instant(Instant(at))),
        Measured::Cell(index, row) => {
            let mut value = None;
            let column = measure::property(context, leaf, index);
            column.each(row, |one| value = value.take().or(Some(owned(one))));
            value
        }
    }
}

/// A sum, or a mean cut after 18 digits. One beyond all money is missing.
fn quotient(sum: Wide, count: u64) -> Option<Number> {
    let quotient = if count == 1 { sum } else { sum.divided(count).0 };
    Number::new(quotient.low_i128()?, SCALE_MAX)
}
