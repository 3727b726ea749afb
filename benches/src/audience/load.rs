//! The data set as a lake, made by the product's own writer and compactor, and kept for the next run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::Context;
use headwater::machine::MachineIds;
use kernel::time::DAY;
use lake::{Column, Dataset, Handover, Kind, Lake, Options, Place, Policy};
use serde_json::json;
use testkit::ManualClock;

use super::shop::{self, EDITION, Shop};
use crate::place;
use crate::report::{line, rate, thousands};

/// Rows handed over at a time, as many as the writer's buffer takes.
const BATCH_ROWS: usize = 1_000_000;
const MARK: &str = "loaded.json";

/// A lake with the data set.
pub(crate) struct Loaded {
    /// The lake, open.
    pub(crate) lake: Lake,
    /// Where it lies.
    pub(crate) folder: PathBuf,
    /// People in it.
    pub(crate) people: u64,
}

/// How every lake of this benchmark is opened. The last week of the data is over.
pub(crate) fn options() -> Options {
    let hot = vec![Column::new("sku", Kind::Text), Column::new("amount", Kind::Decimal)];
    let clock = Arc::new(ManualClock::at(shop::UNTIL.plus(9 * DAY)));
    Options { hot, ..Options::new(clock, Arc::new(MachineIds)) }
}

impl Loaded {
    /// The same lake with nothing decoded in memory: every question reads Parquet.
    pub(crate) async fn bare(&self) -> anyhow::Result<Lake> {
        let place = Place::Disk(self.folder.join("lake"));
        Ok(Lake::read(&place, Options { memory_bytes: 0, ..options() }).await?)
    }
}

/// The lake with so many events, made now if it is not there.
pub(crate) async fn loaded(events: u64) -> anyhow::Result<Loaded> {
    let folder = place::cache()?.join(format!("audience-{events}"));
    let path = folder.join("lake");
    let shop = Shop::new(events);
    let mark = json!({ "edition": EDITION, "events": events }).to_string();
    if std::fs::read_to_string(folder.join(MARK)).is_ok_and(|known| known == mark) {
        let (lake, _) = Lake::open(&Place::Disk(path), options()).await?;
        return Ok(Loaded { lake, folder, people: shop.people() });
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let (lake, _) = Lake::open(&Place::Disk(path), options()).await?;
    let people = shop.people();
    write(&lake, shop).await?;
    upkeep(&lake, events).await?;
    std::fs::write(folder.join(MARK), mark)?;
    Ok(Loaded { lake, folder, people })
}

/// Writes everything, one thread making the events and another the files.
async fn write(lake: &Lake, shop: Shop) -> anyhow::Result<()> {
    let writer = lake.writer().await?;
    let (sender, receiver) = sync_channel(1);
    let producer = std::thread::spawn(move || {
        let (mut stream, mut busy) = (shop.stream(), Duration::ZERO);
        loop {
            let start = Instant::now();
            let batch = stream.batch(BATCH_ROWS);
            busy += start.elapsed();
            if batch.is_empty() || sender.send(batch).is_err() {
                return busy;
            }
        }
    });
    let (start, mut busy, mut rows) = (Instant::now(), Duration::ZERO, 0u64);
    while let Ok(events) = receiver.recv() {
        let begun = Instant::now();
        let after = rows;
        rows += events.len() as u64;
        writer.hand_over(Handover { partition: 0, after, position: rows, events })?;
        writer.flush().await?;
        busy += begun.elapsed();
    }
    let made = producer.join().map_err(|_| anyhow::anyhow!("the generator panicked"))?;
    let wall = start.elapsed();
    line("loading: events made, a second of one thread", thousands(rate(rows, made)));
    line(
        "loading: events into Delta",
        format_args!(
            "{} a second of the writer, {} with the generator beside it",
            thousands(rate(rows, busy)),
            thousands(rate(rows, wall))
        ),
    );
    Ok(())
}

/// Compacts every week and forgets the files it came from.
async fn upkeep(lake: &Lake, events: u64) -> anyhow::Result<()> {
    let start = Instant::now();
    let done = lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await?;
    line(
        "loading: sorted compaction, events/s",
        format_args!(
            "{}  ({} files into {})",
            thousands(rate(events, start.elapsed())),
            done.files_replaced,
            done.files_written
        ),
    );
    lake.vacuum().await?;
    Ok(())
}

/// Prints what the lake is like on disk.
pub(crate) fn tell(loaded: &Loaded) -> anyhow::Result<()> {
    let snapshot = loaded.lake.snapshot();
    let (files, bytes) = snapshot.files(Dataset::Events);
    let rows = snapshot.rows(Dataset::Events);
    anyhow::ensure!(rows > 0, "the lake is empty");
    line("people, events", format_args!("{}, {}", thousands(loaded.people as f64), thousands(rows as f64)));
    line("files, bytes per event", format_args!("{files}, {:.1}  (target ≤ 40)", bytes as f64 / rows as f64));
    Ok(())
}

/// The Parquet files of the current version of `events`.
pub(crate) fn glob(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("lake/events/week=*/*.parquet");
    Ok(path.to_str().context("a folder whose name is not UTF-8")?.to_owned())
}
