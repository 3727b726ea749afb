//! P24: what went wrong on the way in.

use std::collections::{BTreeMap, BTreeSet};

use headwater_tests::{encoded, pages};
use serde_json::Value;

use super::{World, world};

/// The message ids the truth expects this of.
fn expected(world: &World, is_it: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let rows = world.truth["P24"].iter().filter(|row| row["message_id"].is_string());
    let ids = rows.filter(|row| is_it(&row["expected"]));
    ids.map(|row| row["message_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn exactly_the_bad_phones_and_future_dates_are_in_quarantine_each_with_its_reason() {
    let world = world();
    let _reading = world.read();
    let token = &world.w2().token;
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for item in pages(&world.server, token, "/api/v1/quarantine?state=open") {
        let text = |field: &str| item[field].as_str().unwrap().to_owned();
        assert!(!text("reason").is_empty());
        let one = world.get(&format!("/api/v1/quarantine/{}", text("id")));
        let id = one["body"]["messageId"].as_str().unwrap().to_owned();
        found.entry((text("class"), text("field"))).or_default().insert(id);
    }
    let phones = expected(&world, |e| e["quarantined"] == "phone");
    let times = expected(&world, |e| e["quarantined"] == "time");
    println!("P24: {} bad phones, {} future dates", phones.len(), times.len());
    let is_phone = |(class, field): &&(String, String)| class == "identity" && field == "mobile";
    let is_time = |(class, _): &&(String, String)| class == "time";
    let of = |is_it: &dyn Fn(&&(String, String)) -> bool| -> BTreeSet<String> {
        found.iter().filter(|(key, _)| is_it(key)).flat_map(|(_, ids)| ids.clone()).collect()
    };
    assert_eq!(of(&is_phone), phones);
    assert_eq!(of(&is_time), times);
    assert_eq!(found.len(), 2, "other reasons: {:?}", found.keys());
}

#[test]
fn exactly_the_doubled_messages_are_deduplicated_and_each_counts_once() {
    let world = world();
    let _reading = world.read();
    let doubled = expected(&world, |e| e == "duplicate");
    let status = world.get("/api/v1/pipeline");
    println!("P24: {} doubled, pipeline {status}", doubled.len());
    assert_eq!(status["deduplicated"], doubled.len());
    let places = world.places();
    assert!(places.values().all(|place| place.count == 1));
    assert!(doubled.iter().all(|id| places.contains_key(id)));
    assert_eq!(status["processed"], places.len());
}

#[test]
fn late_events_are_on_the_local_day_they_happened() {
    let world = world();
    let _reading = world.read();
    let places = world.places();
    let late: Vec<(&str, &str)> = world.truth["P24"]
        .iter()
        .filter_map(|row| Some((row["message_id"].as_str()?, row["expected"]["late"]["day"].as_str()?)))
        .collect();
    println!("P24: {} late", late.len());
    assert!(!late.is_empty());
    for (id, day) in &late {
        let time = kernel::Instant::parse(&places[*id].time).unwrap();
        let local = time.plus(8 * kernel::time::HOUR).to_string();
        assert_eq!(&local[..10], *day, "{id}");
    }
    // The day's timeline has it too, when asked for by the borders of the local day.
    for (id, day) in late.iter().take(100) {
        let from = kernel::Instant::parse(&format!("{day}T00:00:00.000+08:00")).unwrap();
        let to = from.plus(kernel::time::DAY);
        let range = format!("from={}&to={}", encoded(&from.to_string()), encoded(&to.to_string()));
        let path = format!("/api/v1/parties/{}/timeline?{range}", places[*id].party);
        let items = pages(&world.server, &world.w2().token, &path);
        assert!(items.iter().any(|item| item["id"] == **id), "{id} on {day}");
    }
}

#[test]
fn a_renamed_field_is_in_the_tracking_plan_as_a_new_property() {
    let world = world();
    let _reading = world.read();
    let plan = pages(&world.server, &world.w2().token, "/api/v1/plan");
    let property = |name: &str| plan.iter().find(|p| p["event"] == "$profile" && p["property"] == name);
    let renamed = property("phone_no").expect("`phone_no` is in the plan");
    assert_eq!((&renamed["kind"], &renamed["status"]), (&"text".into(), &"observed".into()));
    assert!(property("phone").is_some());
    let row = world.truth["P24"].iter().find(|row| row["message_ids"].is_array()).unwrap();
    let ids: Vec<&str> =
        row["message_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    println!("P24: {} renamed", ids.len());
    assert!(!ids.is_empty() && ids.iter().all(|id| world.places().contains_key(*id)));
}
