//! What answers a question for the parties of one bucket.

use criteria::column::{Column, Timeline};
use kernel::{Key, PartyNo};

use crate::partial::Partial;

/// Which parties an operator is for: those whose number leaves `bucket` when divided by `buckets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The bucket.
    pub bucket: u32,
    /// How many there are.
    pub buckets: u32,
}

impl Slice {
    /// All parties.
    pub const WHOLE: Self = Self { bucket: 0, buckets: 1 };

    /// The place of a party among those of the bucket, for dense arrays.
    #[inline]
    pub fn place(self, party: u32) -> usize {
        (party / self.buckets) as usize
    }

    /// The party at a place.
    #[inline]
    pub fn party(self, place: usize) -> u32 {
        place as u32 * self.buckets + self.bucket
    }

    /// Whether a party is one of them.
    pub fn has(self, party: u32) -> bool {
        party % self.buckets == self.bucket
    }
}

/// A state machine over one bucket. Which of its two ways it is fed, the plan's needs say
/// ([`Order`](crate::needs::Order)); at the end it gives what it found.
pub trait Operator {
    /// Takes a party. Parties come in ascending order, each once; its timeline has a run for each need.
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline);

    /// Takes the rows of a stretch of time. Stretches come in the order of time and do not overlap, so for
    /// each party later blocks have later events.
    fn block(&mut self, block: &Block<'_>) {
        let mut walk = block.parties();
        while let Some((party, timeline)) = walk.next_party() {
            self.party(party, &timeline);
        }
    }

    /// What was found.
    fn finish(self: Box<Self>) -> Partial;
}

/// Rows of one run: of many parties, in the order (party, time, key).
pub struct Rows<'a> {
    /// Whose each row is.
    pub parties: &'a [u32],
    /// When, in microseconds.
    pub times: &'a [i64],
    /// Names of the events; empty if nobody asked.
    pub keys: &'a [Key],
    /// The columns that were asked for.
    pub columns: Vec<Column<'a>>,
}

/// The rows of a stretch of time, a set for each run.
pub struct Block<'a> {
    /// By number of the run.
    pub runs: Vec<Rows<'a>>,
}

impl<'a> Block<'a> {
    /// Walks its parties.
    pub fn parties<'b>(&'b self) -> Walk<'b, 'a> {
        Walk { block: self, next: vec![0; self.runs.len()] }
    }

    /// A block of one party. `parties` is room for its number, once for each row of its longest run.
    pub fn of(
        party: PartyNo,
        timeline: &'a dyn Timeline,
        columns: &[usize],
        parties: &'a mut Vec<u32>,
    ) -> Self {
        let most = (0..columns.len()).map(|run| timeline.times(run).len()).max().unwrap_or(0);
        parties.clear();
        parties.resize(most, party.0);
        let parties: &'a [u32] = parties;
        let runs = columns.iter().enumerate().map(|(run, count)| {
            let times = timeline.times(run);
            let columns = (0..*count).map(|column| timeline.column(run, column)).collect();
            Rows { parties: &parties[..times.len()], times, keys: &[], columns }
        });
        Self { runs: runs.collect() }
    }
}

/// Walks the parties of a block.
pub struct Walk<'b, 'a> {
    block: &'b Block<'a>,
    next: Vec<usize>,
}

/// A party within a block.
pub struct PartyRows<'b, 'a> {
    block: &'b Block<'a>,
    spans: Vec<(usize, usize)>,
}

impl<'b, 'a> Walk<'b, 'a> {
    /// The next party, if there is one.
    pub fn next_party(&mut self) -> Option<(PartyNo, PartyRows<'b, 'a>)> {
        let heads = self.block.runs.iter().zip(&self.next).filter_map(|(run, at)| run.parties.get(*at));
        let party = *heads.min()?;
        let mut spans = Vec::with_capacity(self.next.len());
        for (run, at) in self.block.runs.iter().zip(&mut self.next) {
            let start = *at;
            while run.parties.get(*at) == Some(&party) {
                *at += 1;
            }
            spans.push((start, *at));
        }
        Some((PartyNo(party), PartyRows { block: self.block, spans }))
    }
}

impl PartyRows<'_, '_> {
    /// The row of a run's first event, in the block.
    pub(crate) fn start(&self, run: usize) -> usize {
        self.spans[run].0
    }
}

impl Timeline for PartyRows<'_, '_> {
    fn times(&self, run: usize) -> &[i64] {
        let (start, end) = self.spans[run];
        &self.block.runs[run].times[start..end]
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        let (start, end) = self.spans[run];
        let columns = &self.block.runs[run].columns;
        columns.get(column).map_or(Column::ABSENT, |column| column.slice(start, end - start))
    }

    fn key(&self, run: usize, row: usize) -> Key {
        let (start, _) = self.spans[run];
        self.block.runs[run].keys.get(start + row).copied().unwrap_or(Key([0; 16]))
    }
}
