//! Whatever fails and whoever dies in the middle: what a receiver ends up with is what the ledger says.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use super::{World, identify, sharing};
use crate::properties::dice::Dice;

/// One history: people come and go, the receiver fails at random, and the server dies at random between
/// sending and recording or is taken over by another.
fn history(seed: u64) {
    let mut dice = Dice::new(seed);
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let people = 12;
    let dispatcher = world.server.dispatcher(&world.workspace);
    let tokio = world.server.tokio();
    let no = tokio.block_on(dispatcher.destinations()).unwrap()[0];
    let mut servers = [dispatcher.server(no), dispatcher.server(no)];
    world.send(&(0..people).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
    let died = Arc::new(Notify::new());
    for day in 3..15 {
        let mut moves = Vec::new();
        for n in (0..people).filter(|n| (n + day) % 3 == 0) {
            let tier = if dice.chance(50) { "gold" } else { "silver" };
            moves.push(identify(&format!("u-{n}"), day, json!({ "tier": tier })));
        }
        world.send(&moves);
        let (mut weather, bad, death) = (dice.clone(), [0, 30, 100][dice.roll(3)], dice.roll(20));
        let (mut requests, dies) = (0, Arc::clone(&died));
        receiver.behave(move |_| {
            requests += 1;
            if requests == death {
                dies.notify_one();
            }
            if weather.chance(bad) { [503, 500, 429][weather.roll(3)] } else { 200 }
        });
        for _ in 0..8 {
            let which = dice.roll(2);
            tokio.block_on(async {
                tokio::select! {
                    biased;
                    // The receiver has it; nobody will write that down.
                    () = died.notified() => servers[which] = dispatcher.server(no),
                    stepped = servers[which].step() => drop(stepped),
                }
            });
            world.server.clock().advance(dice.roll(40_000_000) as i64);
        }
        dice.next();
    }
    receiver.answer(200);
    world.server.clock().advance(10 * kernel::time::MINUTE);
    for _ in 0..200 {
        let _ = tokio.block_on(servers[0].step());
        world.server.clock().advance(10 * kernel::time::SECOND);
    }
    let status = world.settled(&destination);
    assert_eq!(status["dead"], 0, "seed {seed}: {status}");
    check(&world, &audience, &receiver, seed);
}

fn check(world: &World, audience: &str, receiver: &super::Receiver, seed: u64) {
    let path = format!("/api/v1/audiences/{audience}/changes?limit=200");
    let mut ledger: BTreeMap<String, Vec<(u64, bool)>> = BTreeMap::new();
    for change in world.get(&path)["items"].as_array().unwrap() {
        let party = change["party"].as_str().unwrap().to_owned();
        let told = (change["seq"].as_u64().unwrap(), change["entered"] == true);
        ledger.entry(party).or_default().push(told);
    }
    receiver.look(|received| {
        let mut effect: BTreeMap<String, Vec<(u64, bool)>> = BTreeMap::new();
        for message in &received.messages {
            let data = &message["data"];
            let party = data["party"].as_str().unwrap().to_owned();
            effect.entry(party).or_default().push((data["seq"].as_u64().unwrap(), data["present"] == true));
        }
        assert_eq!(effect, ledger, "seed {seed}: each change once, in the order of each party");
        assert!(received.requests as usize >= received.messages.len());
    });
}

#[test]
fn whatever_fails_or_dies_the_receiver_ends_up_with_what_the_ledger_says() {
    (1..=6).for_each(history);
}

#[test]
fn a_server_that_was_replaced_sends_nothing_more_and_records_nothing() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let dispatcher = world.server.dispatcher(&world.workspace);
    let tokio = world.server.tokio();
    let no = tokio.block_on(dispatcher.destinations()).unwrap()[0];
    let (mut old, mut new) = (dispatcher.server(no), dispatcher.server(no));
    // The old one has the destination, then the new one takes it over while nothing is to be done.
    tokio.block_on(old.step()).unwrap();
    tokio.block_on(new.step()).unwrap();
    world.send(&sharing("u-1"));
    assert!(tokio.block_on(old.step()).is_err(), "it stops before it sends");
    assert_eq!(receiver.look(|received| received.requests), 0);
    tokio.block_on(new.step()).unwrap();
    assert_eq!(receiver.look(|received| received.requests), 1);
    assert_eq!(world.status(&destination)["delivered"], 1);
}
