//! P13 and P14: who pays how, and which channel customers of a bank prefer.

use std::collections::BTreeMap;

use headwater_tests::{encoded, pages};
use serde_json::{Value, json};

use super::{World, rows_with, world};

/// The last 90 days of the world.
const FROM: &str = "2026-04-01T15:59:59Z";

/// Method, mean age, median amount, and orders of a customer in a month.
const HABITS: [(&str, f64, f64, f64); 2] = [("alipay", 28.0, 680.0, 0.6), ("wechat", 23.0, 38.0, 6.5)];

/// A customer's age, and the amounts of their orders paid in one way.
fn payer(world: &World, row: &Value, method: &str) -> (f64, Vec<f64>) {
    let party = world.party_of(&row["profile"]);
    let age = 2_026.0 - party["traits"]["birth_year"].as_f64().unwrap();
    let path = format!("/api/v1/parties/{}/timeline?from={}", party["id"].as_str().unwrap(), encoded(FROM));
    let items = pages(&world.server, &world.w2().token, &path);
    let is_paid =
        |item: &&Value| item["event"] == "Order Completed" && item["properties"]["payment_method"] == method;
    (age, items.iter().filter(is_paid).map(|item| item["properties"]["total"].as_f64().unwrap()).collect())
}

#[test]
fn each_way_of_paying_has_its_customers_their_age_their_median_amount_and_their_frequency() {
    let world = world();
    let _reading = world.read();
    for (method, age, median, frequency) in HABITS {
        let rows = rows_with(&world, "P13", &[("method", method)]);
        let paid = json!({ "event": "Order Completed", "window": { "last": "90d" }, "op": "gte", "value": 1,
                           "where": [{ "property": "payment_method", "op": "eq", "value": method }] });
        let count = world.holds_for(world.w2(), &paid, rows.iter().copied());
        let payers: Vec<(f64, Vec<f64>)> = rows.iter().map(|row| payer(&world, row, method)).collect();
        let mean_age = payers.iter().map(|(age, _)| age).sum::<f64>() / count as f64;
        let mut amounts: Vec<f64> = payers.into_iter().flat_map(|(_, amounts)| amounts).collect();
        amounts.sort_by(f64::total_cmp);
        let middle = f64::midpoint(amounts[(amounts.len() - 1) / 2], amounts[amounts.len() / 2]);
        let monthly = amounts.len() as f64 / count as f64 / 3.0;
        println!(
            "P13: {method}, {count} customers, age {mean_age:.1}, median {middle}, {monthly:.2} a month"
        );
        assert!((mean_age - age).abs() <= 0.5 && (middle - median).abs() < 1e-9, "{mean_age} {middle}");
        assert!((monthly - frequency).abs() < 0.02, "{monthly}");
    }
}

#[test]
fn the_channels_of_the_bank_are_preferred_by_the_ages_as_planted() {
    let world = world();
    let _reading = world.read();
    let bank = &world.workspaces["xiujin"];
    let ages = [("branch", 1_900, 1_966), ("phone", 1_967, 1_991), ("app", 1_992, 2_026)];
    let mut shares = BTreeMap::new();
    for (channel, from, until) in ages {
        let born = json!({ "trait": "birth_year", "op": "between", "value": [from, until] });
        // Of twelve transactions, ten: the label needs a share of 0.6.
        let prefers = json!({ "event": "Transaction Completed", "op": "gte", "value": 8,
                              "where": [{ "property": "channel", "op": "eq", "value": channel }] });
        let of_age = |row: &&Value| (from..=until).contains(&row["birth_year"].as_i64().unwrap());
        let rows = &world.truth["P14"];
        let all = world.holds_for(bank, &born, rows.iter().filter(of_age));
        let typical = rows.iter().filter(of_age).filter(|row| row["prefers"] == channel);
        let typical = world.holds_for(bank, &json!({ "all": [born, prefers] }), typical);
        world.holds_for(bank, &prefers, rows.iter().filter(|row| row["prefers"] == channel));
        println!("P14: born {from} to {until}: {typical} of {all} prefer {channel}");
        shares.insert(channel, typical as f64 / all as f64);
    }
    // The share is planted at 0.9, and rounded to whole customers.
    assert!(shares.values().all(|share| (share - 0.9).abs() <= 0.035), "{shares:?}");
}
