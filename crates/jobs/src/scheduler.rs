//! Makes jobs of schedules that are due.
//!
//! A look takes no input but the tables and the clock and may be repeated at any time, by any process: the
//! decision and what it leads to are one transaction, and processes take turns.

use db::{Pool, Tx};
use kernel::{Instant, Scope};

use crate::rules::decide::{Decision, Facts, Reason, decide};
use crate::store::decision::{decision_add, decision_is_known, end_after};
use crate::store::job::{NewJob, QUEUED_MAX, job_busy, job_create, job_queued_count};
use crate::store::schedule::{Schedule, schedule_all, schedule_look};
use crate::store::take_turns;
use crate::store::worker::worker_kinds;
use crate::work::Kinds;

/// A schedule that is due, and what was decided of it.
struct Due {
    schedule: Schedule,
    decision: Decision,
    /// The latest end it has taken into account, if this decision is final.
    seen: u64,
    key: String,
    attempts_max: u32,
}

/// Decides of every schedule of a workspace that is due. Returns how many jobs were made.
///
/// # Errors
/// As the database says; nothing is decided then.
pub fn look(pool: &Pool, scope: &Scope, kinds: &Kinds, now: Instant) -> kernel::Result<usize> {
    // Mostly nothing is due, and then nothing is written.
    let is_news = |tx: &mut Tx<'_>| {
        for schedule in schedule_all(scope, tx)? {
            if let Some(due) = due(scope, tx, kinds, schedule, now)?
                && due.is_news(scope, tx)?
            {
                return Ok(true);
            }
        }
        Ok::<_, kernel::Failure>(false)
    };
    if !pool.read(is_news)? {
        return Ok(0);
    }
    pool.write(|tx| {
        take_turns(scope, tx)?;
        let mut made = 0;
        for schedule in schedule_all(scope, tx)? {
            if let Some(due) = due(scope, tx, kinds, schedule, now)?
                && due.is_news(scope, tx)?
            {
                made += usize::from(due.carry_out(scope, tx, now)?);
            }
        }
        Ok(made)
    })
}

fn due(
    scope: &Scope,
    tx: &mut Tx<'_>,
    kinds: &Kinds,
    schedule: Schedule,
    now: Instant,
) -> kernel::Result<Option<Due>> {
    let cadence = match schedule.when.read() {
        Ok(cadence) => cadence,
        Err(failure) => {
            tracing::error!(schedule = schedule.id, %failure, "a stored schedule cannot be read");
            return Ok(None);
        }
    };
    let mut ends = Vec::new();
    for upstream in cadence.upstream() {
        ends.extend(end_after(scope, tx, upstream, schedule.seen)?);
    }
    if ends.is_empty() && cadence.next(schedule.considered).is_none_or(|next| next > now) {
        return Ok(None);
    }
    let kind = kinds.get(&schedule.kind);
    let input = serde_json::from_str(&schedule.input).map_err(kernel::Failure::internal)?;
    let key = kind.map(|kind| kind.key(&input));
    let busy = match &key {
        Some(key) => job_busy(scope, tx, &schedule.kind, key)?,
        None => None,
    };
    let facts = Facts {
        cadence: &cadence,
        is_paused: schedule.is_paused,
        considered: schedule.considered,
        ends: &ends,
        now,
        busy,
        is_offered: kind.is_some() && worker_kinds(scope, tx, now)?.contains(&schedule.kind),
        has_room: job_queued_count(scope, tx)? < QUEUED_MAX,
    };
    let seen = ends.iter().map(|end| end.no).max().unwrap_or(schedule.seen);
    let attempts_max = kind.map_or(1, |kind| kind.retries().attempts_max());
    let due = |decision| Due { schedule, decision, seen, key: key.unwrap_or_default(), attempts_max };
    Ok(decide(&facts).map(due))
}

impl Due {
    /// Whether this was not decided before.
    fn is_news(&self, scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<bool> {
        Ok(self.decision.is_final || !decision_is_known(scope, tx, &self.schedule.id, &self.decision)?)
    }

    /// Does what was decided and notes it. Returns whether a job was made.
    fn carry_out(&self, scope: &Scope, tx: &mut Tx<'_>, now: Instant) -> kernel::Result<bool> {
        let Self { schedule, decision, .. } = self;
        let is_started = decision.reason == Reason::Started;
        let mut job = None;
        if is_started {
            let new = NewJob {
                kind: &schedule.kind,
                key: &self.key,
                input: &schedule.input,
                attempts_max: self.attempts_max,
                schedule: Some((&schedule.id, decision.due)),
                actor: &schedule.actor,
                now,
            };
            job = Some(job_create(scope, tx, &new)?);
        }
        decision_add(scope, tx, &schedule.id, decision, (now, job))?;
        if decision.is_final {
            schedule_look(scope, tx, &schedule.id, now.max(schedule.considered), self.seen)?;
        }
        Ok(is_started)
    }
}
