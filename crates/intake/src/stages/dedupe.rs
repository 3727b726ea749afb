//! Each distinct event counts once, however often it is sent within 28 days.
//!
//! Exact, not probabilistic: keys of recent batches are in a set in memory, older ones in sorted runs
//! in the database behind one filter a run. A key is remembered in the same transaction as its
//! effects, so a crash can neither forget it nor count it twice. Events that end in quarantine are
//! not remembered: their replay must get through.

use std::sync::Arc;

use db::Tx;
use kernel::id::KeySet;
use kernel::{Instant, Key, time};
use parking_lot::Mutex;

use super::filter::Filter;
use crate::batch::{Batch, Context, Stage, State};
use crate::store::seen::{self, PAGE_KEYS, PageNo};

/// Events are recognised for at least this long after they were received.
pub const WINDOW_MICROS: i64 = 28 * time::DAY;
/// Keys in the open run before it is sealed: about 32 MB of memory.
pub const OPEN_KEYS_MAX: usize = 1_000_000;

/// The keys one partition has seen, shared by the stage that asks and the stage that remembers.
pub type Seen = Arc<Mutex<Option<Index>>>;

/// Marks events that were processed before.
pub struct Dedupe {
    /// What was seen.
    pub seen: Seen,
    /// For drills only: let everything through.
    pub is_sabotaged: bool,
}

/// Remembers the events that got to the end of the stages.
pub struct Remember {
    /// What was seen.
    pub seen: Seen,
}

/// Keys in memory, and where the others are.
#[derive(Default)]
pub struct Index {
    open: KeySet,
    open_run: i64,
    open_newest: Instant,
    next_page: i64,
    sealed: Vec<Run>,
}

struct Run {
    no: i64,
    newest: Instant,
    filter: Filter,
    first_keys: Vec<Key>,
}

impl Stage for Dedupe {
    fn name(&self) -> &'static str {
        "dedupe"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let mut seen = self.seen.lock();
        let index = loaded(&mut seen, tx, batch.context)?;
        let mut in_batch = KeySet::default();
        for event in batch.events.iter_mut() {
            if event.state != State::Live || self.is_sabotaged {
                continue;
            }
            if !in_batch.insert(event.key) || index.contains(tx, batch.context, &event.key)? {
                event.state = State::Duplicate;
            }
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        *self.seen.lock() = None;
    }
}

impl Stage for Remember {
    fn name(&self) -> &'static str {
        "remember"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let live = batch.events.iter().filter(|e| e.live().is_some());
        let keys: Vec<Key> = live.map(|e| e.key).collect();
        let newest = batch.events.iter().map(|e| e.frame.received).max().unwrap_or_default();
        let mut seen = self.seen.lock();
        let index = loaded(&mut seen, tx, batch.context)?;
        index.remember(tx, batch.context, newest, &keys)?;
        Ok(())
    }

    fn rolled_back(&mut self) {
        *self.seen.lock() = None;
    }
}

fn loaded<'s>(seen: &'s mut Option<Index>, tx: &mut Tx<'_>, context: &Context) -> db::Result<&'s mut Index> {
    if seen.is_none() {
        *seen = Some(Index::load(tx, context)?);
    }
    Ok(seen.as_mut().expect("just filled"))
}

impl Index {
    /// Rebuilds the index from the database: the last run is the open one.
    fn load(tx: &mut Tx<'_>, context: &Context) -> db::Result<Self> {
        let mut runs: Vec<(Run, Vec<Key>)> = Vec::new();
        let mut next_page = 0;
        seen::seen_each(&context.scope, tx, context.partition, &mut |head, keys| {
            if runs.last().is_none_or(|(run, _)| run.no != head.no.run) {
                let filter = Filter::with_capacity(0);
                let run = Run { no: head.no.run, newest: head.newest, filter, first_keys: Vec::new() };
                if let Some((run, keys)) = runs.last_mut() {
                    run.seal(std::mem::take(keys));
                }
                runs.push((run, Vec::new()));
            }
            let (run, all) = runs.last_mut().expect("just pushed");
            run.newest = run.newest.max(head.newest);
            run.first_keys.push(head.first);
            all.extend(keys);
            next_page = head.no.page + 1;
        })?;
        let mut index = Self { open_run: 1, ..Self::default() };
        if let Some((run, keys)) = runs.pop() {
            index.open = keys.into_iter().collect();
            (index.open_run, index.open_newest, index.next_page) = (run.no, run.newest, next_page);
        }
        index.sealed = runs.into_iter().map(|(run, _)| run).collect();
        Ok(index)
    }

    fn contains(&self, tx: &mut Tx<'_>, context: &Context, key: &Key) -> db::Result<bool> {
        if self.open.contains(key) {
            return Ok(true);
        }
        for run in self.sealed.iter().rev().filter(|run| run.filter.may_contain(key)) {
            let page = run.first_keys.partition_point(|first| first <= key);
            if page == 0 {
                continue;
            }
            let no = PageNo { partition: context.partition, run: run.no, page: page as i64 - 1 };
            if seen::seen_page(&context.scope, tx, no)?.binary_search(key).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn remember(
        &mut self,
        tx: &mut Tx<'_>,
        context: &Context,
        newest: Instant,
        keys: &[Key],
    ) -> db::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let no = PageNo { partition: context.partition, run: self.open_run, page: self.next_page };
        seen::seen_append(&context.scope, tx, no, newest, keys)?;
        self.next_page += 1;
        self.open.extend(keys.iter().copied());
        let day_before = self.open_newest.0.div_euclid(time::DAY);
        self.open_newest = self.open_newest.max(newest);
        let is_new_day = self.next_page > 1 && self.open_newest.0.div_euclid(time::DAY) != day_before;
        if self.open.len() >= OPEN_KEYS_MAX || is_new_day {
            self.seal(tx, context)?;
            self.expire(tx, context)?;
        }
        Ok(())
    }

    /// Rewrites the open run as sorted pages and opens the next one.
    fn seal(&mut self, tx: &mut Tx<'_>, context: &Context) -> db::Result<()> {
        let mut keys: Vec<Key> = self.open.drain().collect();
        keys.sort_unstable();
        seen::seen_drop(&context.scope, tx, context.partition, self.open_run)?;
        let filter = Filter::with_capacity(0);
        let mut run = Run { no: self.open_run, newest: self.open_newest, filter, first_keys: Vec::new() };
        for (page, keys) in keys.chunks(PAGE_KEYS).enumerate() {
            let no = PageNo { partition: context.partition, run: run.no, page: page as i64 };
            seen::seen_append(&context.scope, tx, no, run.newest, keys)?;
            run.first_keys.push(keys[0]);
        }
        run.seal(keys);
        self.sealed.push(run);
        self.open_run += 1;
        self.next_page = 0;
        Ok(())
    }

    fn expire(&mut self, tx: &mut Tx<'_>, context: &Context) -> db::Result<()> {
        let oldest = self.open_newest.plus(-WINDOW_MICROS);
        for run in self.sealed.iter().filter(|run| run.newest < oldest) {
            seen::seen_drop(&context.scope, tx, context.partition, run.no)?;
        }
        self.sealed.retain(|run| run.newest >= oldest);
        Ok(())
    }
}

impl Run {
    fn seal(&mut self, keys: Vec<Key>) {
        self.filter = Filter::with_capacity(keys.len());
        keys.iter().for_each(|key| self.filter.insert(key));
    }
}
