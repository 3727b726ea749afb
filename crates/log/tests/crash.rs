//! Kill -9 at seeded moments: what was acknowledged is there afterwards.
//!
//! The parent starts this very binary as a child that appends and prints every acknowledged
//! offset, kills it after a seeded number of them, and compares. The same drill must find a loss
//! in a log that acknowledges too early, or it proves nothing.
//! `HEADWATER_DRILL_CYCLES` makes it longer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use headwater_log::sqlite::{Options, Sabotage};
use headwater_log::{Log, Offset, SqliteLog};
use kernel::Instant;
use support::{Seeded, read_all};

const DIR: &str = "HEADWATER_CRASH_CHILD_DIR";
const SABOTAGE: &str = "HEADWATER_CRASH_CHILD_SABOTAGE";

/// Writers of the child, so that kills meet commits of many entries.
const WRITERS: u64 = 16;

fn options(sabotage: Option<Sabotage>) -> Options {
    // Small segments, so that kills meet rotations too.
    Options { segment_bytes: 512 << 10, sabotage, ..support::options() }
}

/// The body says what it is, so that an entry in another's place is found.
fn body(cycle: u64, number: u64) -> Bytes {
    let length = Seeded(number).below(3_000) as usize;
    let mut body = format!("{cycle} {number} ").into_bytes();
    body.resize(body.len() + length, b'.');
    body.into()
}

#[test]
fn the_child_of_a_drill_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let sabotage = std::env::var_os(SABOTAGE).map(|_| Sabotage::AckBeforeAppend);
    let log = Arc::new(SqliteLog::open(dir, options(sabotage)).unwrap());
    let cycle = log.head().unwrap().0;
    println!("\nopened");
    let appenders = (0..WRITERS).map(|writer| {
        let log = log.clone();
        move || {
            for number in (0..).map(|n| n * WRITERS + writer) {
                let append = log.append(Instant(number as i64), body(cycle, number));
                let offset = support::runtime().block_on(append).unwrap();
                // One write, so that a line is there whole or not at all.
                let line = format!("acked {offset} {cycle} {number}\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        }
    });
    let threads: Vec<_> = appenders.map(std::thread::spawn).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Runs a child, kills it after it acknowledged `acks` entries, and returns all it acknowledged.
fn run_and_kill(dir: &Path, sabotage: Option<Sabotage>, acks: u64) -> Vec<(Offset, Bytes)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_child_of_a_drill_appends_until_it_is_killed", "--nocapture"]);
    command.env(DIR, dir).stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    if sabotage.is_some() {
        command.env(SABOTAGE, "1");
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.by_ref().find(|line| line == "opened").expect("the child opens the log");
    let mut acked = Vec::new();
    let mut parse = |line: String| {
        let Some(numbers) = line.strip_prefix("acked ") else { return };
        let numbers: Vec<u64> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
        let [offset, cycle, number] = numbers[..] else { panic!("half a line: {line}") };
        acked.push((Offset(offset), body(cycle, number)));
    };
    lines.by_ref().take(acks as usize).for_each(&mut parse);
    child.kill().unwrap();
    lines.for_each(parse);
    child.wait().unwrap();
    acked
}

/// Kills a writer again and again and returns how many acknowledged entries were lost.
fn drill(cycles: u64, sabotage: Option<Sabotage>) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let mut seeded = Seeded(20_261_121);
    let mut acked: Vec<(Offset, Bytes)> = Vec::new();
    for cycle in 0..cycles {
        // Every fifth child dies as soon as it has recovered.
        let acks = if cycle % 5 == 4 { 0 } else { seeded.below(1_500) };
        acked.extend(run_and_kill(dir.path(), sabotage, acks));
        let entries = read_all(&SqliteLog::open_reader(dir.path()).unwrap(), Offset::START).unwrap();
        let lost = acked
            .iter()
            .filter(|(offset, body)| {
                // Offsets of this log are consecutive from 1.
                entries.get(offset.0 as usize - 1).is_none_or(|e| e.offset != *offset || e.body != *body)
            })
            .count();
        if lost > 0 {
            return lost;
        }
    }
    let distinct: BTreeSet<_> = acked.iter().map(|(offset, _)| offset).collect();
    assert_eq!(distinct.len(), acked.len(), "no offset was given out twice");
    assert!(acked.len() as u64 > cycles * 100, "only {} entries: the drill tries too little", acked.len());
    0
}

fn cycles() -> u64 {
    std::env::var_os("HEADWATER_DRILL_CYCLES").map_or(20, |n| n.to_str().unwrap().parse().unwrap())
}

#[test]
fn no_acknowledged_entry_is_lost_when_the_process_is_killed() {
    assert_eq!(drill(cycles(), None), 0);
}

#[test]
fn the_drill_finds_a_log_that_acknowledges_before_it_writes() {
    // It ends with the first loss; on a busy machine that may take more than a few kills.
    assert!(drill(100, Some(Sabotage::AckBeforeAppend)) > 0);
}
