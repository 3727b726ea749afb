//! The seam for questions: the wanted events of every party, in order, as borrowed columns.
//!
//! A question says which events and which of their properties it needs; it is then called once per
//! party with one [`Run`] per wanted event, each in the order (time, key), files and buffers merged.
//! Buckets are independent: each has its own visitor and they run side by side. What a run means is
//! left to the visitor; what must be decoded, to the index in each file's footer.

mod assemble;
mod piece;
mod values;

use std::sync::Arc;

use kernel::{Instant, Key, PartyNo};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::lake::{Pinned, Snapshot};
use crate::table::schema::Dataset;
use assemble::Assembled;
use values::Values;
pub use values::{MISSING, Slice};

/// Path of the column `channel`, which is no property.
pub(crate) const CHANNEL: &str = "$channel";
/// Path of the column `source`, which is no property.
pub(crate) const SOURCE: &str = "$source";

/// What a question needs.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Events, each answered by one run per party, in this order.
    pub events: Vec<WantedEvent>,
    /// Earliest time, inclusive.
    pub from: Option<Instant>,
    /// Latest time, exclusive.
    pub until: Option<Instant>,
    /// Only these parties.
    pub parties: Option<Vec<PartyNo>>,
    /// Whether runs carry the events' keys: for evidence, and to order events of different names
    /// that happened in one microsecond.
    pub has_keys: bool,
    /// Buckets at work at once; 0 is as many as there are processors to tokio.
    pub threads: usize,
}

/// One wanted event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedEvent {
    /// Its name; `None` is every event, in one run.
    pub event: Option<Arc<str>>,
    /// Paths into its properties (`total`, `products[].sku`), or `$channel` and `$source`.
    pub columns: Vec<String>,
}

/// The events of one name of one party.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The name, `*` for every event.
    pub event: &'a str,
    /// Whose they are.
    pub party: PartyNo,
    /// When each happened, ascending, in microseconds.
    pub times: &'a [i64],
    /// The key of each, if asked for.
    pub keys: &'a [Key],
    columns: &'a [Values],
    start: usize,
}

impl<'a> Run<'a> {
    /// How many columns there are: those wanted, in their order.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The values of one wanted column, one per event.
    pub fn column(&self, index: usize) -> Slice<'a> {
        self.columns[index].slice(self.start..self.start + self.times.len())
    }
}

/// Whoever asks. One per bucket.
pub trait Visitor: Send {
    /// Takes the runs of a party, one per wanted event, possibly empty, not all of them. Parties come
    /// in ascending order.
    fn party(&mut self, party: PartyNo, runs: &[Run<'_>]);

    /// The bucket is done.
    fn end(self: Box<Self>);
}

/// A dense set of parties.
pub(crate) struct PartySet(Vec<u64>);

impl PartySet {
    fn of(parties: &[PartyNo]) -> Self {
        let words = parties.iter().map(|p| p.0 as usize / 64 + 1).max().unwrap_or(0);
        let mut set = vec![0u64; words];
        for party in parties {
            set[party.0 as usize / 64] |= 1 << (party.0 % 64);
        }
        Self(set)
    }

    fn contains(&self, party: u32) -> bool {
        self.0.get(party as usize / 64).is_some_and(|word| word >> (party % 64) & 1 == 1)
    }
}

/// What every part of a scan needs to know.
pub(crate) struct Job {
    pub(crate) snapshot: Snapshot,
    pub(crate) wanted: Wanted,
    pub(crate) parties: Option<PartySet>,
}

impl Job {
    pub(crate) fn pinned(&self) -> &Pinned {
        self.snapshot.pinned(Dataset::Events)
    }

    /// Whether a row is part of the answer.
    pub(crate) fn takes(&self, party: u32, time: i64, node: u64) -> bool {
        self.wanted.from.is_none_or(|from| time >= from.0)
            && self.wanted.until.is_none_or(|until| time < until.0)
            && self.parties.as_ref().is_none_or(|parties| parties.contains(party))
            && !self.pinned().suppressed.contains(&node)
    }
}

impl Snapshot {
    /// Calls a visitor made by `start` for each bucket with every party that has a wanted event.
    ///
    /// # Errors
    /// The first error of any bucket; the others are stopped, and their visitors see no end.
    pub async fn scan(
        &self,
        wanted: Wanted,
        start: &(dyn Fn(u32) -> Box<dyn Visitor> + Send + Sync),
    ) -> Result<()> {
        let buckets = self.pinned(Dataset::Events).table.buckets;
        let parties = wanted.parties.as_deref().map(PartySet::of);
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let threads = if wanted.threads == 0 { processors } else { wanted.threads };
        let is_wanted: Vec<bool> = (0..buckets)
            .map(|b| wanted.parties.as_ref().is_none_or(|all| all.iter().any(|p| p.0 % buckets == b)))
            .collect();
        let job = Arc::new(Job { snapshot: self.clone(), wanted, parties });
        let turns = Arc::new(Semaphore::new(threads));
        let mut tasks = JoinSet::new();
        for bucket in (0..buckets).filter(|b| is_wanted[*b as usize]) {
            let (job, turns, visitor) = (job.clone(), turns.clone(), start(bucket));
            tasks.spawn(async move {
                let _turn = turns.acquire_owned().await.map_err(|_| Error::Cancelled)?;
                scan_bucket(&job, bucket, visitor).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|e| Error::Storage(format!("a scan stopped: {e}")))??;
        }
        Ok(())
    }
}

async fn scan_bucket(job: &Arc<Job>, bucket: u32, visitor: Box<dyn Visitor>) -> Result<()> {
    let mut pieces = Vec::with_capacity(job.wanted.events.len());
    for event in &job.wanted.events {
        pieces.push(piece::read(job, bucket, event).await?);
    }
    let job = job.clone();
    let work = tokio::task::spawn_blocking(move || {
        let buckets = job.pinned().table.buckets;
        let events: Vec<Assembled> = pieces.into_iter().map(|p| assemble::assemble(p, buckets)).collect();
        visit(&job.wanted, &events, visitor);
    });
    work.await.map_err(|e| Error::Storage(format!("a question stopped: {e}")))
}

/// Walks the parties of all wanted events together.
fn visit(wanted: &Wanted, events: &[Assembled], mut visitor: Box<dyn Visitor>) {
    let names: Vec<&str> = wanted.events.iter().map(|e| e.event.as_deref().unwrap_or("*")).collect();
    let mut next = vec![0usize; events.len()];
    let mut runs: Vec<Run<'_>> = Vec::with_capacity(events.len());
    while let Some(party) = events.iter().zip(&next).filter_map(|(e, i)| e.parties.get(*i)).min().copied() {
        runs.clear();
        for ((event, i), name) in events.iter().zip(&mut next).zip(&names) {
            let mut rows = 0..0;
            if event.parties.get(*i) == Some(&party) {
                rows = event.offsets[*i] as usize..event.offsets[*i + 1] as usize;
                *i += 1;
            }
            runs.push(Run {
                event: name,
                party: PartyNo(party),
                times: &event.times[rows.clone()],
                keys: if wanted.has_keys { &event.keys[rows.clone()] } else { &[] },
                columns: &event.columns,
                start: rows.start,
            });
        }
        visitor.party(PartyNo(party), &runs);
    }
    visitor.end();
}
