//! How many durable entries a second a log takes: small ones from many writers, and batches.
//!
//! ```sh
//! cargo run --release -p headwater-log --example throughput -- /var/tmp/log
//! cargo run --release -p headwater-log --example throughput -- nats://127.0.0.1:4222
//! ```
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use headwater_log::{Error, Log, NatsLog, SqliteLog, nats, sqlite};
use kernel::id::IdSource;
use kernel::time::Clock;

const WRITERS: usize = 64;
const SECONDS: u64 = 5;
/// A typical event, and a request with a hundred of them.
const EVENT_BYTES: usize = 500;
const BATCH_BYTES: usize = 50_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> kernel::Instant {
        kernel::Instant(0)
    }
}

struct Pid;

impl IdSource for Pid {
    fn fresh(&self) -> [u8; 16] {
        u128::from(std::process::id()).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        unreachable!("a log needs no secret")
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1).ok_or("which directory or nats:// address?")?;
    let log: Arc<dyn Log> = if place.starts_with("nats://") {
        Arc::new(NatsLog::open(&place, "throughput", nats::Options::new(Arc::new(Pid)))?)
    } else {
        Arc::new(SqliteLog::open(&place, sqlite::Options::new(Arc::new(Still), Arc::new(Pid)))?)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (what, bytes) in [("single events", EVENT_BYTES), ("batches of 50 kB", BATCH_BYTES)] {
        let (entries, elapsed) = runtime.block_on(load(&log, bytes))?;
        let rate = entries as f64 / elapsed.as_secs_f64();
        let events = rate * (bytes / EVENT_BYTES) as f64;
        let megabytes = rate * bytes as f64 / 1e6;
        println!("{what}: {rate:.0} entries/s, {events:.0} events/s, {megabytes:.0} MB/s");
    }
    runtime.block_on(log.close())?;
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures itself")]
fn stopwatch() -> Instant {
    Instant::now()
}

async fn load(log: &Arc<dyn Log>, bytes: usize) -> Result<(u64, Duration), Error> {
    let count = Arc::new(AtomicU64::new(0));
    let start = stopwatch();
    let writers = (0..WRITERS).map(|_| {
        let (log, count, body) = (log.clone(), count.clone(), Bytes::from(vec![b'x'; bytes]));
        async move {
            while start.elapsed() < Duration::from_secs(SECONDS) {
                log.append(kernel::Instant(0), body.clone()).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    });
    futures_util::future::try_join_all(writers).await?;
    Ok((count.load(Ordering::Relaxed), start.elapsed()))
}
