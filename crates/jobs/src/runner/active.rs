//! Jobs that run in this process: kept alive, asked to stop, ended.

use std::sync::Arc;

use db::Pool;
use kernel::{Failure, Instant};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{GRACE_MICROS, LEASE_MICROS, Runner};
use crate::rules::retry::{delay_micros, is_passing};
use crate::run::{Run, Said, Stop};
use crate::store::claim::{End, job_beat, job_end, job_requeue};
use crate::store::job::State;
use crate::store::line::line_add;
use crate::work::Work;

/// What a job came to; nothing until it is done, or if it panicked.
type Outcome = Arc<Mutex<Option<kernel::Result<Value>>>>;

/// A job that runs here.
pub(super) struct Active {
    run: Run,
    task: JoinHandle<()>,
    outcome: Outcome,
    /// When its attempt has failed.
    deadline: Instant,
    /// When it was asked to stop.
    asked: Option<Instant>,
    attempts_max: u32,
}

/// What becomes of a job whose attempt is over.
enum Next {
    Over(State, Option<String>, Option<String>),
    /// It waits for another attempt; whether this one counts.
    Again(Instant, bool, String),
}

impl Active {
    pub(super) fn start(runner: &Runner, work: &Arc<dyn Work>, run: Run, deadline: Instant) -> Self {
        let outcome = Outcome::default();
        let (work, own, slot) = (Arc::clone(work), run.clone(), Arc::clone(&outcome));
        let attempts_max = work.retries().attempts_max();
        let task = runner.handle.spawn(async move {
            let done = work.run(&own).await;
            *slot.lock() = Some(done);
        });
        Self { run, task, outcome, deadline, asked: None, attempts_max }
    }

    /// Waits until it is done, one way or another.
    pub(super) async fn done(&mut self) {
        if !self.task.is_finished() {
            let _ = (&mut self.task).await;
        }
    }

    pub(super) fn ask_to_stop(&mut self, why: Stop, now: Instant) {
        self.asked.get_or_insert(now);
        self.run.shared.ask_to_stop(why);
    }

    /// Says that it lives and how far it is; learns whether to stop; writes how it ended. Whether it is
    /// over for this process.
    fn attend(&mut self, pool: &Pool, now: Instant) -> kernel::Result<bool> {
        let lines = std::mem::take(&mut *self.run.shared.lines.lock());
        let is_finished = self.task.is_finished();
        match self.beat(pool, &lines, now) {
            Ok(cancel) => {
                if cancel.is_some() {
                    self.ask_to_stop(Stop::Cancelled, now);
                }
            }
            Err(Failure::Conflict { .. }) => self.ask_to_stop(Stop::Replaced, now),
            Err(failure) => {
                self.run.shared.lines.lock().splice(0..0, lines);
                return Err(failure);
            }
        }
        if !is_finished && self.deadline < now {
            self.ask_to_stop(Stop::Deadline, now);
        }
        let is_late = self.asked.is_some_and(|asked| asked.plus(GRACE_MICROS) < now);
        if !is_finished && !is_late {
            return Ok(false);
        }
        if !is_finished {
            self.task.abort();
        }
        self.end(pool, is_finished, now)?;
        Ok(true)
    }

    fn beat(&self, pool: &Pool, lines: &[Said], now: Instant) -> kernel::Result<Option<Instant>> {
        let (scope, held) = (&self.run.scope, self.run.held);
        let progress = self.run.shared.progress.lock().clone();
        pool.write(|tx| {
            let cancel = job_beat(scope, tx, held, now.plus(LEASE_MICROS), &progress)?;
            for (at, is_problem, text) in lines {
                line_add(scope, tx, held.no, (*at, *is_problem, text))?;
            }
            Ok(cancel)
        })
    }

    fn end(&self, pool: &Pool, is_finished: bool, now: Instant) -> kernel::Result<()> {
        let stop = *self.run.shared.stop.lock();
        if stop == Some(Stop::Replaced) {
            return Ok(());
        }
        let next = self.next(stop, is_finished, now);
        let (scope, held) = (&self.run.scope, self.run.held);
        let ended = pool.write(|tx| match &next {
            Next::Over(state, result, problem) => {
                let (state, result, problem) = (*state, result.as_deref(), problem.as_deref());
                job_end(scope, tx, held, &End { state, result, problem, now })
            }
            Next::Again(ready, counts, problem) => {
                line_add(scope, tx, held.no, (now, true, problem))?;
                job_requeue(scope, tx, held, (*ready, *counts), problem)
            }
        });
        match ended {
            // Taken over at the last moment: what it came to is the other's to say.
            Err(Failure::Conflict { .. }) => Ok(()),
            ended => ended,
        }
    }

    fn next(&self, stop: Option<Stop>, is_finished: bool, now: Instant) -> Next {
        let outcome = self.outcome.lock();
        let over = |state, problem: &str| Next::Over(state, None, Some(problem.to_owned()));
        let (problem, is_passing) = match &*outcome {
            Some(Ok(value)) => return Next::Over(State::Succeeded, Some(value.to_string()), None),
            Some(Err(failure)) => (self.tell(failure), is_passing(failure)),
            None if is_finished => {
                ("a defect: the job panicked; the server's log says where".to_owned(), true)
            }
            None => ("it did not stop when it was asked to and was dropped".to_owned(), true),
        };
        let may_repeat = self.attempts_max > 1;
        match stop {
            Some(Stop::Cancelled) => over(State::Cancelled, "cancelled while it ran"),
            Some(Stop::Stopping) if may_repeat => {
                Next::Again(now, false, "the process that ran it stopped".to_owned())
            }
            Some(Stop::Stopping) => {
                over(State::Failed, "the process that ran it stopped, and it may not be begun twice")
            }
            Some(Stop::Deadline) => self.again_or("it took longer than it may".to_owned(), true, now),
            _ => self.again_or(problem, is_passing, now),
        }
    }

    fn again_or(&self, problem: String, is_passing: bool, now: Instant) -> Next {
        if is_passing && self.run.attempt < self.attempts_max {
            return Next::Again(now.plus(delay_micros(self.run.attempt)), true, problem);
        }
        Next::Over(State::Failed, None, Some(problem))
    }

    /// What people are told of a failure.
    fn tell(&self, failure: &Failure) -> String {
        if let Failure::Internal(cause) = failure {
            tracing::error!(job = self.run.no, %cause, "a job failed");
            return "internal error; the cause is in the server's log".to_owned();
        }
        failure.to_string()
    }
}

impl Runner {
    /// Attends to everything that runs here.
    pub(super) fn attend(&mut self) -> kernel::Result<()> {
        let now = self.installation.now();
        let mut first = Ok(());
        for mut active in std::mem::take(&mut self.active) {
            let attended =
                self.installation.pool(&active.run.scope).and_then(|pool| active.attend(&pool, now));
            match attended {
                Ok(true) => {}
                Ok(false) => self.active.push(active),
                Err(failure) => {
                    first = first.and(Err(failure));
                    self.active.push(active);
                }
            }
        }
        first
    }
}
