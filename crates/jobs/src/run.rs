//! A job being done, as the kind that does it sees it: what it is about, how to say how far it is, and
//! whether to go on.
//!
//! What is said is kept in memory and written with the next heartbeat, so saying it costs nothing.

use std::sync::Arc;
use std::time::Duration;

use db::Tx;
use kernel::{Failure, Instant, Scope};
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use workspace::Installation;

use crate::store::claim::{Held, Progress, job_hold};

/// Characters of a line or progress text; the rest is cut off.
const LINE_CHARS_MAX: usize = 1_000;
/// Lines kept in memory between two heartbeats.
const LINES_WAITING_MAX: usize = 1_000;

/// Why a job is to stop before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody does not want it any more.
    Cancelled,
    /// Its attempt took too long.
    Deadline,
    /// Another process took it over.
    Replaced,
    /// This process stops.
    Stopping,
}

/// A line waiting to be written: when, whether it is a problem, and the text.
pub(crate) type Said = (Instant, bool, String);

/// One attempt at a job. Cheap to clone.
#[derive(Clone)]
pub struct Run {
    /// The workspace, with the job as the actor.
    pub scope: Scope,
    /// The job's number.
    pub no: u64,
    /// What it is about.
    pub input: Value,
    /// The schedule that made it, and when that was due.
    pub schedule: Option<(String, Instant)>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    pub(crate) installation: Installation,
    pub(crate) held: Held,
    pub(crate) shared: Arc<Shared>,
}

/// What the kind and the runner tell each other.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) progress: Mutex<Progress>,
    pub(crate) lines: Mutex<Vec<Said>>,
    pub(crate) stop: Mutex<Option<Stop>>,
    pub(crate) stopped: CancellationToken,
}

impl Shared {
    /// Asks to stop; the first reason counts.
    pub(crate) fn ask_to_stop(&self, why: Stop) {
        self.stop.lock().get_or_insert(why);
        self.stopped.cancel();
    }
}

impl Run {
    /// The installation.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Now.
    pub fn now(&self) -> Instant {
        self.installation.now()
    }

    /// Says how far it is: `done` of `total`, and what it is at, for people and without personal data.
    pub fn progress(&self, done: u64, total: Option<u64>, text: &str) {
        *self.shared.progress.lock() = Progress { done, total, text: cut(text) };
    }

    /// Adds a line to what is kept of the job.
    pub fn say(&self, text: &str) {
        self.line(false, text);
    }

    /// Adds a line about something that went wrong, though the job goes on.
    pub fn problem(&self, text: &str) {
        self.line(true, text);
    }

    fn line(&self, is_problem: bool, text: &str) {
        let mut lines = self.shared.lines.lock();
        if lines.len() < LINES_WAITING_MAX {
            lines.push((self.installation.now(), is_problem, cut(text)));
        }
    }

    /// Whether to go on. Ask between two pieces of work.
    ///
    /// # Errors
    /// [`Failure::Conflict`] that says why not; hand it on.
    pub fn check(&self) -> kernel::Result<()> {
        let Some(stop) = *self.shared.stop.lock() else { return Ok(()) };
        Err(Failure::conflict(match stop {
            Stop::Cancelled => "the job was cancelled",
            Stop::Deadline => "the job took longer than it may",
            Stop::Replaced => "another process took the job over",
            Stop::Stopping => "the process stops",
        }))
    }

    /// Resolves when it is to stop.
    pub async fn stopped(&self) {
        self.shared.stopped.cancelled().await;
    }

    /// Waits, in real time, to look again at something others do.
    ///
    /// # Errors
    /// As [`Run::check`], as soon as it is to stop.
    pub async fn pause(&self, time: Duration) -> kernel::Result<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stopped() => {}
        }
        self.check()
    }

    /// Writes in the workspace, in one transaction that fails if another process took the job over: what
    /// is written is written once for each claim.
    ///
    /// # Errors
    /// As [`Run::check`], the database or `work` says; nothing is kept then.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> kernel::Result<T> {
        let run = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            run.check()?;
            run.installation.pool(&run.scope)?.write(|tx| {
                job_hold(&run.scope, tx, run.held)?;
                work(&run.scope, tx)
            })
        });
        written.await.map_err(Failure::internal)?
    }

    /// Reads in the workspace, off the async threads.
    ///
    /// # Errors
    /// As the database or `work` says.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> kernel::Result<T> {
        let run = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            run.installation.pool(&run.scope)?.read(|tx| work(&run.scope, tx))
        });
        read.await.map_err(Failure::internal)?
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LINE_CHARS_MAX).collect()
}
