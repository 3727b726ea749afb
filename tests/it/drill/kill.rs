//! Kill -9 at seeded moments under full load, in the middle of recovery too.

use std::time::Duration;

use super::load::{Load, Shared};
use super::oracle::settle;
use super::server::Site;
use super::{cycles, dice};
use crate::properties::dice::Dice;

/// One life of the server: it starts, works and is killed.
fn live_and_die(site: &Site, ledger: &Shared, dice: &mut Dice, round: u64) {
    if dice.chance(25) {
        site.spawn().kill_after(Duration::from_micros(dice.roll(120_000) as u64));
    }
    let server = site.serve();
    let load = Load::start(server.address, ledger, dice, round);
    load.wait(200, dice.roll(250));
    server.process.kill();
    load.end();
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed() {
    let dir = testkit::temp_dir();
    let site = Site::create(&dir.path().join("data"), 1);
    let (ledger, mut dice) = (Shared::default(), dice());
    let cycles = cycles(30);
    for round in 0..cycles {
        live_and_die(&site, &ledger, &mut dice, round);
        // The files are looked at from time to time, so that a long drill tells early.
        if round % 100 == 99 {
            assert_eq!(settle(&site, &ledger), Vec::<String>::new(), "after round {round}");
        }
    }
    assert_eq!(settle(&site, &ledger), Vec::<String>::new());
    let ledger = ledger.lock().unwrap();
    let acknowledged = ledger.acknowledged.len() as u64;
    assert!(acknowledged > cycles * 200, "only {acknowledged} messages: the drill tries too little");
}

/// The same drill on a server with a guarantee broken: how many lives until it is noticed.
fn is_noticed(sabotage: &str) -> bool {
    let dir = testkit::temp_dir();
    let site = Site::create(&dir.path().join("data"), 1);
    let broken = site.with(&["--sabotage", sabotage]);
    let (ledger, mut dice) = (Shared::default(), dice());
    (0..60).any(|round| {
        live_and_die(&broken, &ledger, &mut dice, round);
        !settle(&site, &ledger).is_empty()
    })
}

#[test]
fn an_answer_before_the_write_is_noticed() {
    assert!(is_noticed("ack-before-append"));
}

#[test]
fn a_cursor_that_moves_by_itself_is_noticed() {
    assert!(is_noticed("cursor-outside-transaction"));
}

#[test]
fn copies_that_count_are_noticed() {
    assert!(is_noticed("no-dedupe"));
}
