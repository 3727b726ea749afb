//! Live tags: what a party has is a function of the facts, of what was said, and of the instant, whatever came
//! when; the ledgers say how it came about.

use std::collections::BTreeMap;

use criteria::{Evaluator, Zone};
use identity::commands::{MERGE, RETRACT, decision_id};
use identity::party::party;
use identity::store::node::node_page;
use insight::commands::{CONSTANTS_PUT, TAG_ASSIGN, TAG_PUT, TAG_REPLACE, TAG_RETIRE};
use insight::live::{Asked, Catalogue, Moment, Question, Standing, load_with};
use insight::profile::Weights;
use insight::store::tag::{Tag, tag_all};
use insight::store::tag_value::{change_page, value_page};
use intake::command::Command;
use kernel::id::base32;
use kernel::time::DAY;
use kernel::{Instant, Key, NodeNo, PartyNo};
use serde_json::{Value, json};

use super::check;
use super::decisions::{command, identifiers};
use super::dice::Dice;
use super::history::{Message, NOW, frame};
use super::order::{LATER, PARTITIONED, WAYS, agree, arrive_as_sent};
use super::world::{SECRET, World, party_numbers};

const SIZE: usize = 24;

fn tag(key: &str, kind: &str, value_type: &str, more: Value) -> Value {
    let mut whole = json!({ "key": key, "name": key, "kind": kind, "value_type": value_type });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

/// Definitions over what histories are made of; some ask for others.
fn definitions() -> Vec<Value> {
    let viewed = |op: &str, value: u32, window: Value| json!({"event": "Viewed", "op": op, "value": value, "window": window});
    vec![
        tag("often", "rule", "boolean", json!({ "rule": viewed("gte", 2, json!({"last": "60d"})) })),
        tag(
            "level",
            "rule",
            "text",
            json!({
                "cases": [
                    { "value": "a", "rule": viewed("gte", 3, json!({"ever": true})) },
                    { "value": "b", "rule": viewed("gte", 1, json!({"last": "200d"})) },
                ],
                "otherwise": "c",
            }),
        ),
        tag(
            "chosen",
            "rule",
            "boolean",
            json!({
                "rule": {"all": [{"tag": "level", "op": "in", "value": ["a", "b"]}, {"tag": "often", "op": "missing"}]},
            }),
        ),
        tag("manual", "manual", "text", json!({ "valid_days": 45 })),
        tag("both", "rule", "boolean", json!({ "rule": {"tag": "manual", "op": "eq", "value": "x"} })),
        tag("asked", "sql", "number", json!({ "sql": "select 1" })),
        tag(
            "spent",
            "function",
            "number",
            json!({
                "formula": "round(total / nullif(times, 0), 2)",
                "measures": {
                    "total": "sum(\"Viewed\".amount, last 90d)",
                    "times": "count(\"Viewed\", last 90d)",
                },
            }),
        ),
        tag(
            "silent",
            "function",
            "number",
            json!({ "role": "score", "formula": "days_since(last_time(\"Viewed\"))" }),
        ),
        tag(
            "stage",
            "rule",
            "text",
            json!({
                "role": "stage",
                "cases": [{ "value": "lost", "rule": {"score": "silent", "op": "gt", "value": 100} }],
                "otherwise": "here",
            }),
        ),
        tag("lost", "rule", "boolean", json!({ "rule": {"stage": "stage", "op": "eq", "value": "lost"} })),
    ]
}

fn plant(mut world: World) -> World {
    for (no, definition) in (0..).zip(definitions()) {
        world.decide(&command(TAG_PUT, 100 + no, definition));
    }
    world
}

fn arrival_does_not_matter_to_tags(seed: u64, messages: &[Message]) -> Result<(), String> {
    agree(seed, messages, &WAYS, plant)?;
    agree(seed, messages, &PARTITIONED, plant)
}

type Values = BTreeMap<String, BTreeMap<PartyNo, String>>;

fn tags(world: &World) -> Vec<Tag> {
    world.read(|identity, tx| Ok(tag_all(identity.scope, tx)?))
}

/// Everybody's tags evaluated anew, at one instant, with nothing that is stored but what was said.
fn evaluated(world: &World, as_of: Instant) -> Values {
    let mut values = Values::new();
    let zone = Zone::named("Asia/Shanghai").unwrap();
    world.read(|identity, tx| {
        let catalogue = Catalogue::read(identity.scope, tx)?;
        for tag in catalogue.tags() {
            let question = Question::new(Asked::Tag(tag), &catalogue, zone.clone(), Moment::At(as_of));
            let mut evaluator = Evaluator::new(question.program());
            for no in party_numbers(identity.scope, tx)? {
                let program = (question.program(), true);
                let found = load_with(identity, tx, program, &Weights::default(), (no, as_of))?;
                let Some(mut party) = found else { continue };
                let verdict = question.value(&mut evaluator, &mut party, &Standing::default());
                if let Some(value) = verdict.value {
                    values.entry(tag.key.clone()).or_default().insert(no, value);
                }
            }
        }
        Ok(())
    });
    values
}

/// The values that are stored, and whether the ledgers add up to them.
fn stored(world: &World) -> Result<Values, String> {
    let mut values = Values::new();
    for tag in tags(world) {
        let (rows, changes) = world.read(|identity, tx| {
            let rows = value_page(identity.scope, tx, tag.no, None, PartyNo(0), 10_000)?;
            Ok((rows, change_page(identity.scope, tx, tag.no, 0, 100_000)?))
        });
        let mut now: BTreeMap<PartyNo, String> = BTreeMap::new();
        for (change, seq) in changes.iter().zip(1..) {
            let before = match &change.value {
                Some(value) => now.insert(change.party, value.clone()),
                None => now.remove(&change.party),
            };
            if change.seq != seq || before != change.before || change.value == change.before {
                return Err(format!("{}: change {seq} of the ledger makes no sense: {change:?}", tag.key));
            }
        }
        let rows: BTreeMap<PartyNo, String> = rows.into_iter().map(|row| (row.party, row.value)).collect();
        if now != rows || tag.values != rows.len() as u64 || tag.last_seq != changes.len() as u64 {
            return Err(format!("{}: the ledger gives {now:?}, values are {rows:?}", tag.key));
        }
        if !rows.is_empty() {
            values.insert(tag.key, rows);
        }
    }
    Ok(values)
}

/// The identifiers of the world, in the order of their keys.
fn keys(world: &World) -> Vec<Key> {
    let mut keys: Vec<Key> = world.read(|identity, tx| {
        let nodes = node_page(identity.scope, tx, NodeNo(0), 10_000)?;
        Ok(nodes.into_iter().filter(|node| node.era == 0).map(|node| node.key).collect())
    });
    keys.sort_unstable();
    keys
}

/// A command some time after the last message.
fn later(name: &str, id: u64, at: Instant, body: Value) -> Command {
    Command { at_us: at.0 + id as i64, ..command(name, id, body) }
}

fn assign(dice: &mut Dice, id: u64, at: Instant, keys: &[Key]) -> Command {
    let mut rows = Vec::new();
    for _ in 0..1 + dice.roll(4) {
        let node = base32(&keys[dice.roll(keys.len())].0);
        let expires_us = dice.chance(50).then(|| at.0 + (1 + dice.roll(90)) as i64 * DAY);
        let value = ["x", "y"][dice.roll(2)];
        let value = if dice.chance(20) { Value::Null } else { json!(value) };
        rows.push(json!({ "node": node, "value": value, "expires_us": expires_us }));
    }
    let key = if dice.chance(70) { "manual" } else { "level" };
    later(TAG_ASSIGN, id, at, json!({ "key": key, "source": "manual", "rows": rows }))
}

fn replace(dice: &mut Dice, (id, run): (u64, u64), at: Instant, keys: &[Key], is_last: bool) -> Command {
    let mut rows = Vec::new();
    for key in keys {
        if dice.chance(60) {
            let value = run * 100 + dice.roll(3) as u64;
            rows.push(json!({ "node": base32(&key.0), "value": value }));
        }
    }
    later(TAG_REPLACE, id, at, json!({ "key": "asked", "run": run, "rows": rows, "is_last": is_last }))
}

fn values_are_what_the_definitions_say(seed: u64, messages: &[Message]) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut world = arrive_as_sent(seed, messages, plant);
    let keys = keys(&world);
    if keys.is_empty() {
        return Ok(());
    }
    let (mut now, mut id) = (LATER, 1_000);
    for step in 0..7 {
        world.wait_until(now);
        let (expected, found) = (evaluated(&world, now), stored(&world)?);
        if expected != found {
            return Err(format!("step {step}, as of {now}: defined as {expected:?}, stored {found:?}"));
        }
        id += 10;
        match step {
            0 | 2 | 4 => world.decide(&assign(&mut dice, id, now, &keys)),
            1 => {
                world.decide(&replace(&mut dice, (id, 1), now, &keys, false));
                world.restart();
                world.decide(&replace(&mut dice, (id + 1, 1), now, &keys, true));
            }
            3 => {
                // Defined otherwise, and one put away, while values are there.
                let other = definitions()[0]["rule"].clone();
                let body = tag("chosen", "rule", "boolean", json!({ "rule": other }));
                world.decide(&later(TAG_PUT, id, now, body));
                world.decide(&later(TAG_RETIRE, id + 1, now, json!({ "key": "lost" })));
                world.decide(&replace(&mut dice, (id + 2, 2), now, &keys, true));
            }
            _ => {}
        }
        now = now.plus(1 + dice.roll(40) as i64 * DAY + dice.roll(1_000_000) as i64);
        if dice.chance(30) {
            world.restart();
        }
    }
    Ok(())
}

fn taking_back_restores_tags(seed: u64, messages: &[Message]) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut world = arrive_as_sent(seed, messages, plant);
    let keys = keys(&world);
    let [a, .., b] = identifiers(seed, &world)[..] else { return Ok(()) };
    for id in 0..3 {
        world.decide(&assign(&mut dice, 2_000 + id, LATER, &keys));
    }
    world.decide(&replace(&mut dice, (2_010, 1), LATER, &keys, true));
    let now = LATER.plus(DAY);
    world.wait_until(now);
    let before = (stored(&world)?, world.picture());
    let body = json!({ "a": base32(&a.0), "b": base32(&b.0), "reason": "" });
    let merge = later(MERGE, 3_000, now, body);
    world.decide(&merge);
    world.wait_until(now);
    if evaluated(&world, now) != stored(&world)? {
        return Err("merged, values are not what the definitions say".to_owned());
    }
    let decision = base32(&decision_id(&SECRET, &merge).0);
    world.decide(&later(RETRACT, 3_001, now, json!({ "decision": decision, "reason": "" })));
    world.wait_until(now);
    let after = (stored(&world)?, world.picture());
    if before.0 != after.0 {
        return Err(format!("before {:?}, after {:?}", before.0, after.0));
    }
    before.1.difference(&after.1).map_or(Ok(()), Err)
}

#[test]
fn live_tags_are_the_same_in_any_order_of_arrival() {
    check("tags", SIZE, arrival_does_not_matter_to_tags);
}

#[test]
fn at_every_instant_parties_have_the_tags_their_definitions_say() {
    check("tag values", SIZE, values_are_what_the_definitions_say);
}

#[test]
fn a_merge_taken_back_gives_everybody_their_tags_again() {
    check("tags taken back", SIZE, taking_back_restores_tags);
}

/// An order of `u-1`.
fn viewed(n: u64, at: Instant) -> Vec<u8> {
    let message = json!({ "type": "track", "messageId": format!("m-{n}"), "timestamp": at.to_string(),
                          "userId": "u-1", "event": "Viewed", "properties": { "amount": 10 } });
    let message = Message::of(intake::rules::frame::Protocol::Segment, 1, &message);
    frame(std::slice::from_ref(&message), NOW, n)
}

/// What `u-1` has of a tag.
fn value(world: &World, key: &str) -> Option<String> {
    let tag = tags(world).into_iter().find(|tag| tag.key == key)?;
    let rows = world.read(|identity, tx| Ok(value_page(identity.scope, tx, tag.no, None, PartyNo(0), 10)?));
    rows.into_iter().next().map(|row| row.value)
}

#[test]
fn a_manual_tag_of_thirty_days_is_gone_on_day_31_and_its_history_stays() {
    let mut world = plant(World::new());
    world.feed(&[viewed(1, NOW)]);
    let key = world.read(|identity, tx| Ok(party(identity, tx, PartyNo(1))?.id.0));
    let expires = NOW.plus(30 * DAY).0;
    let rows = json!([{ "node": base32(&key.0), "value": "x", "expires_us": expires }]);
    world.decide(&later(TAG_ASSIGN, 1, NOW, json!({ "key": "manual", "source": "crm", "rows": rows })));
    world.wait_until(NOW.plus(30 * DAY - 1));
    assert_eq!((value(&world, "manual"), value(&world, "both")), (Some("\"x\"".into()), Some("true".into())));
    world.wait_until(NOW.plus(30 * DAY));
    assert_eq!((value(&world, "manual"), value(&world, "both")), (None, None));
    let tag = tags(&world).into_iter().find(|tag| tag.key == "manual").unwrap();
    let changes = world.read(|identity, tx| Ok(change_page(identity.scope, tx, tag.no, 0, 10)?));
    let told: Vec<_> = changes.iter().map(|change| (change.value.as_deref(), &*change.cause)).collect();
    assert_eq!(told, [(Some("\"x\""), "assignment"), (None, "expiry")]);
}

#[test]
fn constants_that_are_put_twice_have_two_versions() {
    let mut world = plant(World::new());
    for id in [1, 2] {
        let body = json!({ "name": "rfm", "body": { "n": id } });
        world.decide(&command(CONSTANTS_PUT, id, body));
    }
    let catalogue = world.read(|identity, tx| Ok(Catalogue::read(identity.scope, tx)?));
    let constants = &catalogue.constants["rfm"];
    assert_eq!((constants.version, &*constants.body), (2, r#"{"n":2}"#));
}
