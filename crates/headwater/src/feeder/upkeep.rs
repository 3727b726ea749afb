//! Upkeep of a lake beside feeding it: compaction, and rows of people who moved put under their present number.
//!
//! One piece of work at a time, in a task of its own, so that answers stay fresh meanwhile.

use std::sync::Arc;
use std::time::Duration;

use identity::store::moved::{Moved, moved_all, moved_settle};
use kernel::{Failure, PartyNo, Scope};
use lake::{Owners, Policy};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Feeder, blocking, failed, rows};
use crate::runtime::Runtime;

/// How often tables are compacted and cleaned.
pub(super) const MAINTAIN_AFTER: Duration = Duration::from_secs(60);
/// Of all time, one part in so many may go into restamping.
const RESTAMP_PART: u32 = 20;
/// Rows whose party is asked for in one transaction.
const OWNERS: usize = 10_000;

/// When a lake is put in order.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// People who moved, from which on their rows are rewritten; until then each question looks them up.
    pub restamp_from: usize,
    /// How long at least between one look at whether it is time and the next.
    pub restamp_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { restamp_from: 500, restamp_every: Duration::from_secs(10) }
    }
}

/// What is under way and what is due.
pub(super) struct Upkeep {
    pace: Pace,
    task: Option<JoinHandle<kernel::Result<Ended>>>,
    maintained: Instant,
    restamp_due: Instant,
}

enum Ended {
    Maintained,
    /// How long it took.
    Restamped(Duration),
}

impl Upkeep {
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, task: None, maintained: now, restamp_due: now }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        // Files that were written for nothing go with the next vacuum.
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Feeder {
    /// Begins what is due, and hears of what has ended.
    pub(super) async fn keep_up(&mut self) -> kernel::Result<()> {
        if let Some(task) = self.upkeep.task.take_if(|task| task.is_finished()) {
            match task.await.map_err(Failure::internal)?? {
                Ended::Maintained => self.upkeep.maintained = Instant::now(),
                Ended::Restamped(took) => self.upkeep.restamp_due += took * RESTAMP_PART,
            }
        }
        if self.upkeep.task.is_some() {
            return Ok(());
        }
        if self.upkeep.maintained.elapsed() >= MAINTAIN_AFTER {
            let lake = self.lake.clone();
            self.upkeep.task = Some(tokio::spawn(async move {
                lake.maintain(&Policy::default()).await.map_err(failed)?;
                Ok(Ended::Maintained)
            }));
        } else if Instant::now() >= self.upkeep.restamp_due {
            self.upkeep.restamp_due = Instant::now() + self.upkeep.pace.restamp_every;
            self.restamp().await?;
        }
        Ok(())
    }

    /// Begins to restamp if enough people have moved.
    async fn restamp(&mut self) -> kernel::Result<()> {
        if self.moved().await?.len() < self.upkeep.pace.restamp_from {
            return Ok(());
        }
        // Whatever was handed over is in files before the list is read: whoever moves after that is put on it
        // again, and whoever moved before is stamped rightly by this restamping.
        self.flush().await?;
        let moved = self.moved().await?;
        let (runtime, scope, lake) = (self.runtime.clone(), self.scope.clone(), self.lake.clone());
        let progress = self.open.partitions[0].progress.clone();
        self.upkeep.task = Some(tokio::spawn(async move {
            let start = Instant::now();
            let mut parties: roaring::RoaringBitmap = moved.iter().map(|moved| moved.party.0).collect();
            // Events whose party was not known yet.
            parties.insert(0);
            let done = lake.restamp(&parties, &owners(&runtime, &scope)).await.map_err(failed)?;
            // Somebody else who feeds by now may have handed over what this one has not seen.
            if progress.borrow().is_owner {
                let (people, rows) = (moved.len(), done.rows_restamped);
                tracing::info!(
                    workspace = scope.workspace.0,
                    people,
                    rows,
                    "rows of people who moved are put right"
                );
                blocking(move || {
                    let pool = runtime.installation().pool(&scope)?;
                    Ok(pool.write(|tx| moved_settle(&scope, tx, &moved))?)
                })
                .await?;
            }
            Ok(Ended::Restamped(start.elapsed()))
        }));
        Ok(())
    }

    async fn moved(&self) -> kernel::Result<Vec<Moved>> {
        let (runtime, scope) = (self.runtime.clone(), self.scope.clone());
        blocking(move || Ok(runtime.installation().pool(&scope)?.read(|tx| moved_all(&scope, tx))?)).await
    }
}

/// Whose events are, as the store knows when it is asked.
fn owners(runtime: &Runtime, scope: &Scope) -> Owners {
    let (runtime, scope) = (runtime.clone(), scope.clone());
    Arc::new(move |rows| {
        let ask = |rows| runtime.installation().pool(&scope)?.read(|tx| rows::owners(&scope, tx, rows));
        let owners: kernel::Result<Vec<Vec<PartyNo>>> = rows.chunks(OWNERS).map(ask).collect();
        owners.map(|parts| parts.concat()).map_err(|failure| failure.to_string())
    })
}
