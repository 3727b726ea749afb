//! Headwater and its peers side by side: first whether they agree, then how long they took.

use lake::Snapshot;
use serde_json::Value as Json;

use super::load::Loaded;
use super::peers::{self, Peers, Reply};
use super::questions::{self, Row, Timed};
use crate::report::{line, thousands};

/// Runs of each question with nothing in memory.
const BARE_RUNS: usize = 3;

/// Asks everything of everybody and prints the table.
pub(crate) async fn run(loaded: &Loaded, runs: usize) -> anyhow::Result<()> {
    let all = questions::all();
    let people = questions::people(loaded.people);
    let snapshot = loaded.lake.snapshot();
    let mut ours = asked(&snapshot, runs).await?;
    let mut latest = questions::latest(&snapshot, &people).await?;
    let bare = asked(&loaded.bare().await?.snapshot(), BARE_RUNS).await?;
    let mut names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
    names.push("Q7");
    let peers = peers::ask(loaded, &names, &people, runs)?;
    // Once more, so that neither has the quieter half of the time.
    for (ours, again) in ours.iter_mut().zip(asked(&snapshot, runs).await?) {
        if let (Ok(ours), Ok(again)) = (ours, again) {
            ours.times.extend(again.times);
        }
    }
    latest.times.extend(questions::latest(&snapshot, &people).await?.times);
    println!(
        "\n{:<6} {:>10}  {:>10}  {:>7}  {:<8} best peer",
        "", "Headwater", "best peer", "ratio", "target"
    );
    for (((name, target, _), ours), bare) in all.iter().zip(&ours).zip(&bare) {
        match ours {
            Ok(ours) => {
                told(name, target, ours, &peers);
                let same = if bare.as_ref().is_ok_and(|bare| bare.rows == ours.rows) {
                    "the same"
                } else {
                    "ANOTHER"
                };
                let ms = bare.as_ref().map_or(f64::NAN, Timed::ms);
                println!("{:<6} {ms:>7.1} ms  with nothing decoded in memory, {same} answer", "");
            }
            Err(error) => println!("{name:<6} Headwater does not answer: {error:#}"),
        }
    }
    told("Q7", "≤ 15 ms", &latest, &peers);
    println!("       p99 {:.1} ms (target ≤ 40)", latest.p99());
    everybody(&peers, &names);
    free(loaded, &peers, runs).await
}

async fn asked(snapshot: &Snapshot, runs: usize) -> anyhow::Result<Vec<anyhow::Result<Timed>>> {
    let mut ours = Vec::new();
    for (_, _, ask) in questions::all() {
        ours.push(questions::ask(snapshot, &ask, runs).await);
    }
    Ok(ours)
}

/// One line of the table, if the answers agree; else what they are.
fn told(name: &str, target: &str, ours: &Timed, peers: &Peers) {
    let replies = peers.engines.iter().filter_map(|e| e.answers.get(name).map(|reply| (&e.name, reply)));
    let mut best: Option<(&String, &Reply)> = None;
    for (engine, reply) in replies {
        // A peer that is slow at single people is not asked about all of them.
        let is_asked = |row: &&Row| name != "Q7" || reply.rows.iter().any(|theirs| theirs[0] == row[0]);
        let comparable: Vec<Row> = ours.rows.iter().filter(is_asked).cloned().collect();
        if let Some(difference) = difference(&comparable, &reply.rows) {
            println!("{name:<6} DIFFERENT from {engine}: {difference}");
            return;
        }
        if best.is_none_or(|(_, best)| reply.ms < best.ms) {
            best = Some((engine, reply));
        }
    }
    let Some((engine, best)) = best else { return };
    let (ours, peer) = (ours.ms(), best.ms);
    println!(
        "{name:<6} {ours:>7.1} ms  {peer:>7.1} ms  {:>5.2} ×  {target:<8} {engine}, identical answers",
        peer / ours
    );
}

/// The first rows in which two answers differ.
fn difference(ours: &[Row], theirs: &[Row]) -> Option<String> {
    let sorted = |rows: &[Row]| {
        let mut rows: Vec<String> = rows.iter().map(|row| Json::from(row.clone()).to_string()).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    if ours == theirs {
        return None;
    }
    let missing: Vec<_> = theirs.iter().filter(|row| ours.binary_search(row).is_err()).take(3).collect();
    let extra: Vec<_> = ours.iter().filter(|row| theirs.binary_search(row).is_err()).take(3).collect();
    Some(format!("{} rows and {}; theirs {missing:?}, ours {extra:?}", ours.len(), theirs.len()))
}

/// All engines, milliseconds.
fn everybody(peers: &Peers, names: &[&str]) {
    println!("\n{:<50} {}", "milliseconds", names.iter().map(|n| format!("{n:>8}")).collect::<String>());
    for engine in &peers.engines {
        let ms = |name: &&str| engine.answers.get(*name).map_or(f64::NAN, |reply| reply.ms);
        let times: String = names.iter().map(|name| format!("{:>8.1}", ms(name))).collect();
        println!("{:<50} {times}", engine.name);
        if let Some(p99) = engine.answers.get("Q7").and_then(|reply| reply.p99) {
            println!("{:<50} Q7 p99 {p99:.1}, {} MB", "", thousands(engine.bytes as f64 / 1e6));
        }
    }
    println!();
}

/// Plain SQL over the same files.
async fn free(loaded: &Loaded, peers: &Peers, runs: usize) -> anyhow::Result<()> {
    let snapshot = loaded.lake.snapshot();
    for (name, theirs) in &peers.free {
        let Some(text) = &theirs.sql else { continue };
        let ours = questions::sql(&snapshot, text, runs).await?;
        match difference(&ours.rows, &theirs.rows) {
            Some(difference) => println!("{name} DIFFERENT: {difference}"),
            None => line(
                &format!("{name}, plain SQL, the same Parquet"),
                format_args!(
                    "{:.1} ms, DuckDB {:.1} ms: {:.2} ×  (target ≥ 0.67), identical answers",
                    ours.ms(),
                    theirs.ms,
                    theirs.ms / ours.ms()
                ),
            ),
        }
    }
    Ok(())
}
