//! What to run next: jobs whose process is gone are let go, and what waits is claimed while there is room.

use std::collections::BTreeSet;
use std::sync::Arc;

use db::{Pool, Tx};
use kernel::{Instant, Scope};

use super::active::Active;
use super::{LEASE_MICROS, RUNNING_MAX, Runner};
use crate::run::{Run, Shared};
use crate::store::claim::{Claim, End, Held, job_claim, job_end, job_requeue, job_wait};
use crate::store::job::{Job, QUEUED_MAX, State, job_in_state};
use crate::store::line::line_add;
use crate::store::take_turns;
use crate::store::worker::worker_kinds;

/// Jobs of a workspace that run at a time, over all processes; no limit of the code below, only of one
/// look at them.
const RUNNING_LOOK_MAX: usize = 1_000;

/// A job this process has claimed.
struct Claimed {
    job: Job,
    held: Held,
    deadline: Instant,
}

impl Runner {
    /// Claims and begins what waits in a workspace.
    pub(super) fn take(&mut self, scope: &Scope, pool: &Pool) -> kernel::Result<()> {
        let now = self.installation.now();
        let has_work = pool.read(|tx| {
            let waits = job_in_state(scope, tx, State::Queued, 1)?;
            let runs = job_in_state(scope, tx, State::Running, RUNNING_LOOK_MAX)?;
            Ok::<_, db::Error>(!waits.is_empty() || runs.iter().any(|job| job.lease < now))
        })?;
        if !has_work {
            return Ok(());
        }
        let claimed = pool.write(|tx| {
            take_turns(scope, tx)?;
            let running = self.let_go(scope, tx, now)?;
            self.claim(scope, tx, running, now)
        })?;
        for claimed in claimed {
            self.begin(scope, claimed);
        }
        Ok(())
    }

    /// Lets go of jobs whose process was silent for too long. Returns those that still run.
    fn let_go(&self, scope: &Scope, tx: &mut Tx<'_>, now: Instant) -> kernel::Result<Vec<Job>> {
        let running = job_in_state(scope, tx, State::Running, RUNNING_LOOK_MAX)?;
        let (gone, running): (Vec<_>, Vec<_>) = running.into_iter().partition(|job| job.lease < now);
        for job in gone {
            let held = Held { no: job.no, epoch: job.epoch };
            let problem = format!("its process was not heard of since {}", job.lease.plus(-LEASE_MICROS));
            if job.cancel.is_none() && job.attempt < job.attempts_max {
                line_add(scope, tx, job.no, (now, true, &problem))?;
                job_requeue(scope, tx, held, (now, true), &problem)?;
                continue;
            }
            let state = if job.cancel.is_some() { State::Cancelled } else { State::Failed };
            let problem = format!("abandoned: {problem}, and it may not be begun again");
            job_end(scope, tx, held, &End { state, result: None, problem: Some(&problem), now })?;
        }
        Ok(running)
    }

    fn claim(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        running: Vec<Job>,
        now: Instant,
    ) -> kernel::Result<Vec<Claimed>> {
        let offered = worker_kinds(scope, tx, now)?;
        let mut busy: BTreeSet<(String, String)> =
            running.into_iter().map(|job| (job.kind, job.key)).collect();
        let mut claimed = Vec::new();
        for job in job_in_state(scope, tx, State::Queued, QUEUED_MAX as usize)? {
            let Some(kind) = self.kinds.get(&job.kind) else {
                if !offered.contains(&job.kind) {
                    job_wait(scope, tx, &job, "no process that is running offers this kind of job")?;
                }
                continue;
            };
            let slot = (job.kind.clone(), job.key.clone());
            let waits_for = if job.ready > now {
                format!("another attempt, at {}", job.ready)
            } else if busy.contains(&slot) {
                "the job of the same kind and key that runs".to_owned()
            } else if self.active.len() + claimed.len() >= RUNNING_MAX {
                format!("its turn: a process runs {RUNNING_MAX} jobs at a time")
            } else {
                let deadline = now.plus(kind.deadline_micros());
                let (owner, lease) = (self.owner.as_str(), now.plus(LEASE_MICROS));
                let attempts_max = kind.retries().attempts_max();
                let claim = Claim { owner, now, lease, deadline, attempts_max };
                if let Some(held) = job_claim(scope, tx, &job, &claim)? {
                    busy.insert(slot);
                    claimed.push(Claimed { job, held, deadline });
                }
                continue;
            };
            job_wait(scope, tx, &job, &waits_for)?;
        }
        Ok(claimed)
    }

    fn begin(&mut self, scope: &Scope, claimed: Claimed) {
        let Claimed { job, held, deadline } = claimed;
        let Some(work) = self.kinds.get(&job.kind) else { return };
        let run = Run {
            scope: scope.clone(),
            no: job.no,
            input: serde_json::from_str(&job.input).unwrap_or_default(),
            schedule: job.schedule.zip(job.due),
            attempt: job.attempt + 1,
            installation: self.installation.clone(),
            held,
            shared: Arc::new(Shared::default()),
        };
        let active = Active::start(self, work, run, deadline);
        self.active.push(active);
    }
}
