//! Runs of files that were decoded lately, kept in memory within a budget.
//!
//! Files never change, so what is kept under (file, bucket, event, column) is always right and is never made
//! anew; what was not asked for longest is forgotten first. The first question pays for the later ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kernel::Key;
use parking_lot::Mutex;

use super::stored::Stored;
use super::words::Words;

/// Of the budget, what is left after something was forgotten: so that it does not happen for every run.
const KEPT: (usize, usize) = (7, 8);

/// Whose rows are and when, in the order (party, time, key).
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) parties: Vec<u32>,
    pub(crate) times: Vec<i64>,
}

/// What is decoded of the rows of one event and bucket in one file. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Run {
    pub(crate) rows: Option<Arc<Rows>>,
    /// For rows of several events: the place in the file of each row.
    pub(crate) order: Option<Arc<Vec<u32>>>,
    pub(crate) keys: Option<Arc<Vec<Key>>>,
    pub(crate) nodes: Option<Arc<Vec<u64>>>,
    pub(crate) columns: BTreeMap<String, Arc<Stored>>,
}

/// Which run: file, bucket, event.
pub(crate) type Id = (String, u32, Option<Arc<str>>);

/// The runs in memory.
pub(crate) struct Stock {
    budget: usize,
    inner: Mutex<Inner>,
    words: Mutex<HashMap<String, Arc<Words>>>,
}

#[derive(Default)]
struct Inner {
    slots: HashMap<Id, Slot>,
    bytes: usize,
    turn: u64,
}

struct Slot {
    run: Run,
    bytes: usize,
    /// When it was asked for last.
    turn: u64,
}

impl Stock {
    /// Nothing yet, and never more than `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, inner: Mutex::default(), words: Mutex::default() }
    }

    /// What is known of a run.
    pub(crate) fn get(&self, id: &Id) -> Run {
        let mut inner = self.inner.lock();
        inner.turn += 1;
        let turn = inner.turn;
        let Some(slot) = inner.slots.get_mut(id) else { return Run::default() };
        slot.turn = turn;
        slot.run.clone()
    }

    /// Keeps what was decoded of a run, beside what is known of it.
    pub(crate) fn put(&self, id: Id, run: &Run) {
        let mut inner = self.inner.lock();
        let Inner { slots, bytes, turn } = &mut *inner;
        let slot = slots.entry(id).or_insert_with(|| Slot { run: Run::default(), bytes: 0, turn: 0 });
        slot.turn = *turn;
        slot.run.take_in(run);
        *bytes -= slot.bytes;
        slot.bytes = slot.run.bytes();
        *bytes += slot.bytes;
        if *bytes > self.budget {
            inner.forget(self.budget / KEPT.1 * KEPT.0);
        }
    }

    /// The texts of a column.
    pub(crate) fn words(&self, column: &str) -> Arc<Words> {
        let mut all = self.words.lock();
        match all.get(column) {
            Some(words) if !words.is_full() => words.clone(),
            _ => {
                let words = Words::new();
                all.insert(column.to_owned(), words.clone());
                words
            }
        }
    }

    /// Bytes in use.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }
}

impl Inner {
    /// Forgets what was not asked for longest, until `bytes` are left.
    fn forget(&mut self, bytes: usize) {
        let mut turns: Vec<(u64, usize)> = self.slots.values().map(|slot| (slot.turn, slot.bytes)).collect();
        turns.sort_unstable();
        let mut last = 0;
        for (turn, size) in turns {
            if self.bytes <= bytes {
                break;
            }
            self.bytes -= size;
            last = turn;
        }
        self.slots.retain(|_, slot| slot.turn > last);
        // Several runs may have been put in one turn.
        self.bytes = self.slots.values().map(|slot| slot.bytes).sum();
    }
}

impl Run {
    pub(super) fn take_in(&mut self, other: &Self) {
        self.rows = self.rows.take().or_else(|| other.rows.clone());
        self.order = self.order.take().or_else(|| other.order.clone());
        self.keys = self.keys.take().or_else(|| other.keys.clone());
        self.nodes = self.nodes.take().or_else(|| other.nodes.clone());
        for (path, column) in &other.columns {
            self.columns.entry(path.clone()).or_insert_with(|| column.clone());
        }
    }

    fn bytes(&self) -> usize {
        let rows = self.rows.as_ref().map_or(0, |rows| rows.times.len());
        let extra = 16 * usize::from(self.keys.is_some())
            + 8 * usize::from(self.nodes.is_some())
            + 4 * usize::from(self.order.is_some());
        rows * (12 + extra) + self.columns.values().map(|column| column.bytes()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: usize) -> Run {
        let rows = Rows { parties: vec![0; rows], times: vec![0; rows] };
        Run { rows: Some(Arc::new(rows)), ..Run::default() }
    }

    fn id(no: u32) -> Id {
        ("f".to_owned(), no, None)
    }

    #[test]
    fn what_was_not_asked_for_longest_is_forgotten_and_the_budget_is_kept() {
        let stock = Stock::new(5_000);
        for no in 0..4 {
            drop(stock.get(&id(no)));
            stock.put(id(no), &run(100));
        }
        assert_eq!(stock.bytes(), 4_800);
        assert!(stock.get(&id(0)).rows.is_some());
        drop(stock.get(&id(4)));
        stock.put(id(4), &run(100));
        let is_kept = |no: u32| stock.get(&id(no)).rows.is_some();
        assert_eq!([0, 1, 2, 3, 4].map(is_kept), [true, false, false, true, true]);
        assert_eq!(stock.bytes(), 3_600);
        drop(stock.get(&id(5)));
        stock.put(id(5), &run(1_000));
        assert_eq!(stock.bytes(), 0, "what is larger than the budget is not kept");
    }
}
