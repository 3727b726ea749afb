//! What must be true after a drill, read from the files the program left behind.

use std::collections::HashMap;
use std::process::Command;

use db::{Location, Store};
use headwater_tests::program;
use identity::party::party;
use identity::resolve::Identity;
use identity::store::definition::rules_current;
use insight::profile::{Weights, profile};
use insight::rules::chunk;
use intake::rules::frame::Frame;
use kernel::{Failure, Scope, WorkspaceNo};
use pipeline::Cursor;
use serde_json::Value;

use super::load::{Ledger, Shared};
use super::server::{Site, WORKSPACE};
use crate::properties::world::party_numbers;

/// How often each tag is in a timeline or in quarantine, and how many events are in timelines.
struct Found {
    tags: HashMap<String, u64>,
    events: u64,
}

/// Starts a site, stops it after everything is applied, and says what is wrong with what it leaves.
pub(super) fn settle(site: &Site, ledger: &Shared) -> Vec<String> {
    let mut server = match site.try_serve() {
        Ok(server) => server,
        Err(complaints) => return vec![format!("the server does not start:\n{complaints}")],
    };
    if let Err(stuck) = server.try_drain() {
        return vec![stuck];
    }
    assert_eq!(server.process.terminate(), Some(0), "{}", site.complaints());
    faults(site, &ledger.lock().unwrap())
}

/// Everything that is wrong with a site that was drained and stopped.
pub(super) fn faults(site: &Site, ledger: &Ledger) -> Vec<String> {
    let mut faults = ledger.wrong.clone();
    let location = match &site.store {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Directory(site.data.clone()),
    };
    let store = Store::open(&location).unwrap();
    let scope = Scope::system(WorkspaceNo(1), "drill");
    let pool = store.workspace(scope.workspace).unwrap();
    let found: Found = pool.read(|tx| found(&scope, tx)).unwrap();

    let lost = ledger.acknowledged.iter().filter(|tag| !found.tags.contains_key(*tag)).count();
    if lost > 0 {
        faults.push(format!("{lost} of {} acknowledged messages are lost", ledger.acknowledged.len()));
    }
    let doubled = found.tags.values().filter(|count| **count > 1).count();
    if doubled > 0 {
        faults.push(format!("{doubled} messages are there more than once"));
    }
    let invented = found.tags.keys().filter(|tag| !ledger.sent.contains(*tag)).count();
    if invented > 0 {
        faults.push(format!("{invented} messages were never sent"));
    }

    let (processed, counted) = pool
        .read(|tx| {
            let cursors = Cursor::all(&scope, tx)?;
            let processed: u64 = cursors.iter().map(|cursor| cursor.counts.processed).sum();
            let (_, rules) = rules_current(&scope, tx)?;
            let secret = [0; 32];
            let identity = Identity { scope: &scope, secret: &secret, rules: &rules };
            let mut counted = 0;
            for no in party_numbers(&scope, tx)? {
                let party = party(&identity, tx, no)?;
                counted += profile(&scope, tx, &party, &Weights::default())?.event_count;
            }
            Ok::<_, Failure>((processed, counted))
        })
        .unwrap();
    if processed != found.events {
        faults.push(format!("the pipeline counts {processed} events, timelines hold {}", found.events));
    }
    if counted != found.events {
        faults.push(format!("parties have {counted} events, timelines hold {}", found.events));
    }
    drop(store);
    faults.extend(verify(site));
    faults.extend(lake(site, found.events));
    faults
}

fn found(scope: &Scope, tx: &mut db::Tx<'_>) -> kernel::Result<Found> {
    let mut found = Found { tags: HashMap::new(), events: 0 };
    let chunks =
        tx.query("select body from timeline where workspace_id = ?1", &[scope.workspace.into()], |row| {
            Ok(row.blob(0)?.to_vec())
        })?;
    for body in chunks {
        for event in chunk::decode(&body)? {
            found.events += 1;
            *found.tags.entry(tag(&event.raw)).or_default() += 1;
        }
    }
    let aside =
        tx.query("select frame from quarantine where workspace_id = ?1", &[scope.workspace.into()], |row| {
            Ok(row.blob(0)?.to_vec())
        })?;
    for bytes in aside {
        let frame = Frame::decode(&bytes).map_err(Failure::internal)?;
        for raw in &frame.events {
            *found.tags.entry(tag(raw)).or_default() += 1;
        }
    }
    Ok(found)
}

fn tag(raw: &[u8]) -> String {
    let message: Value = serde_json::from_slice(raw).unwrap();
    let tag = message.get("messageId").or_else(|| message.get("_track_id"));
    tag.and_then(Value::as_str).unwrap_or("none").to_owned()
}

/// The lake has every event of the timelines, each once, under its name.
fn lake(site: &Site, events: u64) -> Option<String> {
    let mut query = Command::new(program());
    query.args(["query", "--workspace", WORKSPACE, "--data"]).arg(&site.data).args(&site.place);
    query.arg("select count(*) n, count(distinct event_id) d from events");
    let output = query.output().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = format!("n,d\n{events},{events}\n");
    (answer != expected)
        .then(|| format!("the lake: {answer} not {expected} {}", String::from_utf8_lossy(&output.stderr)))
}

/// The state is that of the log: rebuilt by the program itself.
fn verify(site: &Site) -> Option<String> {
    let mut verify = Command::new(program());
    verify.args(["verify", "--json", "--workspace", WORKSPACE, "--data"]).arg(&site.data).args(&site.place);
    let output = verify.output().unwrap();
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let is_equal = output.status.success() && verdict["equal"] == true;
    (!is_equal).then(|| format!("verify: {verdict} {}", String::from_utf8_lossy(&output.stderr)))
}
