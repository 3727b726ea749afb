//! The seam for questions: the wanted events of every party, in order, as borrowed columns.
//!
//! A question says which events and which of their properties it needs; it is then called once per
//! party with its [`Runs`], which are the timeline that `criteria` evaluates rules over: one run per
//! wanted event, each in the order (time, key), files and buffers merged. Buckets are independent: each has its own visitor and they run side by side. What a run means is
//! left to the visitor; what must be decoded, to the index in each file's footer.

mod assemble;
mod few;
mod load;
mod piece;
mod stock;
mod stored;
mod values;
mod words;

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
pub(crate) use assemble::{Assembled, assemble};
pub(crate) use piece::Piece;
pub(crate) use stock::Stock;

pub(crate) use question::needs::{CHANNEL, EVENT, PROPERTIES, SOURCE};

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
    /// Of a single party, at least this many of the newest rows of each run, and of older ones perhaps none.
    pub newest: Option<usize>,
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
    /// Earliest time of this one, inclusive, if that is later than that of all.
    pub from: Option<Instant>,
    /// Latest time of this one, exclusive, if that is earlier than that of all.
    pub until: Option<Instant>,
}

impl WantedEvent {
    /// From when on it is wanted, of those given.
    fn from(&self, all: Option<Instant>) -> i64 {
        self.from.into_iter().chain(all).max().map_or(i64::MIN, |at| at.0)
    }

    /// Until when it is wanted; for ever is a microsecond less than that.
    fn until(&self, all: Option<Instant>) -> i64 {
        self.until.into_iter().chain(all).min().map_or(i64::MAX, |at| at.0)
    }
}

impl Wanted {
    /// Everything a program needs: its runs are the program's, by number.
    pub fn of(needs: &Needs) -> Self {
        let events = needs.events.iter().map(|need| WantedEvent {
            event: (&*need.name != "*").then(|| Arc::from(&*need.name)),
            columns: need.properties.clone(),
            is_keyed: need.is_keyed,
            from: None,
            until: None,
        });
        Self { events: events.collect(), ..Self::default() }
    }

    /// Everything a question needs: its runs are the question's, by number.
    pub fn of_question(needs: &question::Needs) -> Self {
        let events = needs.events.iter().map(|need| WantedEvent {
            event: need.event.clone(),
            columns: need.columns.clone(),
            is_keyed: need.is_keyed,
            from: need.from,
            until: need.until,
        });
        let parties = needs.party.map(|party| vec![party]);
        let newest = needs.newest.filter(|_| parties.is_some());
        Self { events: events.collect(), parties, newest, ..Self::default() }
    }
}

/// The events of one party: a run per wanted event, some of them empty.
pub struct Runs<'a> {
    /// Whose they are.
    pub party: PartyNo,
    events: &'a [Assembled<'a>],
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
        self.events[run].column(column, &self.rows[run])
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
    pub(crate) fn of(parties: impl Iterator<Item = u32>) -> Self {
        let mut set = Vec::new();
        for party in parties {
            let word = party as usize / 64;
            if set.len() <= word {
                set.resize(word + 1, 0u64);
            }
            set[word] |= 1 << (party % 64);
        }
        Self(set)
    }

    /// Whether any of them lies between two numbers of a column, both included.
    pub(crate) fn meets(&self, low: i64, high: i64) -> bool {
        let number = |at: i64| u32::try_from(at.max(0)).unwrap_or(u32::MAX);
        let (low, high) = (number(low), number(high));
        let last = self.0.len().saturating_sub(1).min(high as usize / 64);
        (low as usize / 64..=last).any(|word| {
            let above = if word == low as usize / 64 { u64::MAX << (low % 64) } else { u64::MAX };
            let below = if word == high as usize / 64 { u64::MAX >> (63 - high % 64) } else { u64::MAX };
            self.0.get(word).is_some_and(|bits| bits & above & below != 0)
        })
    }

    pub(crate) fn contains(&self, party: u32) -> bool {
        self.0.get(party as usize / 64).is_some_and(|word| word >> (party % 64) & 1 == 1)
    }
}

/// What every part of a scan needs to know.
pub(crate) struct Job {
    pub(crate) snapshot: Snapshot,
    pub(crate) wanted: Wanted,
    pub(crate) parties: Option<PartySet>,
    /// Parties whose rows are left out.
    pub(crate) excluded: Option<PartySet>,
}

impl Job {
    /// A job over a snapshot.
    pub(crate) fn new(snapshot: Snapshot, wanted: Wanted, excluded: Option<PartySet>) -> Self {
        let parties =
            wanted.parties.as_ref().map(|parties| PartySet::of(parties.iter().map(|party| party.0)));
        Self { snapshot, wanted, parties, excluded }
    }

    /// What was decoded lately.
    pub(crate) fn stock(&self) -> &Stock {
        &self.pinned().table.stock
    }

    /// The texts of a column; those of one that repeats none are nobody else's.
    pub(crate) fn words(&self, column: &str) -> Arc<words::Words> {
        if column == PROPERTIES { words::Words::new() } else { self.stock().words(column) }
    }

    /// Whether nobody's rows are left out.
    pub(crate) fn takes_everybody(&self) -> bool {
        self.excluded.is_none() && self.parties.is_none() && self.pinned().suppressed.is_empty()
    }

    /// From when and until when an event is wanted.
    pub(crate) fn range(&self, event: &WantedEvent) -> Range<i64> {
        event.from(self.wanted.from)..event.until(self.wanted.until)
    }

    pub(crate) fn pinned(&self) -> &Pinned {
        self.snapshot.pinned(Dataset::Events)
    }

    /// Whether a row is part of the answer.
    pub(crate) fn takes(&self, range: &Range<i64>, party: u32, time: i64, node: u64) -> bool {
        range.contains(&time)
            && self.excluded.as_ref().is_none_or(|parties| !parties.contains(party))
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
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let threads = if wanted.threads == 0 { processors } else { wanted.threads };
        let is_wanted: Vec<bool> = (0..buckets)
            .map(|b| wanted.parties.as_ref().is_none_or(|all| all.iter().any(|p| p.0 % buckets == b)))
            .collect();
        let job = Arc::new(Job::new(self.clone(), wanted, None));
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

async fn scan_bucket(job: &Arc<Job>, bucket: u32, mut visitor: Box<dyn Visitor>) -> Result<()> {
    let pieces = read_bucket(job, bucket).await?;
    let job = job.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut stretches = Stretches::new(&pieces, job.pinned().table.buckets);
        while let Some(events) = stretches.next_stretch() {
            let mut walk = Walk::new(&events);
            while let Some(runs) = walk.next_party() {
                visitor.party(&runs);
            }
        }
        visitor.end();
    });
    work.await.map_err(|e| Error::Storage(format!("a question stopped: {e}")))
}

/// Reads what is wanted of a bucket: a list of pieces for each wanted event.
pub(crate) async fn read_bucket(job: &Arc<Job>, bucket: u32) -> Result<Vec<Vec<Piece>>> {
    let mut pieces = Vec::with_capacity(job.wanted.events.len());
    for event in &job.wanted.events {
        pieces.push(piece::read(job, bucket, event).await?);
    }
    Ok(pieces)
}

/// Parties that are put together at a time: their rows stay in the processor's cache.
const STRETCH: u32 = 2_048;

/// Goes through the parties of a bucket, a stretch at a time.
pub(crate) struct Stretches<'a> {
    pieces: &'a [Vec<Piece>],
    buckets: u32,
    /// Of each piece, the rows that are done.
    done: Vec<Vec<usize>>,
}

impl<'a> Stretches<'a> {
    pub(crate) fn new(pieces: &'a [Vec<Piece>], buckets: u32) -> Self {
        Self { pieces, buckets, done: pieces.iter().map(|pieces| vec![0; pieces.len()]).collect() }
    }

    /// The rows of the next parties, by event.
    pub(crate) fn next_stretch(&mut self) -> Option<Vec<Assembled<'a>>> {
        let heads = self.pieces.iter().zip(&self.done).flat_map(|(pieces, done)| {
            pieces.iter().zip(done).filter_map(|(piece, done)| piece.rows.parties.get(*done))
        });
        let end = heads.min()?.saturating_add(STRETCH.saturating_mul(self.buckets));
        let mut events = Vec::with_capacity(self.pieces.len());
        for (pieces, done) in self.pieces.iter().zip(&mut self.done) {
            let ends = assemble::ends(pieces, done, end);
            let spans: Vec<_> = done.iter().zip(&ends).map(|(from, to)| *from..*to).collect();
            events.push(assemble::assemble(pieces, &spans, self.buckets));
            *done = ends;
        }
        Some(events)
    }
}

/// Walks the parties of all wanted events together.
pub(crate) struct Walk<'a> {
    events: &'a [Assembled<'a>],
    next: Vec<usize>,
    rows: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(events: &'a [Assembled<'a>]) -> Self {
        Self { events, next: vec![0; events.len()], rows: vec![0..0; events.len()] }
    }

    pub(crate) fn next_party(&mut self) -> Option<Runs<'_>> {
        let heads = self.events.iter().zip(&self.next).filter_map(|(event, at)| event.parties.get(*at));
        let party = *heads.min()?;
        for ((event, at), rows) in self.events.iter().zip(&mut self.next).zip(&mut self.rows) {
            *rows = 0..0;
            if event.parties.get(*at) == Some(&party) {
                *rows = event.offsets[*at] as usize..event.offsets[*at + 1] as usize;
                *at += 1;
            }
        }
        Some(Runs { party: PartyNo(party), events: self.events, rows: &self.rows })
    }
}
