//! Kill -9 at seeded moments of flushes, compactions and checkpoints: every event of the log is in
//! the lake once, up to the position the table itself says, and nothing acknowledged is lost.
//!
//! The parent starts this very binary as a child that hands over a made-up log, flushes, compacts and
//! prints every committed position; it kills it, opens the lake and counts. The same drill must find
//! the loss of a child that says "committed" before it is, or it proves nothing.
//! `HEADWATER_DRILL_CYCLES` makes it longer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::id::IdSource;
use kernel::time::{Clock, DAY};
use kernel::{Instant, Key, NodeNo, PartyNo};
use lake::{Cell, Event, Handover, Lake, Limits, Options, Place, Policy, Writer};

const DIR: &str = "HEADWATER_CRASH_CHILD_DIR";
const SABOTAGE: &str = "HEADWATER_CRASH_CHILD_SABOTAGE";

struct Now;

impl Clock for Now {
    fn now(&self) -> Instant {
        Instant(jiff::Timestamp::now().as_microsecond())
    }
}

/// Ids that differ between processes.
struct Ids(AtomicU64);

impl IdSource for Ids {
    fn fresh(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&std::process::id().to_be_bytes());
        id[4..8].copy_from_slice(&(Now.now().0 as u32).to_be_bytes());
        id[8..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id
    }

    fn secret(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// A number below `sides` that depends on `seed` alone.
fn below(seed: u64, sides: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)) % sides
}

/// The events of one position of the log.
fn batch(position: u64) -> Vec<Event> {
    let one = |i: u64| {
        let seed = position * 100 + i;
        Event {
            party: PartyNo(below(seed, 50) as u32),
            node: NodeNo(below(seed, 50)),
            time: Instant(20_759 * DAY + below(seed, 14) as i64 * DAY + i as i64),
            key: Key::of(&[0; 32], &[&seed.to_le_bytes()]),
            event: if seed.is_multiple_of(2) { "a" } else { "b" }.into(),
            channel: None,
            source: "drill".into(),
            context: "".into(),
            properties: format!(r#"{{"position":{position}}}"#).into(),
        }
    };
    (0..batch_rows(position)).map(one).collect()
}

fn batch_rows(position: u64) -> u64 {
    below(position, 40)
}

async fn open(dir: &Path) -> (Lake, Writer) {
    let options = Options { buckets: 2, ..Options::new(Arc::new(Now), Arc::new(Ids(AtomicU64::new(0)))) };
    let (lake, repairs) = Lake::open(&Place::Disk(dir.to_path_buf()), options).await.unwrap();
    assert_eq!(repairs, [], "a killed process tears nothing");
    let writer = lake.writer().await.unwrap();
    (lake, writer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_of_a_drill_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let is_sabotaged = std::env::var_os(SABOTAGE).is_some();
    let (lake, writer) = open(Path::new(&dir)).await;
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    say("\nopened\n".into());
    let upkeep = lake.clone();
    tokio::spawn(async move {
        let policy = Policy { flushed_max: 3, compacted_max: 2, ..Policy::default() };
        loop {
            upkeep.maintain(&policy).await.unwrap();
            upkeep.vacuum().await.unwrap();
        }
    });
    let mut position = writer.position(0).unwrap_or(0);
    loop {
        for _ in 0..=below(position, 5) {
            position += 1;
            let events = batch(position);
            writer.hand_over(Handover { partition: 0, after: position - 1, position, events }).unwrap();
        }
        if is_sabotaged {
            say(format!("committed {position}\n"));
        }
        writer.flush().await.unwrap();
        say(format!("committed {position}\n"));
    }
}

/// Runs a child, kills it after `commits` commits, and returns the last position it said.
fn run_and_kill(dir: &Path, is_sabotaged: bool, commits: u64) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_child_of_a_drill_writes_until_it_is_killed", "--nocapture"]);
    command.env(DIR, dir).stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    if is_sabotaged {
        command.env(SABOTAGE, "1");
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.by_ref().find(|line| line == "opened").expect("the child opens the lake");
    let mut last = 0;
    let mut parse = |line: String| {
        if let Some(position) = line.strip_prefix("committed ") {
            last = position.parse().unwrap();
        }
    };
    lines.by_ref().take(commits as usize).for_each(&mut parse);
    child.kill().unwrap();
    lines.for_each(parse);
    child.wait().unwrap();
    last
}

async fn number(lake: &Lake, sql: &str) -> u64 {
    let mut answer = lake.snapshot().query(sql, Limits::default(), Default::default()).await.unwrap();
    match answer.next().await.unwrap().unwrap()[0][0] {
        Cell::Integer(n) => n as u64,
        ref other => panic!("{other:?}"),
    }
}

/// Kills again and again; whether something acknowledged was lost. Panics on anything twice.
async fn loses(cycles: u64, is_sabotaged: bool) -> bool {
    let dir = tempfile::tempdir().unwrap();
    for cycle in 0..cycles {
        let said = run_and_kill(dir.path(), is_sabotaged, below(cycle, 40));
        let (lake, writer) = open(dir.path()).await;
        let position = writer.position(0).unwrap_or(0);
        if position < said {
            return true;
        }
        let expected: u64 = (1..=position).map(batch_rows).sum();
        assert_eq!(number(&lake, "SELECT count(*) FROM events").await, expected, "cycle {cycle}");
        assert_eq!(number(&lake, "SELECT count(DISTINCT event_id) FROM events").await, expected);
    }
    false
}

fn cycles(default: u64) -> u64 {
    std::env::var_os("HEADWATER_DRILL_CYCLES").map_or(default, |n| n.to_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_loses_nothing_committed_and_repeats_nothing() {
    assert!(!loses(cycles(10), false).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drill_finds_a_writer_that_says_committed_too_early() {
    assert!(loses(cycles(10).max(200), true).await);
}
