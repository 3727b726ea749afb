//! Bad events are put aside, each with a reason; the good ones beside them do not notice, and what was put
//! aside enters when the cause is mended.

use db::Tx;
use intake::batch::{Batch, Stage};
use intake::rules::frame::Protocol;
use intake::rules::record::Record;
use intake::stages::PLAN_SET;
use intake::store::quarantine::{Quarantined, quarantine_mark, quarantine_page};
use kernel::{Failure, Instant, Key};
use pipeline::Counts;
use serde_json::{Value, json};

use super::check;
use super::dice::Dice;
use super::history::{Message, NOW, frame};
use super::world::World;

const SIZE: usize = 40;

/// A stage with a defect: some events make it fail, some make it panic.
struct Defective;

impl Stage for Defective {
    fn name(&self) -> &'static str {
        "defective"
    }

    fn run(&mut self, _: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let is_live =
            |name: &str| batch.events.iter().filter_map(|e| e.live()).any(|r: &Record<'_>| r.event == name);
        assert!(!is_live("Panics"), "a stage that panics");
        if is_live("Fails") { Err(Failure::internal("a stage that fails")) } else { Ok(()) }
    }
}

fn defective() -> Vec<Box<dyn Stage>> {
    vec![Box::new(Defective)]
}

fn raw(protocol: Protocol, raw: impl Into<Vec<u8>>) -> Message {
    Message { protocol, source: 1, raw: raw.into() }
}

fn track(n: usize, event: &str) -> Value {
    json!({ "type": "track", "event": event, "messageId": format!("bad-{n}"), "userId": "u-0",
            "timestamp": "2026-05-30T00:00:00.000Z", "properties": { "n": n } })
}

fn with(n: usize, field: &str, value: Value) -> Value {
    let mut message = track(n, "Viewed");
    message[field] = value;
    message
}

/// A bad event, and the class it is put aside under.
fn bad(dice: &mut Dice, n: usize) -> (Message, &'static str) {
    use Protocol::{Own, Segment, Sensors};
    let segment = |value: Value, class| (Message::of(Segment, 1, &value), class);
    let sensors = |value: Value, class| (Message::of(Sensors, 2, &value), class);
    let record = |kind: &str, rest: Value| json!({ "type": kind, "distinct_id": "u-0", "time": NOW.millis() - 1_000, "_track_id": n, "properties": rest });
    match dice.roll(18) {
        0 => (raw(Segment, format!("{{\"n\":{n}, not json")), "parse"),
        1 => (raw(Own, format!("[{n}]")), "parse"),
        2 => (raw(Segment, [format!("{{\"n\":{n},\"x\":\"").as_bytes(), b"\xff\xfe\"}"].concat()), "parse"),
        3 => (raw(Segment, format!(r#"{{"type":"track","event":"x","n":{n},"userId":"\ud83d"}}"#)), "parse"),
        4 => segment(with(n, "properties", json!({ "long": "x".repeat(40_000) })), "size"),
        5 => {
            let deep = format!("{{\"n\":{n},\"x\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
            (raw(Segment, deep), "size")
        }
        6 => segment(with(n, "event", Value::Null), "schema"),
        7 => segment(with(n, "userId", json!({ "id": n })), "schema"),
        8 => segment(with(n, "type", "tracks".into()), "schema"),
        9 => segment(with(n, "properties", "none".into()), "schema"),
        10 => segment(with(n, "timestamp", "yesterday".into()), "time"),
        11 => segment(with(n, "timestamp", "2026-06-08T00:00:00.000Z".into()), "time"),
        12 => segment(with(n, "timestamp", "2012-06-08T00:00:00.000Z".into()), "time"),
        13 => segment(with(n, "userId", "null".into()), "identity"),
        14 => {
            let mut message = with(n, "type", "identify".into());
            message["traits"] = json!({ "email": format!("nobody-{n}") });
            segment(message, "identity")
        }
        15 => sensors(record("profile_increment", json!({ "score": "many" })), "schema"),
        16 => sensors(record("profile_explode", json!({})), "schema"),
        _ => segment(track(n, dice.pick(&["Panics", "Fails"])), "poison"),
    }
}

/// Feeds everything in a few large requests.
fn feed(world: &mut World, messages: &[Message]) {
    let requests = messages.chunk_by(|a, b| (a.protocol, a.source) == (b.protocol, b.source));
    let frames: Vec<Vec<u8>> =
        (1..).zip(requests).map(|(receipt, request)| frame(request, NOW, receipt)).collect();
    for transaction in frames.chunks(7) {
        world.feed(transaction);
    }
}

fn open(world: &World) -> Vec<Quarantined> {
    world.read(|identity, tx| {
        Ok(quarantine_page(identity.scope, tx, "open", (Instant(i64::MIN), Key([0; 16])), 10_000)?)
    })
}

/// Sends what is in quarantine through the pipeline again, as the API does.
fn replay(world: &mut World) {
    for item in open(world) {
        let scope = world.scope.clone();
        world.pool.write(|tx| quarantine_mark(&scope, tx, &item.id, "replayed")).unwrap();
        world.feed(&[item.frame]);
    }
}

fn poison_stops_nobody(seed: u64, messages: &[Message]) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut mixed = messages.to_vec();
    let mut expected = Vec::new();
    for n in 0..1 + dice.roll(20) {
        let (message, class) = bad(&mut dice, n);
        mixed.insert(dice.roll(mixed.len() + 1), message.clone());
        expected.push((message, class));
    }
    let mut clean = World::new();
    feed(&mut clean, messages);
    let before: Vec<Key> = open(&clean).into_iter().map(|item| item.id).collect();
    let mut world = World::new().with_stages(defective);
    feed(&mut world, &mixed);

    let (picture, parties) = (world.picture(), clean.picture());
    if picture.parties != parties.parties {
        return Err(parties.difference(&picture).unwrap_or_default());
    }
    let counts = Counts { quarantined: clean.counts.quarantined + expected.len() as u64, ..clean.counts };
    if world.counts != counts {
        return Err(format!("{:?}, should be {counts:?}", world.counts));
    }
    let mut found: Vec<String> =
        open(&world).into_iter().filter(|i| !before.contains(&i.id)).map(|i| i.class).collect();
    let mut classes: Vec<&str> = expected.iter().map(|(_, class)| *class).collect();
    found.sort();
    classes.sort_unstable();
    if found != classes {
        return Err(format!("put aside as {found:?}, should be {classes:?}"));
    }
    mended(messages, &mixed, world)
}

/// With the defect gone, what was put aside for it is as if it had never been there.
fn mended(messages: &[Message], mixed: &[Message], mut world: World) -> Result<(), String> {
    world = world.with_stages(Vec::new);
    replay(&mut world);
    let mut reference = World::new();
    feed(&mut reference, mixed);
    if open(&world).iter().any(|item| item.class == "poison") {
        return Err(format!("still poison among {} good events", messages.len()));
    }
    reference.picture().difference(&world.picture()).map_or(Ok(()), |d| Err(format!("after the replay:{d}")))
}

#[test]
fn bad_events_wait_in_quarantine_and_good_ones_pass() {
    check("poison", SIZE, poison_stops_nobody);
}

#[test]
fn a_property_of_another_type_waits_until_the_plan_allows_it() {
    let event = |n: usize, amount: Value| {
        let mut message = track(n, "Bought");
        message["properties"]["amount"] = amount;
        Message::of(Protocol::Segment, 1, &message)
    };
    let messages: Vec<Message> =
        (0..20).map(|n| event(n, if n % 3 == 2 { "a lot".into() } else { n.into() })).collect();
    let mut world = World::new();
    feed(&mut world, &messages);
    assert_eq!((world.counts.processed, world.counts.quarantined), (14, 6));
    assert!(open(&world).iter().all(|item| (item.class.as_str(), item.field.as_str()) == ("plan", "amount")));

    let allow = json!({ "event": "Bought", "property": "amount", "kind": "any" });
    let allow = super::decisions::command(PLAN_SET, 1, allow);
    world.decide(&allow);
    replay(&mut world);
    assert_eq!(world.counts.processed, 20);
    let mut reference = World::new();
    reference.decide(&allow);
    feed(&mut reference, &messages);
    assert_eq!(reference.picture().difference(&world.picture()), None);
}

#[test]
fn one_poisoned_event_of_a_thousand_costs_the_others_nothing() {
    let mut messages: Vec<Message> =
        (0..1_000).map(|n| Message::of(Protocol::Segment, 1, &track(n, "Viewed"))).collect();
    messages[617] = Message::of(Protocol::Segment, 1, &track(617, "Panics"));
    let mut world = World::new().with_stages(defective);
    world.feed(&[frame(&messages, NOW, 1)]);
    assert_eq!((world.counts.processed, world.counts.quarantined), (999, 1));
    assert!(open(&world)[0].reason.contains("a stage that panics"));
}
