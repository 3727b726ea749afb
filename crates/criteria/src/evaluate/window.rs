//! Windows as they stand at an instant, and how they move.
//!
//! Both ends of every window only move forward as time passes. What lies before [`Frame::base`] is out
//! for good, so a sweep forward in time reads each event once.

use super::scratch::Scratch;
use super::{Context, select};
use crate::probe::NEVER;
use crate::program::Span;
use crate::zone::Zone;

/// A window of one party.
pub(crate) struct Frame<'a> {
    zone: &'a Zone,
    span: &'a Span,
    /// For `since`: when the event happened, ascending, later than the present included.
    since: Vec<i64>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(context: Context<'a>, scratch: &mut Scratch, span: &'a Span, as_of: i64) -> Self {
        let mut since = Vec::new();
        if let Span::Since { source, .. } = span {
            since = scratch.time_list();
            for (index, run) in source.runs.iter().enumerate() {
                let times = context.timeline.times(run.run);
                let selection = select::events(context, scratch, source, index, (i64::MIN, i64::MAX), as_of);
                selection.each(|row| since.push(times[row]));
                scratch.take_back(selection);
            }
        }
        Self { zone: &context.program.zone, span, since }
    }

    pub(super) fn end(self, scratch: &mut Scratch) {
        if self.since.capacity() > 0 {
            scratch.times.push(self.since);
        }
    }

    /// The first and the last instant in the window at `as_of`; `None` if there is no window.
    pub(super) fn bounds(&self, as_of: i64) -> Option<(i64, i64)> {
        Some(match *self.span {
            Span::Ever => (i64::MIN, as_of),
            Span::Last(micros) => (as_of.saturating_sub(micros).saturating_add(1), as_of),
            Span::Calendar(period) => {
                let (start, end) = self.zone.period(period, kernel::Instant(as_of));
                (start.0, as_of.min(end.0.saturating_sub(1)))
            }
            Span::Between(from, to) => (from, as_of.min(to.saturating_sub(1))),
            Span::Since { is_last, .. } => {
                let seen = self.since.partition_point(|time| *time <= as_of);
                let since = if is_last { self.since[..seen].last() } else { self.since[..seen].first() };
                (since?.saturating_add(1), as_of)
            }
        })
    }

    /// No event before this can be in the window at `as_of` or later; `None` if there will be no window.
    pub(super) fn base(&self, as_of: i64) -> Option<i64> {
        match self.bounds(as_of) {
            Some((low, _)) => Some(low),
            None => self.since.first().map(|time| time.saturating_add(1)),
        }
    }

    /// Events from here on never come into the window.
    pub(super) fn ceiling(&self) -> i64 {
        match self.span {
            Span::Between(_, to) => *to,
            _ => NEVER,
        }
    }

    /// When an event at `time`, the earliest in the window, leaves it by the mere passage of time.
    pub(super) fn leaves(&self, time: i64) -> i64 {
        match self.span {
            Span::Last(micros) => time.saturating_add(*micros),
            _ => NEVER,
        }
    }

    /// The first instant after `as_of` at which the window jumps.
    pub(super) fn jumps(&self, as_of: i64) -> i64 {
        match *self.span {
            Span::Calendar(period) => self.zone.period_change(period, kernel::Instant(as_of)).0,
            Span::Since { is_last, .. } => {
                let seen = self.since.partition_point(|time| *time <= as_of);
                if seen > 0 && !is_last { NEVER } else { self.since.get(seen).copied().unwrap_or(NEVER) }
            }
            _ => NEVER,
        }
    }

    /// Does the window stand still unless new events come into it?
    pub(super) fn is_still(&self, as_of: i64) -> bool {
        match self.span {
            Span::Ever | Span::Between(..) => true,
            Span::Last(_) | Span::Calendar(_) => false,
            Span::Since { .. } => self.jumps(as_of) == NEVER,
        }
    }

    /// The next instant after `point` at which what is in the window can change, where the window holds
    /// items from `first` (the earliest in it, if any) and `coming` is the earliest not yet in it.
    pub(super) fn next(&self, point: i64, first: Option<i64>, coming: Option<i64>) -> i64 {
        match (first, coming) {
            (None, None) => NEVER,
            // Nothing in the window, and nothing comes into it before it happens.
            (None, Some(time)) if time > point => time,
            (None, Some(_)) => self.jumps(point),
            (Some(first), coming) => {
                let coming = coming.filter(|time| *time > point).unwrap_or(NEVER);
                coming.min(self.leaves(first)).min(self.jumps(point))
            }
        }
    }
}
