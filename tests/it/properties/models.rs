//! Models over stored parties: what is computed over everybody, and what is said of each, depends on what was
//! sent and not on when it came.

use criteria::{Evaluator, Party, Program as Rules, Zone};
use insight::live::load;
use insight::models::batch;
use insight::profile::Weights;
use intake::rules::frame::Protocol;
use kernel::Instant;
use kernel::time::DAY;
use models::read::Direct;
use models::{Config, Ready};
use scoring::{Constants, Model};
use serde_json::json;

use super::dice::Dice;
use super::history::{Message, NOW, frame};
use super::world::{World, party_numbers};

const PEOPLE: usize = 30;

fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

/// Orders, views and traits of a few people, each by a rhythm of its own.
fn messages() -> Vec<Message> {
    let mut dice = Dice::new(3);
    let mut messages = Vec::new();
    for person in 0..PEOPLE {
        let user = format!("u{person}");
        let every = 5 + dice.roll(60) as i64;
        for order in 0..2 + dice.roll(6) as i64 {
            let at = NOW.plus(-(order * every + 1) * DAY).to_string();
            let id = format!("o{person}-{order}");
            let category = ["tea", "wine"][dice.roll(2)];
            let properties = json!({"order_id": id, "total": 10 + dice.roll(90), "channel": "app",
                "products": [{"sku": "s", "category": category, "quantity": 1, "price": 10}]});
            messages.push(json!({"type": "track", "event": "Order Completed", "userId": user,
                "messageId": id, "timestamp": at, "properties": properties}));
            messages.push(json!({"type": "track", "event": "Product Viewed", "userId": user,
                "messageId": format!("v{person}-{order}"), "timestamp": at, "properties": {"category": "toys"}}));
        }
        messages.push(json!({"type": "identify", "userId": user, "messageId": format!("i{person}"),
            "timestamp": NOW.plus(-DAY).to_string(), "traits": {"email": format!("{user}@example.org"), "city": "临澄"}}));
    }
    messages.iter().map(|raw| Message::of(Protocol::Segment, 1, raw)).collect()
}

fn world(messages: &[Message]) -> World {
    let mut world = World::new();
    for (receipt, batch) in (1..).zip(messages.chunks(17)) {
        world.feed(&[frame(batch, NOW, receipt)]);
    }
    world
}

fn constants(world: &World, as_of: Instant) -> Constants {
    let (weights, config) = (Weights::default(), Config::default());
    let batch = batch::Batch { weights: &weights, config: &config, zone: zone(), as_of, before: None };
    world.read(|identity, tx| batch::constants(identity, tx, &batch, &mut || Ok(())))
}

/// What every model says of everybody, in the order of public ids.
fn said(world: &World, constants: &Constants, as_of: Instant) -> Vec<String> {
    let mut all = Vec::new();
    for model in Model::ALL {
        let ready = Ready::of(model.key(), &json!({})).unwrap().unwrap();
        let rules = ready.plan.rules.iter().cloned().enumerate().map(|(place, rule)| (place as u64, rule));
        let program = Rules::compile(rules, zone());
        let mut evaluator = Evaluator::new(&program);
        world.read(|identity, tx| {
            for no in party_numbers(identity.scope, tx)? {
                let Some(party) = load(identity, tx, &program, &Weights::default(), (no, as_of))? else {
                    continue;
                };
                let subject = Party { timeline: &party.timeline, subject: &party.facts };
                let mut evaluation = evaluator.at(subject, as_of);
                let mut read = Direct { evaluation: &mut evaluation, first: 0, seen: Some(party.first_seen) };
                let said = ready.say(&mut read, Some(constants), (party.key, as_of), &zone());
                all.push(format!("{:?} {} {:?} {}", party.key, model.key(), said.value, said.reasons));
            }
            Ok(())
        });
    }
    all.sort();
    all
}

#[test]
fn what_models_say_of_everybody_does_not_depend_on_the_order_of_arrival() {
    let messages = messages();
    let mut others = messages.clone();
    others.reverse();
    others.rotate_left(41);
    let (first, second) = (world(&messages), world(&others));
    let (of_first, of_second) = (constants(&first, NOW), constants(&second, NOW));
    assert_eq!(of_first.parties, PEOPLE as u64);
    assert_eq!(of_first.channels, ["app"]);
    assert_eq!(of_first.categories, 3);
    assert!(of_first == of_second);
    let said_of_first = said(&first, &of_first, NOW);
    assert_eq!(said_of_first.len(), PEOPLE * Model::ALL.len());
    assert_eq!(said_of_first, said(&second, &of_second, NOW));
}

#[test]
fn a_batch_as_of_an_earlier_day_knows_nothing_of_later_orders() {
    let world = world(&messages());
    let long_ago = NOW.plus(-900 * DAY);
    let constants = constants(&world, long_ago);
    assert_eq!(constants.rfm.buyers, 0);
    assert!(constants.clv.refusal.is_some());
}
