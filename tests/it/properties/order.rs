//! The state is a function of the set of events.
//!
//! How a message arrives (its place, its copies, where requests and transactions end) is drawn from the
//! message itself, so that leaving others out of a failing history changes nothing about it.

use db::Tx;
use identity::commands::RULES;
use identity::rules::Document;
use intake::batch::{Batch, Stage};
use intake::rules::frame::Protocol;
use kernel::Instant;
use kernel::time::{DAY, HOUR};
use serde_json::json;

use super::decisions::command;
use super::dice::Dice;
use super::history::{Message, NOW, frame, history};
use super::world::World;
use super::{check, check_messages, check_seed};

const SIZE: usize = 60;

/// A way for the same messages to arrive, in percent of the messages.
#[derive(Clone, Copy)]
pub(super) struct Way {
    name: &'static str,
    place: Place,
    partitions: u32,
    /// Come once more, at another place.
    copied: usize,
    /// Come in the same request as the message before, if they can.
    together: usize,
    /// Are applied in the same transaction as the message before.
    in_batch: usize,
    /// Are applied just after a restart.
    restarts: usize,
    /// Are applied after a try that came to nothing.
    failures: usize,
}

#[derive(Clone, Copy)]
enum Place {
    AsSent,
    Backwards,
    Anywhere,
}

const AS_SENT: Way = Way {
    name: "as sent",
    place: Place::AsSent,
    partitions: 1,
    copied: 0,
    together: 0,
    in_batch: 0,
    restarts: 0,
    failures: 0,
};

pub(super) const WAYS: [Way; 6] = [
    Way { name: "in one batch", together: 100, in_batch: 100, ..AS_SENT },
    Way { name: "backwards", place: Place::Backwards, together: 50, in_batch: 70, ..AS_SENT },
    Way { name: "shuffled", place: Place::Anywhere, together: 50, in_batch: 70, ..AS_SENT },
    Way { name: "shuffled one by one", place: Place::Anywhere, ..AS_SENT },
    Way { name: "copied", place: Place::Anywhere, copied: 60, together: 60, in_batch: 60, ..AS_SENT },
    Way {
        name: "with crashes",
        place: Place::Anywhere,
        copied: 20,
        in_batch: 60,
        restarts: 30,
        failures: 20,
        ..AS_SENT
    },
];

pub(super) const PARTITIONED: [Way; 2] = [
    Way { name: "in two partitions", place: Place::Anywhere, partitions: 2, copied: 20, ..AS_SENT },
    Way { name: "in four partitions", partitions: 4, in_batch: 60, restarts: 10, ..AS_SENT },
];

/// Later than any message is received.
pub(super) const LATER: Instant = Instant(NOW.0 + 20 * DAY + 7 * HOUR);

/// One coming of a message.
struct Arrival<'m> {
    message: &'m Message,
    place: u64,
    dice: Dice,
}

fn arrivals<'m>(seed: u64, way: &Way, messages: &'m [Message]) -> Vec<Arrival<'m>> {
    let mut arrivals = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let mut dice = Dice::new(seed ^ message.fingerprint());
        let copies = if dice.chance(way.copied) { 2 } else { 1 };
        for _ in 0..copies {
            let anywhere = dice.next();
            let place = match way.place {
                Place::AsSent => index as u64,
                Place::Backwards => u64::MAX - index as u64,
                Place::Anywhere => anywhere,
            };
            arrivals.push(Arrival { message, place, dice: Dice::new(dice.next()) });
        }
    }
    arrivals.sort_by_key(|arrival| arrival.place);
    arrivals
}

/// Requests of one transaction.
#[derive(Default)]
struct Transaction {
    requests: Vec<Vec<Message>>,
    partition: usize,
    is_after_restart: bool,
    fails_first: bool,
}

fn transactions(way: &Way, arrivals: Vec<Arrival<'_>>) -> Vec<Transaction> {
    let mut all: Vec<Transaction> = Vec::new();
    for Arrival { message, mut dice, .. } in arrivals {
        // Copies of a message are in one partition, as those of a person are.
        let partition = (message.fingerprint() % u64::from(way.partitions)) as usize;
        let (joins, is_together) = (dice.chance(way.in_batch), dice.chance(way.together));
        match all.last_mut().filter(|last| joins && last.partition == partition) {
            Some(open) => {
                match open.requests.last_mut().filter(|request| is_together && fits(request, message)) {
                    Some(request) => request.push(message.clone()),
                    None => open.requests.push(vec![message.clone()]),
                }
            }
            None => all.push(Transaction {
                requests: vec![vec![message.clone()]],
                partition,
                is_after_restart: dice.chance(way.restarts),
                fails_first: dice.chance(way.failures),
            }),
        }
    }
    all
}

fn fits(request: &[Message], message: &Message) -> bool {
    request.iter().all(|m| (m.protocol, m.source) == (message.protocol, message.source))
}

fn arrive(seed: u64, way: &Way, messages: &[Message], plant: fn(World) -> World) -> World {
    let mut world = plant(World::new().with_partitions(way.partitions));
    for transaction in transactions(way, arrivals(seed, way, messages)) {
        let frames: Vec<Vec<u8>> = transaction
            .requests
            .iter()
            .map(|request| {
                let mut dice = Dice::new(seed ^ request[0].fingerprint());
                // Days apart, so that what was seen before is looked for in more than one run of keys.
                frame(request, NOW.plus(dice.roll(3) as i64 * DAY), dice.next())
            })
            .collect();
        if transaction.is_after_restart {
            world.restart();
        }
        if transaction.fails_first {
            world.feed_in_vain(transaction.partition, &frames);
        }
        world.feed_partition(transaction.partition, &frames);
    }
    world.wait_until(LATER);
    world
}

/// The messages as they were sent, one by one.
pub(super) fn arrive_as_sent(seed: u64, messages: &[Message], plant: fn(World) -> World) -> World {
    arrive(seed, &AS_SENT, messages, plant)
}

pub(super) fn agree(
    seed: u64,
    messages: &[Message],
    ways: &[Way],
    plant: fn(World) -> World,
) -> Result<(), String> {
    let reference = arrive(seed, &AS_SENT, messages, plant);
    let expected = reference.picture();
    for (number, way) in ways.iter().enumerate() {
        let world = arrive(seed ^ (number as u64) << 32, way, messages, plant);
        if let Some(difference) = expected.difference(&world.picture()) {
            return Err(format!("{} differs from as sent:{difference}", way.name));
        }
        if world.counts.processed != reference.counts.processed {
            return Err(format!("{}: {:?}, as sent {:?}", way.name, world.counts, reference.counts));
        }
    }
    Ok(())
}

fn arrival_does_not_matter(seed: u64, messages: &[Message]) -> Result<(), String> {
    agree(seed, messages, &WAYS, |world| world)
}

fn partitions_do_not_matter(seed: u64, messages: &[Message]) -> Result<(), String> {
    agree(seed, messages, &PARTITIONED, |world| world)
}

/// Rules under which nearly every identifier is seen with too many others, and numbers change hands.
fn crowd(mut world: World) -> World {
    let rules = Document { neighbours_max: 3, recycle_days: 30, ..Document::default() };
    world.decide(&command(RULES, 1, serde_json::to_value(rules).unwrap()));
    world
}

fn arrival_does_not_matter_in_a_crowd(seed: u64, messages: &[Message]) -> Result<(), String> {
    agree(seed, messages, &WAYS, crowd)?;
    agree(seed, messages, &PARTITIONED, crowd)
}

#[test]
fn crowds_are_the_same_in_any_order() {
    check("crowds", SIZE, arrival_does_not_matter_in_a_crowd);
}

#[test]
fn shuffled_copied_late_and_split_events_give_the_same_state() {
    check("arrival", SIZE, arrival_does_not_matter);
}

#[test]
fn several_partitions_give_the_same_state_as_one() {
    check("partitions", SIZE, partitions_do_not_matter);
}

/// Everybody gave the number of the shop: it links nobody, whoever comes first.
#[test]
fn a_number_everybody_gives_links_nobody_in_any_order() {
    let messages: Vec<Message> = (0..70)
        .map(|n| {
            let at = NOW.plus(-(n % 50) * DAY).to_string();
            let traits = json!({ "phone": "13800138000", "email": format!("mail{}@example.com", n % 60) });
            let message = json!({ "type": "identify", "messageId": format!("m-{n}"), "timestamp": at,
                              "userId": format!("u-{}", n % 65), "traits": traits });
            Message::of(Protocol::Segment, 1, &message)
        })
        .collect();
    for seed in 1..4 {
        check_messages("hotline", seed, &messages, arrival_does_not_matter);
        check_messages("hotline in partitions", seed, &messages, partitions_do_not_matter);
    }
}

/// Lets what came last win, as a careless stage would.
struct LastComeWins;

impl Stage for LastComeWins {
    fn name(&self) -> &'static str {
        "last_come_wins"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        for event in batch.events.iter().filter(|e| e.live().is_some_and(|r| r.event == "Paid")) {
            let sql = "update node set first_us = ?2 where workspace_id = ?1 and kind = 'user_id'";
            let at = event.live().map(|record| record.time).unwrap_or_default();
            tx.execute(sql, &[batch.context.scope.workspace.into(), at.into()])?;
        }
        Ok(())
    }
}

fn is_noticed(plant: fn(World) -> World) -> bool {
    (1..30).any(|seed| agree(seed, &history(&mut Dice::new(seed), SIZE), &WAYS, plant).is_err())
}

#[test]
fn a_stage_in_which_the_last_arrival_wins_is_noticed() {
    assert!(is_noticed(|world| world.with_stages(|| vec![Box::new(LastComeWins)])));
}

#[test]
fn a_pipeline_that_counts_copies_is_noticed() {
    assert!(is_noticed(|world| world.with_sabotage(headwater::stages::Sabotage::NoDedupe)));
}

/// Seeds that failed once: a second user of a device, or of one seen with it, after the first was taken for
/// the only one; and later holders of a number that late events did away with.
#[test]
fn histories_that_once_depended_on_arrival_do_not_any_more() {
    for seed in [3, 9, 1_135, 1_241, 30_498] {
        check_seed("arrival", seed, SIZE, arrival_does_not_matter);
    }
    for seed in [3, 1_210] {
        check_seed("partitions", seed, SIZE, partitions_do_not_matter);
    }
}
