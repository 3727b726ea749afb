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
use crate::value::Value;

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
                field(context, leaf).and_then(|(value, _)| value).map(Value::from)
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
        let (timeline, context) = (self.context.timeline, self.context);
        let mut found = Vec::new();
        self.each_event(rule, &mut |leaf, index, row| {
            let mut values = Vec::new();
            if let Measure::Of(..) = leaf.measure {
                measure::property(context, leaf, index).each(row, |one| values.push(Value::from(one)));
            }
            let run = leaf.source.runs[index].run;
            found.push((Point { time: Instant(timeline.times(run)[row]), values }, timeline.key(run, row)));
        });
        found.sort_by_key(|(point, key)| (point.time, *key));
        found.into_iter().map(|(point, _)| point).collect()
    }

    /// Calls `visit` with the run and the row of each event a rule of one event leaf looks at, run by run.
    pub fn events(&mut self, rule: usize, mut visit: impl FnMut(usize, usize)) {
        self.each_event(rule, &mut |leaf, index, row| visit(leaf.source.runs[index].run, row));
    }

    fn each_event(&mut self, rule: usize, visit: &mut dyn FnMut(&EventLeaf, usize, usize)) {
        let program = self.evaluator.program;
        let Branch::Leaf(leaf) = &program.entries[rule].root else { return };
        let Leaf::Event(leaf) = &program.leaves[*leaf] else { return };
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let frame = Frame::new(context, scratch, &leaf.span, as_of);
        let bounds = frame.bounds(as_of).unwrap_or((1, 0));
        frame.end(scratch);
        for index in 0..leaf.source.runs.len() {
            let selection = select::events(context, scratch, &leaf.source, index, bounds, as_of);
            selection.each(|row| visit(leaf, index, row));
            scratch.take_back(selection);
        }
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

fn measured_value(context: Context<'_>, leaf: &EventLeaf, measured: Measured) -> Option<Value> {
    match measured {
        Measured::Missing => None,
        Measured::Whole(count) => Some(whole(count)),
        Measured::Quotient(sum, count) => quotient(sum, count).map(Value::Number),
        Measured::Instant(at) => Some(Value::Instant(Instant(at))),
        Measured::Cell(index, row) => measure::property(context, leaf, index).value(row).map(Value::from),
    }
}

/// A sum, or a mean cut after 18 digits. One beyond all money is missing.
fn quotient(sum: Wide, count: u64) -> Option<Number> {
    let quotient = if count == 1 { sum } else { sum.divided(count).0 };
    Number::new(quotient.low_i128()?, SCALE_MAX)
}
