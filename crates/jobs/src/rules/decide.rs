//! What becomes of a schedule at an instant: nothing yet, a job, or a reason why there is none.
//!
//! ```text
//! not due ─▶ nothing
//! due ─▶ paused · nobody offers the kind · still running · no room · an upstream failed ─▶ a reason
//!     └▶ otherwise ─▶ one job, however many times were missed
//! ```
//!
//! A time that was decided is behind the schedule for good, except where waiting is the better answer: for
//! room, for somebody who offers the kind, and for its own job where other schedules made it due, because
//! what those brought is not in that job.

use kernel::Instant;

use super::cadence::Cadence;

/// Why a schedule made a job, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It made one.
    Started,
    /// It is paused.
    Paused,
    /// Its job of before, or another of the same kind and key, is not over.
    StillRunning,
    /// A schedule it waits for ran and did not succeed.
    DependencyFailed,
    /// A schedule it waits for did not run when it was due.
    DependencySkipped,
    /// No process offers the kind.
    NoWorker,
    /// Too many jobs are waiting.
    Quota,
}

impl Reason {
    /// Every reason with its public name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Started, "started"),
        (Self::Paused, "paused"),
        (Self::StillRunning, "still_running"),
        (Self::DependencyFailed, "dependency_failed"),
        (Self::DependencySkipped, "dependency_skipped"),
        (Self::NoWorker, "no_worker"),
        (Self::Quota, "quota"),
    ];

    /// The public name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("", |(_, name)| name)
    }

    /// The reason of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason)
    }
}

/// How an upstream schedule last came to an end, since the schedule that waits last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The upstream schedule.
    pub schedule: String,
    /// The number of the end; later ends have higher ones.
    pub no: u64,
    /// When.
    pub at: Instant,
    /// What happened.
    pub how: Ended,
}

/// How an upstream schedule came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its job succeeded.
    Succeeded,
    /// This job of it did not.
    Failed(u64),
    /// It was due and made no job.
    Skipped(Reason),
}

/// What a decision is made from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// When it is due.
    pub cadence: &'a Cadence,
    /// Whether people stopped it.
    pub is_paused: bool,
    /// Everything due until then has been decided.
    pub considered: Instant,
    /// Of each upstream schedule the latest end that has not been seen.
    pub ends: &'a [End],
    /// Now.
    pub now: Instant,
    /// A job of the same kind and key that is not over.
    pub busy: Option<u64>,
    /// Whether some process offers the kind.
    pub is_offered: bool,
    /// Whether one job more may wait.
    pub has_room: bool,
}

/// What becomes of a schedule that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The time it was due, the first one if several were missed.
    pub due: Instant,
    /// What was decided.
    pub reason: Reason,
    /// The particulars, for people.
    pub detail: String,
    /// Whether this time is behind it; otherwise the question is asked again.
    pub is_final: bool,
}

/// Decides; `None` if it is not due.
pub fn decide(facts: &Facts<'_>) -> Option<Decision> {
    match facts.cadence {
        Cadence::After(upstream) => after(facts, upstream),
        cadence => {
            let due = cadence.next(facts.considered).filter(|due| *due <= facts.now)?;
            Some(facts.judge(due, true))
        }
    }
}

fn after(facts: &Facts<'_>, upstream: &[String]) -> Option<Decision> {
    let latest = facts.ends.iter().max_by_key(|end| end.no)?;
    let bad = facts.ends.iter().find_map(|end| match end.how {
        Ended::Succeeded => None,
        Ended::Failed(job) => {
            Some((Reason::DependencyFailed, format!("job {job} of `{}` did not succeed", end.schedule)))
        }
        Ended::Skipped(reason) => {
            let detail = format!("`{}` did not run: {}", end.schedule, reason.name());
            Some((Reason::DependencySkipped, detail))
        }
    });
    if let Some((reason, detail)) = bad {
        return Some(Decision { due: latest.at, reason, detail, is_final: true });
    }
    let has_all = upstream.iter().all(|id| facts.ends.iter().any(|end| end.schedule == *id));
    has_all.then(|| facts.judge(latest.at, false))
}

impl Facts<'_> {
    fn judge(&self, due: Instant, skips_overlap: bool) -> Decision {
        let decision = |reason, detail: String, is_final| Decision { due, reason, detail, is_final };
        if self.is_paused {
            return decision(Reason::Paused, "the schedule is paused".to_owned(), true);
        }
        if let Some(job) = self.busy {
            let detail = format!("job {job} of the same kind and key is not over");
            return decision(Reason::StillRunning, detail, skips_overlap);
        }
        if !self.is_offered {
            let detail = "no process that is running offers this kind of job".to_owned();
            return decision(Reason::NoWorker, detail, false);
        }
        if !self.has_room {
            return decision(Reason::Quota, "too many jobs of the workspace are waiting".to_owned(), false);
        }
        decision(Reason::Started, String::new(), true)
    }
}

#[cfg(test)]
mod tests {
    use kernel::time::MINUTE;

    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant(minutes * MINUTE)
    }

    fn facts<'a>(cadence: &'a Cadence, ends: &'a [End], now: i64) -> Facts<'a> {
        let (considered, busy) = (at(0), None);
        let now = at(now);
        Facts { cadence, is_paused: false, considered, ends, now, busy, is_offered: true, has_room: true }
    }

    fn end(schedule: &str, no: u64, how: Ended) -> End {
        End { schedule: schedule.to_owned(), no, at: at(no as i64), how }
    }

    #[test]
    fn many_missed_times_are_one_job_of_the_first() {
        let every = Cadence::Every(10);
        assert_eq!(decide(&facts(&every, &[], 9)), None);
        let decision = decide(&facts(&every, &[], 1_000)).unwrap();
        assert_eq!((decision.due, decision.reason, decision.is_final), (at(10), Reason::Started, true));
    }

    #[test]
    fn what_stands_in_the_way_is_named_in_a_fixed_order() {
        let every = Cadence::Every(10);
        let base = || facts(&every, &[], 10);
        let reason = |facts: Facts<'_>| decide(&facts).map(|d| (d.reason, d.is_final));
        let all = Facts { is_paused: true, busy: Some(3), is_offered: false, has_room: false, ..base() };
        assert_eq!(reason(all), Some((Reason::Paused, true)));
        let busy = Facts { busy: Some(3), is_offered: false, has_room: false, ..base() };
        assert_eq!(reason(busy), Some((Reason::StillRunning, true)));
        let alone = Facts { is_offered: false, has_room: false, ..base() };
        assert_eq!(reason(alone), Some((Reason::NoWorker, false)));
        assert_eq!(reason(Facts { has_room: false, ..base() }), Some((Reason::Quota, false)));
    }

    #[test]
    fn all_upstream_schedules_must_have_run_again() {
        let after = Cadence::After(vec!["a".into(), "b".into()]);
        let (a, b) = (end("a", 1, Ended::Succeeded), end("b", 2, Ended::Succeeded));
        assert_eq!(decide(&facts(&after, &[], 9)), None);
        assert_eq!(decide(&facts(&after, std::slice::from_ref(&a), 9)), None);
        let decision = decide(&facts(&after, &[a.clone(), b], 9)).unwrap();
        assert_eq!((decision.due, decision.reason), (at(2), Reason::Started));
        let failed = decide(&facts(&after, &[a.clone(), end("b", 2, Ended::Failed(17))], 9)).unwrap();
        assert_eq!((failed.reason, failed.is_final), (Reason::DependencyFailed, true));
        assert_eq!(failed.detail, "job 17 of `b` did not succeed");
        let paused = Ended::Skipped(Reason::Paused);
        let skipped = decide(&facts(&after, &[a, end("b", 2, paused)], 9)).unwrap();
        assert_eq!(
            (skipped.reason, skipped.detail.as_str()),
            (Reason::DependencySkipped, "`b` did not run: paused")
        );
    }

    #[test]
    fn what_an_upstream_brought_waits_for_the_own_job_but_a_time_does_not() {
        let (after, every) = (Cadence::After(vec!["a".into()]), Cadence::Every(5));
        let ends = [end("a", 1, Ended::Succeeded)];
        let decision = |cadence, ends| decide(&Facts { busy: Some(7), ..facts(cadence, ends, 9) }).unwrap();
        assert_eq!(decision(&after, &ends[..]).reason, Reason::StillRunning);
        assert!(!decision(&after, &ends[..]).is_final);
        assert!(decision(&every, &[]).is_final);
    }
}
