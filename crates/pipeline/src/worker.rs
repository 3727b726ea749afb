//! The loop: read, apply, move the cursor, commit; wait when there is nothing, step down when fenced.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Pool, Tx};
use kernel::time::Clock;
use kernel::{Failure, Scope};
use log::{Entry, Log, Offset};
use tokio::sync::watch;

use crate::cursor::{Claim, Counts, Cursor, Step};

/// What is done with the entries of the log.
pub trait Program: Send {
    /// Applies `entries` inside `tx`. `batch` numbers the transaction within the partition.
    ///
    /// # Errors
    /// Nothing of the transaction is kept; the same entries come again.
    fn apply(&mut self, tx: &mut Tx<'_>, batch: u64, entries: &[Entry]) -> kernel::Result<Counts>;

    /// Whether there is something to do although no entry came: somebody's time has come.
    fn is_due(&self, now: kernel::Instant) -> bool;

    /// Does a part of that, small enough not to hold up the entries behind it.
    ///
    /// # Errors
    /// Nothing of the transaction is kept; it is tried again.
    fn tick(&mut self, tx: &mut Tx<'_>, now: kernel::Instant) -> kernel::Result<()>;

    /// The transaction is durable.
    fn committed(&mut self);

    /// The transaction is undone: forget everything learnt in it.
    fn rolled_back(&mut self);
}

/// Switches that break a guarantee on purpose, so that a drill can show it would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The cursor moves in a transaction of its own, before the work.
    CursorOutsideTransaction,
}

/// How a worker reads.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of log entries to a transaction. Larger ones cost less each and delay what is inside.
    pub batch_bytes: usize,
    /// Log entries to a transaction.
    pub batch_entries: usize,
    /// How long a partition stays with a worker that shows no life.
    pub lease: Duration,
    /// How long an idle worker waits before it looks at the log again (another process may append).
    pub poll: Duration,
    /// A name for this process.
    pub owner: String,
    /// For drills only.
    pub sabotage: Option<Sabotage>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_bytes: 1 << 20,
            batch_entries: 2_000,
            lease: Duration::from_secs(5),
            poll: Duration::from_millis(200),
            owner: "headwater".to_owned(),
            sabotage: None,
        }
    }
}

/// How far a worker has come. `offset` is what is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last applied entry.
    pub offset: u64,
    /// Totals.
    pub counts: Counts,
    /// Whether the worker owns its partition.
    pub is_owner: bool,
}

/// Applies one partition of one workspace. Runs on a thread of its own.
pub struct Worker {
    /// The partition's log.
    pub log: Arc<dyn Log>,
    /// The workspace's tables.
    pub pool: Pool,
    /// The workspace, and who the worker acts as.
    pub scope: Scope,
    /// Which partition.
    pub partition: u32,
    /// What to do.
    pub program: Box<dyn Program>,
    /// Time for leases.
    pub clock: Arc<dyn Clock>,
    /// How.
    pub options: Options,
    /// Where progress is announced.
    pub progress: watch::Sender<Progress>,
    /// The place this worker left last, and until when nobody else can have moved it. Starts empty.
    pub owned: Option<(Cursor, kernel::Instant)>,
}

/// What one transaction does.
#[derive(Clone, Copy)]
enum Work<'e> {
    /// Applies entries.
    Entries(&'e [Entry]),
    /// Does what is due by now.
    Time(kernel::Instant),
}

/// Longest pause between two tries after a failure.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

impl Worker {
    /// Runs until `stop`; what is begun is finished, what is not stays in the log.
    pub fn run(mut self, stop: &AtomicBool, runtime: &tokio::runtime::Handle) {
        let mut appended = self.log.appended();
        let mut pause = Duration::from_millis(20);
        while !stop.load(Ordering::Acquire) {
            // A panic outside the bisection is a defect, but a pipeline that silently stands still is worse.
            let drained = catch_unwind(AssertUnwindSafe(|| self.own_and_drain(stop)))
                .unwrap_or_else(|_| Err(Failure::internal("the pipeline panicked")));
            let failure = match drained {
                Ok(()) => {
                    pause = Duration::from_millis(20);
                    if let Err(error) = self.log.poll() {
                        tracing::warn!(%error, "the log cannot be polled");
                    }
                    let poll = self.options.poll;
                    let _ = runtime.block_on(async { tokio::time::timeout(poll, appended.changed()).await });
                    continue;
                }
                Err(failure) => failure,
            };
            self.program.rolled_back();
            tracing::warn!(partition = self.partition, %failure, "the pipeline pauses and will try again");
            runtime.block_on(async { tokio::time::sleep(pause).await });
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    /// Takes the partition if it is free, and applies everything that is in the log now.
    ///
    /// # Errors
    /// As the database, the log or the program says; the state is that of the last commit.
    pub fn own_and_drain(&mut self, stop: &AtomicBool) -> kernel::Result<()> {
        let Some(mut cursor) = self.own()? else {
            return Ok(());
        };
        while !stop.load(Ordering::Acquire) {
            let entries = self
                .log
                .read(Offset(cursor.offset), self.options.batch_entries, self.options.batch_bytes)
                .map_err(Failure::internal)?;
            let is_due = self.program.is_due(self.clock.now());
            if entries.is_empty() && !is_due {
                break;
            }
            if !entries.is_empty() {
                cursor = self.step(&cursor, Work::Entries(&entries))?;
                self.announce(&cursor);
            }
            if is_due {
                cursor = self.step(&cursor, Work::Time(self.clock.now()))?;
            }
        }
        self.owned = Some((cursor, self.owned_until()));
        Ok(())
    }

    /// The cursor, if this worker has it or can have it. Claims again when half the lease is over.
    fn own(&mut self) -> kernel::Result<Option<Cursor>> {
        let left = match self.owned.take() {
            Some((cursor, until)) if !self.pool.is_shared() || self.clock.now() < until => {
                return Ok(Some(cursor));
            }
            left => left.map(|(cursor, _)| cursor),
        };
        let cursor = self.claim()?;
        if let Some(cursor) = &cursor {
            let is_next = |left: Cursor| (left.epoch + 1, left.offset) == (cursor.epoch, cursor.offset);
            if !left.is_some_and(is_next) {
                // Another worker had the partition: what this one remembers may not be so any more.
                self.program.rolled_back();
            }
            self.announce(cursor);
        } else {
            self.progress.send_if_modified(|progress| std::mem::take(&mut progress.is_owner));
        }
        Ok(cursor)
    }

    fn owned_until(&self) -> kernel::Instant {
        self.clock.now().plus(self.options.lease.as_micros() as i64 / 2)
    }

    /// Until when nobody else takes over. A store of one process has nobody else: what is started after
    /// a crash goes on at once.
    fn lease_until(&self) -> kernel::Instant {
        let lease = if self.pool.is_shared() { self.options.lease.as_micros() as i64 } else { -1 };
        self.clock.now().plus(lease)
    }

    fn claim(&self) -> kernel::Result<Option<Cursor>> {
        let now = self.clock.now();
        let claim = Claim {
            partition: self.partition,
            incarnation: self.log.incarnation(),
            owner: &self.options.owner,
            now,
            lease_until: self.lease_until(),
        };
        Ok(Cursor::claim(&self.pool, &self.scope, &claim)?)
    }

    fn step(&mut self, cursor: &Cursor, work: Work<'_>) -> kernel::Result<Cursor> {
        let offset = match work {
            Work::Entries(entries) => entries.last().map_or(cursor.offset, |e| e.offset.0),
            Work::Time(_) => cursor.offset,
        };
        let lease_until = self.lease_until();
        let (scope, program) = (&self.scope, &mut self.program);
        let mut before = cursor.clone();
        if self.options.sabotage == Some(Sabotage::CursorOutsideTransaction) {
            let step = Step { offset, counts: Counts::default(), lease_until };
            before = self.pool.write(|tx| cursor.advance(scope, tx, &step))?;
        }
        let result = self.pool.write(|tx| {
            let counts = match work {
                Work::Entries(entries) => program.apply(tx, before.batch, entries)?,
                Work::Time(now) => program.tick(tx, now).map(|()| Counts::default())?,
            };
            before.advance(scope, tx, &Step { offset, counts, lease_until })
        });
        match result {
            Ok(cursor) => {
                program.committed();
                Ok(cursor)
            }
            Err(failure) => {
                program.rolled_back();
                Err(failure)
            }
        }
    }

    fn announce(&self, cursor: &Cursor) {
        let progress = Progress { offset: cursor.offset, counts: cursor.counts, is_owner: true };
        self.progress.send_replace(progress);
    }
}
