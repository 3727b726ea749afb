//! Runs jobs in this process, and takes over those whose process is gone.
//!
//! ```text
//! turn: heartbeats of what runs here ─▶ ends of what is done ─▶ schedules that are due
//!       ─▶ jobs whose lease is over ─▶ claim what waits, as far as there is room
//! ```
//!
//! A turn looks at the tables and the clock only; when it is repeated, or never comes, nothing is lost:
//! a job whose process says nothing for longer than [`LEASE_MICROS`] is begun again elsewhere if its kind
//! allows that, and has failed if not.

mod active;
mod take;

use std::collections::HashMap;
use std::time::Duration;

use kernel::time::{DAY, HOUR, SECOND};
use kernel::{Failure, Instant, Scope, WorkspaceNo};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use workspace::Installation;

use crate::run::Stop;
use crate::scheduler;
use crate::store::decision::decision_forget;
use crate::store::job::{job_forget, job_kept_since};
use crate::store::worker::{worker_gone, worker_seen};
use crate::work::Kinds;
use active::Active;

/// For how long a claim keeps others out, in microseconds: heartbeats come many times as often.
pub const LEASE_MICROS: i64 = 15 * SECOND;
/// How long a job that was asked to stop may take to do so, in microseconds; then it is dropped.
pub const GRACE_MICROS: i64 = 10 * SECOND;
/// How long jobs that are over, and decisions, are kept, in microseconds.
pub const KEPT_MICROS: i64 = 30 * DAY;
/// Jobs that are over and kept, at most.
pub const KEPT_MAX: usize = 10_000;
/// Jobs one process runs at a time.
pub const RUNNING_MAX: usize = 4;

/// How often a running process takes a turn.
const TURN: Duration = Duration::from_secs(1);
/// Between two looks at what is old enough to be forgotten, in microseconds.
const FORGET_MICROS: i64 = HOUR;
/// Jobs forgotten in one transaction: it must not hold up the pipeline.
const FORGET_JOBS: usize = 200;
/// Between two notes that this process offers its kinds, in microseconds.
const SEEN_MICROS: i64 = 15 * SECOND;

/// Runs jobs of every workspace of an installation.
pub struct Runner {
    installation: Installation,
    kinds: Kinds,
    owner: String,
    handle: Handle,
    active: Vec<Active>,
    /// When this process last said in a workspace that it is there, and when it last forgot old jobs there.
    seen: HashMap<WorkspaceNo, Instant>,
    forgot: HashMap<WorkspaceNo, Instant>,
}

impl Runner {
    /// A runner that runs nothing yet. `owner` names this process; jobs are done on `handle`.
    pub fn new(installation: Installation, kinds: Kinds, owner: &str, handle: Handle) -> Self {
        let (active, seen, forgot) = Default::default();
        Self { installation, kinds, owner: owner.to_owned(), handle, active, seen, forgot }
    }

    /// How many jobs run here.
    pub fn running(&self) -> usize {
        self.active.len()
    }

    /// Takes turns until `stop`, then gives back what runs.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TURN) => {}
                () = stop.cancelled() => break,
            }
            let turned = tokio::task::spawn_blocking(move || {
                let turned = self.turn();
                (self, turned)
            });
            let turned = match turned.await {
                Ok((runner, turned)) => {
                    self = runner;
                    turned
                }
                Err(error) => {
                    tracing::error!(%error, "this process runs no jobs any more");
                    return;
                }
            };
            if let Err(failure) = turned {
                tracing::warn!(%failure, "jobs will be looked at again");
            }
        }
        self.stop().await;
    }

    /// One turn over every workspace. Blocks on the database.
    ///
    /// # Errors
    /// The first failure; the other workspaces had their turn all the same.
    pub fn turn(&mut self) -> kernel::Result<()> {
        let mut first = self.attend();
        for workspace in self.installation.workspaces() {
            let turned = self.turn_of(&Scope::system(workspace.no, "job"));
            first = first.and(turned);
        }
        first
    }

    fn turn_of(&mut self, scope: &Scope) -> kernel::Result<()> {
        let (pool, now) = (self.installation.pool(scope)?, self.installation.now());
        let is_old = |last: &HashMap<WorkspaceNo, Instant>, micros| {
            last.get(&scope.workspace).is_none_or(|last| last.plus(micros) <= now)
        };
        if is_old(&self.seen, SEEN_MICROS) {
            let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.kind()).collect();
            pool.write(|tx| worker_seen(scope, tx, &self.owner, &kinds, now))?;
            self.seen.insert(scope.workspace, now);
        }
        if is_old(&self.forgot, FORGET_MICROS) {
            let forgotten = pool.write(|tx| {
                let old = now.plus(-KEPT_MICROS);
                decision_forget(scope, tx, old)?;
                let before = job_kept_since(scope, tx, KEPT_MAX)?.map_or(old, |kept| kept.max(old));
                job_forget(scope, tx, before, FORGET_JOBS)
            })?;
            // With more to forget, the next turn goes on.
            if (forgotten as usize) < FORGET_JOBS {
                self.forgot.insert(scope.workspace, now);
            }
        }
        scheduler::look(&pool, scope, &self.kinds, now)?;
        self.take(scope, &pool)
    }

    /// Waits until everything that runs here is done, and writes how it ended.
    ///
    /// # Errors
    /// As the database says.
    pub async fn drain(mut self) -> kernel::Result<Self> {
        for active in &mut self.active {
            active.done().await;
        }
        let attended = tokio::task::spawn_blocking(move || self.attend().map(|()| self));
        attended.await.map_err(Failure::internal)?
    }

    /// Asks everything to stop, waits a little, and gives back the jobs that may be begun again.
    pub async fn stop(mut self) {
        self.active.iter_mut().for_each(|active| active.ask_to_stop(Stop::Stopping, Instant(i64::MIN)));
        let grace = Duration::from_micros(GRACE_MICROS as u64);
        let all = async {
            for active in &mut self.active {
                active.done().await;
            }
        };
        // What has not stopped by now is dropped by the look that follows: it was asked long ago.
        let _ = tokio::time::timeout(grace, all).await;
        let given = tokio::task::spawn_blocking(move || self.attend().and(self.leave()));
        if let Err(failure) = given.await.map_err(Failure::internal).flatten() {
            tracing::warn!(%failure, "jobs were not given back; others take them over when their lease ends");
        }
    }

    fn leave(&self) -> kernel::Result<()> {
        for workspace in self.seen.keys() {
            let scope = Scope::system(*workspace, "job");
            self.installation.pool(&scope)?.write(|tx| worker_gone(&scope, tx, &self.owner))?;
        }
        Ok(())
    }
}
