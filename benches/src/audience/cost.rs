//! What the lake costs: writing with everything else running, how soon a row is seen, erasing people.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kernel::time::SECOND;
use kernel::{NodeNo, PartyNo};
use lake::{Dataset, Event, Handover, Lake, Place, Policy, Writer};
use log::Log;

use super::load::{Loaded, options};
use super::questions;
use super::shop::Shop;
use crate::place;
use crate::report::{Latencies, line, rate, thousands};

/// Events written.
const EVENTS: u64 = 2_000_000;
/// Rows of a flush: what half a second of events makes at the target.
const FLUSH_ROWS: usize = 100_000;
/// Events of a frame in the log.
const FRAME_EVENTS: usize = 1_000;
/// Looks for a row that was just handed over.
const LOOKS: u64 = 200;
/// Rows handed over with it, as a batch of the pipeline has.
const BATCH_ROWS: usize = 500;
/// People erased together.
const PEOPLE: u32 = 100;

/// Prints what writing costs, alone and beside the log and the compactor, and how soon rows are seen.
pub(crate) async fn write() -> anyhow::Result<()> {
    println!(
        "\nwriting: {} events, a flush every {}",
        thousands(EVENTS as f64),
        thousands(FLUSH_ROWS as f64)
    );
    let folder = tempfile::Builder::new().prefix("write.").tempdir_in(place::root()?)?;
    let alone = written(&folder.path().join("alone"), false).await?;
    line("events/s into Delta, nothing else", thousands(alone));
    let beside = written(&folder.path().join("beside"), true).await?;
    line(
        "events/s, log with fsync and compaction running",
        format_args!("{}  (target ≥ 300,000)", thousands(beside)),
    );
    fresh(&folder.path().join("alone")).await
}

/// Events a second from the first append to the last commit.
async fn written(folder: &Path, is_busy: bool) -> anyhow::Result<f64> {
    let shop = Shop::new(EVENTS);
    let (mut stream, mut batches) = (shop.stream(), Vec::new());
    loop {
        let batch = stream.batch(FLUSH_ROWS);
        if batch.is_empty() {
            break;
        }
        batches.push(batch);
    }
    let (lake, _) = Lake::open(&Place::Disk(folder.join("lake")), options()).await?;
    let writer = lake.writer().await?;
    let log = is_busy.then(|| place::open_log(&folder.join("log"))).transpose()?;
    let is_over = Arc::new(AtomicBool::new(!is_busy));
    let upkeep = tokio::spawn(compact(lake.clone(), is_over.clone()));
    let (start, mut rows) = (Instant::now(), 0u64);
    for events in batches {
        let after = rows;
        rows += events.len() as u64;
        if let Some(log) = &log {
            append(log.as_ref(), &events).await?;
        }
        writer.hand_over(Handover { partition: 0, after, position: rows, events })?;
        writer.flush().await?;
    }
    let took = start.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let rounds = upkeep.await??;
    if is_busy {
        line("  files replaced meanwhile", rounds);
    }
    Ok(rate(rows, took))
}

/// Compacts whatever has a few files, again and again.
async fn compact(lake: Lake, is_over: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut replaced = 0;
    while !is_over.load(Ordering::Relaxed) {
        replaced += lake.maintain(&Policy { flushed_max: 1, ..Policy::default() }).await?.files_replaced;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(replaced)
}

/// Appends the events as the collector's frames would be, and waits until they are durable.
async fn append(log: &dyn Log, events: &[Event]) -> anyhow::Result<()> {
    let appends = events.chunks(FRAME_EVENTS).map(|events| {
        let mut body = Vec::new();
        for event in events {
            body.extend_from_slice(event.event.as_bytes());
            body.extend_from_slice(&event.key.0);
            body.extend_from_slice(event.properties.as_bytes());
            // Identifiers, timestamps and context of a message.
            body.extend_from_slice(&[b' '; 180]);
        }
        log.append(place::now(), Bytes::from(body))
    });
    futures_util::future::try_join_all(appends).await?;
    Ok(())
}

/// From handing over a batch until a question answers with its event.
async fn fresh(folder: &Path) -> anyhow::Result<()> {
    let (lake, _) = Lake::open(&Place::Disk(folder.join("lake")), options()).await?;
    let writer = lake.writer().await?;
    let shop = Shop::new(EVENTS);
    let mut stream = shop.stream();
    let mut position = writer.position(0).unwrap_or(0);
    let mut latencies = Latencies::default();
    for _ in 0..LOOKS {
        let mut events = stream.batch(BATCH_ROWS);
        // Later than everything else this person did, and before the instant questions are about.
        let party = events[0].party;
        events[0].time = super::shop::UNTIL.plus(-SECOND - (LOOKS as i64 - latencies.count() as i64));
        let time = events[0].time;
        latencies.add(seen(&lake, &writer, &mut position, events, (party, time)).await?);
    }
    line("a row handed over is in answers after", format_args!("{}  (target p99 ≤ 50)", latencies.summary()));
    Ok(())
}

async fn seen(
    lake: &Lake,
    writer: &Writer,
    position: &mut u64,
    events: Vec<Event>,
    (party, time): (PartyNo, kernel::Instant),
) -> anyhow::Result<Duration> {
    let after = *position;
    *position += 1;
    let start = Instant::now();
    writer.hand_over(Handover { partition: 0, after, position: *position, events })?;
    let newest = questions::newest(&lake.snapshot(), party).await?;
    let took = start.elapsed();
    anyhow::ensure!(newest == Some(time), "the row just handed over is not in the answer");
    Ok(took)
}

/// Erases one person, then many, from a copy of the whole data set.
pub(crate) async fn erase(loaded: &Loaded) -> anyhow::Result<()> {
    let copy = tempfile::Builder::new().prefix("erase.").tempdir_in(&loaded.folder)?;
    let folder = copy.path().join("lake");
    // Files of a table are never changed, so a second name is a copy.
    link(&loaded.folder.join("lake"), &folder)?;
    let (lake, _) = Lake::open(&Place::Disk(folder), options()).await?;
    let _writer = lake.writer().await?;
    println!("\nerasing from {} events", thousands(lake.snapshot().rows(Dataset::Events) as f64));
    let everybody = questions::people(loaded.people);
    for (name, people) in [("one person", &everybody[..1]), ("100 people", &everybody[1..=PEOPLE as usize])] {
        let nodes: Vec<NodeNo> = people
            .iter()
            .flat_map(|person| [0, 1].map(|node| NodeNo(u64::from(*person) * 2 + node)))
            .collect();
        let rows = lake.snapshot().rows(Dataset::Events);
        let start = Instant::now();
        let done = lake.erase(&nodes).await?;
        let erased = start.elapsed();
        lake.vacuum().await?;
        let rows = rows - lake.snapshot().rows(Dataset::Events);
        line(
            &format!("{name}, seconds"),
            format_args!(
                "{:.2}, and off the disk {:.2}; {rows} rows, {} files rewritten",
                erased.as_secs_f64(),
                start.elapsed().as_secs_f64(),
                done.files_replaced
            ),
        );
    }
    Ok(())
}

fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link(&entry.path(), &name)?;
        } else {
            std::fs::hard_link(entry.path(), name)?;
        }
    }
    Ok(())
}
