//! The write path: rows handed over by the pipeline, buffered, flushed as one file per week.
//!
//! Exactly once, through any crash: a commit carries, beside the files, how far each partition of
//! the log has come, so the table itself is the cursor. After a crash the pipeline asks for
//! [`Writer::position`] and hands over again from there; what is already known is ignored whole.
//! Buffered rows are part of every snapshot at once; a commit takes them out of the buffer and puts
//! their files in, in one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::encode::{self, Effort};
use crate::error::{Error, Result};
use crate::row::Event;
use crate::table::file::{event_path, week_of};
use crate::table::{Change, PARTITION_APP, Table};

/// Buffered bytes after which hand-overs are refused until a flush succeeds: the pipeline must wait.
pub const BUFFER_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The column of parties has 32 bits with a sign.
const PARTY_MAX: u32 = i32::MAX.cast_unsigned();

/// The events of one batch of the pipeline.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Partition of the log.
    pub partition: u32,
    /// The pipeline's cursor before the batch.
    pub after: u64,
    /// The cursor after it: everything up to here is in this or an earlier hand-over.
    pub position: u64,
    /// The events, in any order.
    pub events: Vec<Event>,
}

/// What became of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is buffered and visible.
    New,
    /// It was known already and has been ignored.
    Known,
}

/// How much waits for the next flush.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Events.
    pub rows: usize,
    /// Bytes of memory, roughly.
    pub bytes: usize,
}

/// A hand-over in the buffer, immutable.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) partition: u32,
    pub(crate) position: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) bytes: usize,
}

/// The one writer of a workspace's `events`.
pub struct Writer {
    table: Arc<Table>,
    flushing: Arc<tokio::sync::Mutex<()>>,
}

impl Writer {
    pub(crate) fn new(table: Arc<Table>, flushing: Arc<tokio::sync::Mutex<()>>) -> Self {
        Self { table, flushing }
    }

    /// How far `partition` has been handed over: after opening, from where to go on.
    pub fn position(&self, partition: u32) -> Option<u64> {
        self.table.live.read().handed.get(&partition).copied()
    }

    /// How far `partition` is durable in the lake; the log may forget nothing beyond.
    pub fn committed(&self, partition: u32) -> Option<u64> {
        let live = self.table.live.read();
        let version = live.transactions.get(&app(partition))?;
        u64::try_from(*version).ok()
    }

    /// What waits for the next flush. The caller decides when: every 10 to 30 s, or at 64 MiB.
    pub fn waiting(&self) -> Waiting {
        let live = self.table.live.read();
        live.chunks.iter().fold(Waiting::default(), |sum, chunk| Waiting {
            rows: sum.rows + chunk.events.len(),
            bytes: sum.bytes + chunk.bytes,
        })
    }

    /// Takes a batch. It is visible to snapshots taken from now on, and durable after a flush.
    ///
    /// # Errors
    /// [`Error::Gap`] when the batch does not begin where the last one ended, unless it is wholly
    /// known; [`Error::Limit`] when too much waits already.
    pub fn hand_over(&self, handover: Handover) -> Result<Taken> {
        let Handover { partition, after, position, events } = handover;
        if events.iter().any(|event| event.party.0 > PARTY_MAX) {
            return Err(Error::Limit { limit: "parties of a workspace", max: u64::from(PARTY_MAX) });
        }
        let waiting = self.waiting().bytes;
        let bytes = size_of::<Chunk>() + events.iter().map(Event::bytes).sum::<usize>();
        let mut live = self.table.live.write();
        if let Some(&known) = live.handed.get(&partition) {
            if position <= known {
                return Ok(Taken::Known);
            }
            if after != known {
                return Err(Error::Gap { partition, known, after, position });
            }
        }
        if position <= after || i64::try_from(position).is_err() {
            return Err(Error::Gap { partition, known: after, after, position });
        }
        if waiting + bytes > BUFFER_BYTES_MAX {
            return Err(Error::Limit { limit: "bytes waiting for the lake", max: BUFFER_BYTES_MAX as u64 });
        }
        live.handed.insert(partition, position);
        live.chunks.push(Arc::new(Chunk { partition, position, events, bytes }));
        Ok(Taken::New)
    }

    /// Writes everything that waits as one file per week and commits it with its positions. Answers
    /// with the new version, `None` when nothing waited.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another writer took over: open the lake again. After any other error
    /// the rows still wait, and the next flush tries again.
    pub async fn flush(&self) -> Result<Option<i64>> {
        let _turn = self.flushing.lock().await;
        let chunks = self.table.live.read().chunks.clone();
        if chunks.is_empty() {
            return Ok(None);
        }
        let mut positions = BTreeMap::new();
        for chunk in &chunks {
            positions.insert(chunk.partition, chunk.position);
        }
        let count = chunks.len();
        let table = self.table.clone();
        let made = tokio::task::spawn_blocking(move || make(&table, &chunks));
        let made = made.await.map_err(|e| Error::Storage(format!("encoding stopped: {e}")))??;
        let mut adds = Vec::with_capacity(made.len());
        for (week, file) in made {
            let path = event_path(week, None, &self.table.fresh());
            adds.push(self.table.put_file(path, week, file, false).await?);
        }
        let as_version = |position: u64| i64::try_from(position).expect("checked at the hand-over");
        let transactions =
            positions.into_iter().map(|(p, position)| (app(p), as_version(position))).collect();
        let change = Change { operation: "WRITE", adds, transactions, ..Change::default() };
        let version = self.table.commit(change, |live| drop(live.chunks.drain(..count))).await?;
        Ok(Some(version))
    }
}

/// The name under which a partition's position stands in the table's log.
pub(crate) fn app(partition: u32) -> String {
    format!("{PARTITION_APP}{partition}")
}

fn make(table: &Table, chunks: &[Arc<Chunk>]) -> Result<Vec<(i32, encode::Made)>> {
    let mut weeks: BTreeMap<i32, Vec<&Event>> = BTreeMap::new();
    for event in chunks.iter().flat_map(|chunk| &chunk.events) {
        weeks.entry(week_of(event.time)).or_default().push(event);
    }
    let mut made = Vec::with_capacity(weeks.len());
    for (week, mut rows) in weeks {
        encode::sort(&mut rows, table.buckets);
        let (batch, inexact) = encode::event_batch(&rows, &table.columns, table.buckets)?;
        made.push((week, encode::make(&batch, Effort::Fast, &inexact)?));
    }
    Ok(made)
}
