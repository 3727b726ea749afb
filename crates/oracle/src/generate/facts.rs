//! A random party.

use kernel::{Instant, Key};
use serde_json::{Map, Value as Json, json};

use super::{Dice, EVENTS, NUMBERS, TEXTS, Times};
use crate::world::{Event, World};
use criteria::rule::Consent;
use criteria::value::instant_text;

pub(super) fn world(dice: &mut Dice, times: &Times) -> World {
    let mut world = World::default();
    let count = dice.roll(18);
    for number in 0..count {
        let mut time = times.draw(dice);
        if dice.chance(25)
            && let Some(other) = world.events.last()
        {
            time = other.time;
        }
        let mut key = [0; 16];
        (key[0], key[1]) = (dice.roll(256) as u8, number as u8);
        let context = if dice.chance(70) { json!({ "c": text(dice) }) } else { Json::Null };
        let name = dice.pick(&EVENTS).to_owned();
        world.events.push(Event { time, key: Key(key), name, properties: properties(dice, times), context });
    }
    for (name, percent) in [("n", 70), ("s", 70), ("b", 60), ("at", 70), ("tags", 60), ("home", 60)] {
        if dice.chance(percent) {
            world.traits.insert(name.to_owned(), value(dice, times, name));
        }
    }
    for map in [&mut world.tags, &mut world.scores] {
        if dice.chance(60) {
            map.insert("t".to_owned(), number(dice));
        }
    }
    if dice.chance(60) {
        world.stages.insert("life".to_owned(), text(dice));
    }
    if dice.chance(50) {
        world.audiences.push("aud".to_owned());
    }
    if dice.chance(60) {
        let state = Consent::ALL[dice.roll(4)].1;
        world.consents.insert(("sms".to_owned(), "promo".to_owned()), state);
    }
    let records = (0..dice.roll(4)).map(|_| properties(dice, times)).collect();
    world.related.insert(("visit".to_owned(), "store".to_owned()), records);
    world
}

/// What an event or a record says.
fn properties(dice: &mut Dice, times: &Times) -> Json {
    let mut map = Map::new();
    for name in ["n", "s", "b", "at", "k", "tags", "home", "mixed"] {
        if dice.chance(75) {
            map.insert(name.to_owned(), value(dice, times, name));
        }
    }
    if dice.chance(75) {
        let items: Vec<Json> = (0..dice.roll(4))
            .map(|_| {
                let mut item = Map::new();
                for name in ["n", "s"] {
                    if dice.chance(80) {
                        item.insert(name.to_owned(), value(dice, times, name));
                    }
                }
                Json::Object(item)
            })
            .collect();
        map.insert("items".to_owned(), items.into());
    }
    Json::Object(map)
}

/// A value that fits its property, unless it is wrongly typed or null.
fn value(dice: &mut Dice, times: &Times, name: &str) -> Json {
    match dice.roll(30) {
        0 => return Json::Null,
        1 => return json!({"x": 1}),
        2 if name != "at" => return text(dice).into(),
        3 => return number(dice),
        _ => {}
    }
    match name {
        "n" => number(dice),
        "s" => text(dice).into(),
        "b" => dice.chance(50).into(),
        "at" => instant_text(Instant(times.draw(dice))).into(),
        "k" => json!(["k1", "k2", "k2"][dice.roll(3)]),
        "tags" => (0..dice.roll(3)).map(|_| Json::from(text(dice))).collect(),
        "home" => json!({"lat": 31.0 + dice.roll(3) as f64 / 100.0, "lon": 121.5}),
        _ => [json!(true), json!("1"), json!(1), json!(1.0), json!("x"), json!(2)][dice.roll(6)].clone(),
    }
}

fn number(dice: &mut Dice) -> Json {
    serde_json::from_str(dice.pick(&NUMBERS)).expect("a number of the pool")
}

fn text(dice: &mut Dice) -> String {
    dice.pick(&TEXTS).to_owned()
}
