//! The one thread that writes: takes what waits, commits it in one transaction, answers.
//!
//! The order of steps is the guarantee: commit (SQLite fsyncs the write-ahead log), then the
//! high-water mark, then the head, then the answers. An error other than "no room" ends the thread
//! and fails the log, because after a failed fsync the disk may hold less than it says.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::Sabotage;
use super::layout::Mark;
use super::segment::{Active, Sync};
use crate::queue::{Batches, Pending, Queue};
use crate::{Error, Offset};

pub(super) struct Writer {
    pub(super) dir: PathBuf,
    pub(super) segment_bytes: u64,
    pub(super) commit_bytes: usize,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) queue: Arc<Queue>,
    pub(super) head: Arc<watch::Sender<u64>>,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) active: Active,
    pub(super) mark: Mark,
    /// Full segments whose write-ahead log a reader kept from being emptied.
    pub(super) unsettled: Vec<Active>,
    /// Acknowledged and not written: only ever filled by sabotage.
    pub(super) owed: Vec<Pending>,
    /// Held until the thread ends.
    pub(super) _lock: File,
}

impl Writer {
    /// Writes until the queue is closed and empty, or the log fails.
    pub(super) fn run(mut self, mut batches: Batches) {
        while let Some(batch) = batches.next_blocking(self.commit_bytes) {
            let (batch, result) = match self.sabotage {
                Some(Sabotage::AckBeforeAppend) => (Vec::new(), self.acknowledge_then_write(batch)),
                Some(Sabotage::NoFsync) | None => {
                    let result = self.commit(&batch);
                    (batch, result)
                }
            };
            if let Err(error) = &result
                && !is_passing(error)
            {
                // The door shuts before the answers, so that nobody who was told is let in again.
                let error = error.clone();
                self.fail(&error);
                answer(batch, &result);
                return refuse(batches, &error);
            }
            answer(batch, &result);
            // What was committed stays committed: an error here is for the batches after it.
            if let Err(error) = self.active.checkpoint_when_due() {
                self.fail(&error);
                return refuse(batches, &error);
            }
        }
        self.finish();
    }

    fn fail(&self, error: &Error) {
        tracing::error!(%error, "the log has failed; the process should exit");
        self.queue.fail(error.to_string());
    }

    /// Makes the entries durable and returns the offset of the first.
    fn commit(&mut self, batch: &[Pending]) -> Result<u64, Error> {
        let first = *self.head.borrow() + 1;
        if self.active.bytes()? >= self.segment_bytes {
            self.rotate(first)?;
        }
        self.active.append(first, batch)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        let head = first + batch.len() as u64 - 1;
        self.mark.write(head);
        self.head.send_replace(head);
        Ok(first)
    }

    /// Goes on in a new segment. The old one is complete and durable before the new one is named.
    fn rotate(&mut self, first: u64) -> Result<(), Error> {
        let new = Active::open(&self.dir, first, sync(self.sabotage))?;
        self.unsettled.push(std::mem::replace(&mut self.active, new));
        self.settle()
    }

    fn settle(&mut self) -> Result<(), Error> {
        let mut still = Vec::new();
        for mut segment in std::mem::take(&mut self.unsettled) {
            if !segment.settle()? {
                still.push(segment);
            }
        }
        self.unsettled = still;
        Ok(())
    }

    /// Leaves nothing in a write-ahead log, so that the next start has nothing to recover.
    fn finish(mut self) {
        let owed = std::mem::take(&mut self.owed);
        let result = if owed.is_empty() { Ok(()) } else { self.commit(&owed).map(drop) };
        let settled = result.and_then(|()| self.settle()).and_then(|()| self.active.settle());
        if let Err(error) = settled {
            self.fail(&error);
        }
    }

    /// The lie that crash drills have to catch: says "durable" one batch before it is.
    fn acknowledge_then_write(&mut self, mut batch: Vec<Pending>) -> Result<u64, Error> {
        let owed = std::mem::take(&mut self.owed);
        if !owed.is_empty() {
            self.commit(&owed)?;
        }
        let first = *self.head.borrow() + 1;
        for (offset, pending) in (first..).zip(&mut batch) {
            pending.answer(Ok(Offset(offset)));
        }
        self.owed = batch;
        Ok(first)
    }
}

pub(super) fn sync(sabotage: Option<Sabotage>) -> Sync {
    if sabotage == Some(Sabotage::NoFsync) { Sync::Off } else { Sync::Full }
}

fn answer(batch: Vec<Pending>, result: &Result<u64, Error>) {
    for (i, mut pending) in (0..).zip(batch) {
        pending.answer(match result {
            Ok(first) => Ok(Offset(first + i)),
            Err(error) => Err(error.clone()),
        });
    }
}

/// Answers what is left in the queue of a failed log.
fn refuse(mut batches: Batches, error: &Error) {
    while let Some(batch) = batches.next_blocking(usize::MAX) {
        answer(batch, &Err(error.clone()));
    }
}

/// Whether the log may go on after this error.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Full(_) | Error::Unavailable(_))
}
