//! P09 and P37: what customers of a closed store do, and what stores do for the shop online.

use serde_json::{Value, json};

use super::{rows_with, world};

/// 180 days before the evening ST-017 closed, and 90 days after.
const BEFORE: (&str, &str) = ("2025-10-02T16:00:00Z", "2026-03-31T16:00:00Z");
const AFTER: (&str, &str) = ("2026-03-31T16:00:00Z", "2026-06-29T16:00:00Z");

/// A condition on orders of a period, in stores or online.
fn orders(place: Value, period: (&str, &str), measure: &str, op: &str, value: u32) -> Value {
    json!({ "event": "Order Completed", "where": [place], "window": { "from": period.0, "to": period.1 },
            "measure": measure, "op": op, "value": value })
}

fn in_store(id: &str) -> Value {
    json!({ "property": "store_id", "op": "eq", "value": id })
}

fn in_any_store() -> Value {
    json!({ "property": "channel", "op": "eq", "value": "store" })
}

fn online() -> Value {
    json!({ "property": "channel", "op": "ne", "value": "store" })
}

/// At least three order days in the store and three online before the closing.
fn is_dual(store: &str) -> Value {
    json!({ "all": [orders(in_store(store), BEFORE, "days", "gte", 3), orders(online(), BEFORE, "days", "gte", 3)] })
}

#[test]
fn customers_of_the_closed_store_go_where_planted_and_ten_points_more_are_lost_than_in_the_compared_one() {
    let world = world();
    let _reading = world.read();
    let stays = orders(in_any_store(), AFTER, "count", "gte", 1);
    let buys_online = orders(online(), AFTER, "count", "gte", 1);
    let outcomes = [
        ("store", stays.clone()),
        ("online", json!({ "all": [buys_online, { "none": [stays.clone()] }] })),
        ("nothing", json!({ "none": [stays, orders(online(), AFTER, "count", "gte", 1)] })),
    ];
    let mut lost = Vec::new();
    for store in ["ST-017", "ST-018"] {
        let all = world.holds_for(world.w2(), &is_dual(store), rows_with(&world, "P09", &[("store", store)]));
        let counts = outcomes.each_ref().map(|(outcome, rule)| {
            let rule = json!({ "all": [is_dual(store), rule] });
            world.holds_for(
                world.w2(),
                &rule,
                rows_with(&world, "P09", &[("store", store), ("outcome", outcome)]),
            )
        });
        println!(
            "P09: {store}, {all} bought there and online; afterwards in a store, online, nowhere: {counts:?}"
        );
        assert_eq!(counts.iter().sum::<usize>(), all);
        lost.push(counts[2] as f64 / all as f64);
    }
    let excess = 100.0 * (lost[0] - lost[1]);
    println!("P09: excess loss {excess:.2} points");
    // 90 of 600 against 30 of 600; a fiftieth of the world, rounded up, is 2 of 13 against 1 of 13.
    let expected = if super::profile() == demo::Profile::Small { 10.0 } else { 100.0 / 13.0 };
    assert!((excess - expected).abs() < 1e-9, "{excess}");
}

#[test]
fn exactly_the_planted_persons_looked_in_a_store_and_bought_only_online_within_a_week() {
    let world = world();
    let _reading = world.read();
    let bought = json!({ "event": "Order Completed", "where": [online()], "within": "7d" });
    let rule = json!({ "all": [
        { "sequence": [{ "event": "Shelf Dwelled" }, bought] },
        { "event": "Order Completed", "where": [in_any_store()], "op": "eq", "value": 0 },
    ] });
    let count = world.holds_for(world.w2(), &rule, &world.truth["P37"]);
    let (looked, _) = world.found(world.w2(), &json!({ "event": "Shelf Dwelled", "op": "gte", "value": 1 }));
    println!("P37: showroom effect {count} of {looked} who looked");
    assert!(count > 0 && looked > count);
}

#[test]
fn the_closure_of_a_store_is_one_question_and_each_of_its_numbers_names_the_planted_persons() {
    let world = world();
    let _reading = world.read();
    let ask = json!({ "closure": { "closed": "ST-017", "like": ["ST-018"], "at": BEFORE.1 } });
    let answer = world.ask(world.w2(), &ask);
    println!("P09: {answer}");
    for (part, store) in [("closed", "ST-017"), ("like", "ST-018")] {
        for (place, outcome) in [("store", "store"), ("online", "online"), ("none", "nothing")] {
            let rows = rows_with(&world, "P09", &[("store", store), ("outcome", outcome)]);
            let expected = world.parties(world.w2(), rows);
            assert_eq!(answer["closure"][part][place], expected.len(), "{part} {place}: {answer}");
            assert_eq!(world.people(world.w2(), &ask, &format!("/closure/{part}/{place}")), expected);
        }
    }
    let expected = if super::profile() == demo::Profile::Small { 0.1 } else { 1.0 / 13.0 };
    let excess = answer["closure"]["excess_loss"].as_f64().unwrap();
    assert!((excess - expected).abs() < 1e-9, "{answer}");
    assert_eq!(answer["closure"]["is_over"], true);
}

#[test]
fn each_step_of_the_data_funnel_is_a_part_of_the_one_before_and_counts_whom_its_rules_hold_for() {
    let world = world();
    let _reading = world.read();
    let rules = [
        json!({ "always": true }),
        json!({ "trait": "phone", "op": "exists" }),
        json!({ "event": "Order Completed", "op": "gte", "value": 1 }),
        json!({ "event": "Order Completed", "where": [in_any_store()], "op": "gte", "value": 1 }),
    ];
    let steps: Vec<Value> =
        rules.iter().enumerate().map(|(no, rule)| json!({ "name": no.to_string(), "of": rule })).collect();
    let answer = world.ask(world.w2(), &json!({ "data_funnel": { "steps": steps } }));
    let mut before = u64::MAX;
    for no in 0..rules.len() {
        let step = &answer["data_funnel"]["steps"][no];
        let (count, _) = world.found(world.w2(), &json!({ "all": rules[..=no] }));
        assert_eq!(step["people"], count, "{answer}");
        assert!(
            count as u64 <= before && step["lost"].as_u64().is_none_or(|lost| lost == before - count as u64)
        );
        before = count as u64;
    }
    assert!(before > 0, "{answer}");
}
