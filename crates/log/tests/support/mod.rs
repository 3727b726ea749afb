//! What the tests of the log share: a clock turned by hand, ids that count.
#![allow(dead_code, unreachable_pub, reason = "each test binary includes it and uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use headwater_log::{Entry, Error, Log, Offset, sqlite};
use kernel::Instant;
use kernel::id::IdSource;
use kernel::time::Clock;

/// A clock that moves only when told.
#[derive(Default)]
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::Relaxed))
    }
}

/// Ids that differ within and between the processes of a test.
pub struct CountingIds;

impl IdSource for CountingIds {
    fn fresh(&self) -> [u8; 16] {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
        (u128::from(std::process::id()) << 64 | number).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        unreachable!("a log needs no secret")
    }
}

/// Options for a log without a disk reserve.
pub fn options() -> sqlite::Options {
    let options = sqlite::Options::new(Arc::new(HandClock::default()), Arc::new(CountingIds));
    sqlite::Options { reserve_bytes: 0, ..options }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Appends one entry and waits for it.
pub fn append(log: &dyn Log, received: i64, body: impl Into<Bytes>) -> Result<Offset, Error> {
    runtime().block_on(log.append(Instant(received), body.into()))
}

/// Appends all entries at once and waits for all.
pub fn append_all(log: &dyn Log, bodies: impl IntoIterator<Item = Bytes>) -> Vec<Result<Offset, Error>> {
    let appends = bodies.into_iter().map(|body| log.append(Instant(0), body));
    runtime().block_on(futures_util::future::join_all(appends))
}

pub fn close(log: &dyn Log) -> Result<(), Error> {
    runtime().block_on(log.close())
}

/// Everything after `after`, read page by page.
pub fn read_all(log: &dyn Log, mut after: Offset) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    loop {
        let page = log.read(after, 500, 1 << 20)?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.offset;
        all.extend(page);
    }
}

/// A small generator, so that a seed gives the same test everywhere.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
