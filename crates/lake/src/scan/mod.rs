//! The seam for questions: the wanted events of every party, in order, as borrowed columns.
//!
//! A question says which events and which of their properties it needs; it is then called once per
//! party with its [`Runs`], which are the timeline that `criteria` evaluates rules over: one run per
//! wanted event, each in the order (time, key), files and buffers merged. Buckets are independent: each has its own visitor and they run side by side. What a run means is
//! left to the visitor; what must be decoded, to the index in each file's footer.

mod assemble;
mod piece;
mod stored;
mod values;

use std::ops::Range;
use std::sync::Arc;

use criteria::column::{Column, Timeline};
use criteria::path::Path;
use criteria::program::Needs;
use kernel::{Instant, Key, PartyNo};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::lake::{Pinned, Snapshot};
use crate::table::schema::Dataset;
use assemble::Assembled;

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
    /// Buckets at work at once; 0 is as many as there are processors to tokio.
    pub threads: usize,
}

/// One wanted event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedEvent {
    /// Its name; `None` is every event, in one run.
    pub event: Option<Arc<str>>,
    /// Paths into its properties and context, or `$channel` and `$source`.
    pub columns: Vec<Path>,
    /// Whether the events' keys are needed: as evidence, and to order events of different names that
    /// happened in one microsecond. Without, [`Timeline::key`] answers with zeros.
    pub is_keyed: bool,
}

impl Wanted {
    /// Everything a program needs: its runs are the program's, by number.
    pub fn of(needs: &Needs) -> Self {
        let events = needs.events.iter().map(|need| WantedEvent {
            event: (&*need.name != "*").then(|| Arc::from(&*need.name)),
            columns: need.properties.clone(),
            is_keyed: need.is_keyed,
        });
        Self { events: events.collect(), ..Self::default() }
    }
}

/// The events of one party: a run per wanted event, some of them empty.
pub struct Runs<'a> {
    /// Whose they are.
    pub party: PartyNo,
    events: &'a [Assembled],
    rows: &'a [Range<usize>],
}

impl Runs<'_> {
    /// How many runs there are: as many as wanted events, in their order.
    pub fn count(&self) -> usize {
        self.rows.len()
    }
}

impl Timeline for Runs<'_> {
    fn times(&self, run: usize) -> &[i64] {
        self.rows.get(run).map_or(&[], |rows| &self.events[run].times[rows.clone()])
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        let rows = &self.rows[run];
        self.events[run]
            .columns
            .get(column)
            .map_or(Column::ABSENT, |c| c.column().slice(rows.start, rows.len()))
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.events[run].keys.get(self.rows[run].start + row).copied().unwrap_or(Key([0; 16]))
    }
}

/// Whoever asks. One per bucket.
pub trait Visitor: Send {
    /// Takes the runs of a party that has at least one event. Parties come in ascending order.
    fn party(&mut self, runs: &Runs<'_>);

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
        visit(&events, visitor);
    });
    work.await.map_err(|e| Error::Storage(format!("a question stopped: {e}")))
}

/// Walks the parties of all wanted events together.
fn visit(events: &[Assembled], mut visitor: Box<dyn Visitor>) {
    let mut next = vec![0usize; events.len()];
    let mut rows = vec![0..0; events.len()];
    while let Some(party) = events.iter().zip(&next).filter_map(|(e, i)| e.parties.get(*i)).min().copied() {
        for ((event, i), rows) in events.iter().zip(&mut next).zip(&mut rows) {
            *rows = 0..0;
            if event.parties.get(*i) == Some(&party) {
                *rows = event.offsets[*i] as usize..event.offsets[*i + 1] as usize;
                *i += 1;
            }
        }
        visitor.party(&Runs { party: PartyNo(party), events, rows: &rows });
    }
    visitor.end();
}
