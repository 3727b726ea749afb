//! When a leaf changes whose conditions on events or records depend on the present instant.
//!
//! Such conditions (`within_last`, `older_than` in a `where`) make events come and go one by one, so
//! the leaf is evaluated anew at each instant at which anything about it can change. After
//! [`ROUNDS_MAX`] of them the next is returned untried: earlier than need be, never too late.

use super::Context;
use super::leaf_holds;
use super::scratch::Scratch;
use crate::column::{Column, Values};
use crate::probe::NEVER;
use crate::program::{Condition, Leaf, Source, Span};

/// Evaluations before the next instant is returned untried; each reads all events of the leaf.
const ROUNDS_MAX: usize = 16;

pub(super) fn changes(
    context: Context<'_>,
    scratch: &mut Scratch,
    leaf: &Leaf,
    as_of: i64,
    holds: bool,
) -> i64 {
    let mut point = next(context, leaf, as_of);
    for _ in 0..ROUNDS_MAX {
        if point == NEVER || leaf_holds(context, scratch, leaf, point) != holds {
            return point;
        }
        point = next(context, leaf, point);
    }
    point
}

/// The first instant after `point` at which anything about the leaf can change.
pub(super) fn next(context: Context<'_>, leaf: &Leaf, point: i64) -> i64 {
    let mut next = Next { context, point, at: NEVER };
    match leaf {
        Leaf::Related(leaf) => {
            let rows = context.subject.related_rows(leaf.slot);
            let column = |path: usize| context.subject.related_column(leaf.slot, leaf.columns[path]);
            next.condition(leaf.filter.as_ref(), &column, rows);
        }
        Leaf::Event(leaf) => {
            next.source(&leaf.source);
            next.span(&leaf.span, &leaf.source);
            let probe = &context.program.probes[leaf.probe];
            for run in leaf.source.runs.iter().filter(|_| probe.is_relative()) {
                for (row, time) in context.timeline.times(run.run).iter().enumerate() {
                    next.probe(
                        leaf.probe,
                        &Column::one(Values::Instant { micros: &[*time], valid: None }),
                        0,
                    );
                    if let Some(column) = run.columns.get(leaf.property) {
                        next.probe(leaf.probe, &context.timeline.column(run.run, *column), row);
                    }
                }
            }
        }
        Leaf::Sequence(leaf) => {
            next.source(&leaf.first);
            next.span(&leaf.span, &leaf.first);
            for step in &leaf.steps {
                next.source(&step.source);
                // A wait begins at an event of any step and ends `within` later.
                for source in leaf.steps.iter().map(|step| &step.source).chain([&leaf.first]) {
                    next.times(source, step.within);
                }
            }
        }
        _ => {}
    }
    next.at
}

struct Next<'a> {
    context: Context<'a>,
    point: i64,
    at: i64,
}

impl Next<'_> {
    fn candidate(&mut self, at: i64) {
        if at > self.point {
            self.at = self.at.min(at);
        }
    }

    /// The times of a source's events, later by `micros`.
    fn times(&mut self, source: &Source, micros: i64) {
        for run in &source.runs {
            let times = self.context.timeline.times(run.run);
            let after = times.partition_point(|time| time.saturating_add(micros) <= self.point);
            if let Some(time) = times.get(after) {
                self.candidate(time.saturating_add(micros));
            }
        }
    }

    fn source(&mut self, source: &Source) {
        self.times(source, 0);
        for run in &source.runs {
            let column = |path: usize| self.context.timeline.column(run.run, run.columns[path]);
            let rows = self.context.timeline.times(run.run).len();
            self.condition(source.filter.as_ref(), &column, rows);
        }
    }

    fn span(&mut self, span: &Span, of: &Source) {
        match span {
            Span::Ever | Span::Between(..) => {}
            Span::Last(micros) => self.times(of, *micros),
            Span::Since { source, .. } => self.source(source),
            Span::Calendar(period) => {
                let zone = self.context.program.zone();
                let present = kernel::Instant(self.point);
                let (start, _) = zone.period(*period, present);
                // Once every event lies before the window, it stays empty.
                let is_alive = of.runs.iter().any(|run| {
                    self.context.timeline.times(run.run).last().is_some_and(|time| *time >= start.0)
                });
                if is_alive {
                    self.candidate(zone.period_change(*period, present).0);
                }
            }
        }
    }

    fn condition<'a>(
        &mut self,
        condition: Option<&Condition>,
        column: &dyn Fn(usize) -> Column<'a>,
        rows: usize,
    ) {
        match condition {
            None => {}
            Some(Condition::Probe { path, probe }) if self.context.program.probes[*probe].is_relative() => {
                let column = column(*path);
                (0..rows).for_each(|row| self.probe(*probe, &column, row));
            }
            Some(Condition::Probe { .. }) => {}
            Some(Condition::All(members) | Condition::Any(members) | Condition::None(members)) => {
                members.iter().for_each(|member| self.condition(Some(member), column, rows));
            }
        }
    }

    fn probe(&mut self, probe: usize, column: &Column<'_>, row: usize) {
        let probe = &self.context.program.probes[probe];
        let point = self.point;
        column.each(row, |value| self.candidate(probe.crossing(Some(value), point)));
    }
}
