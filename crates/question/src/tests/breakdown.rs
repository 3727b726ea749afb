//! Breakdowns against plain counts.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::DAY;
use serde_json::{Value as Json, json};

use super::naive::{Dice, Event, START, asked, asked_of, citizens, events, who};
use crate::answer::Breakdown;
use crate::{Ask, Finding, People, Plan, Question};

type Values = Vec<Option<String>>;
/// Events, sum, people.
type Sums = (u64, f64, BTreeSet<u32>);

fn broken_down(ask: Json, events: &[Event], as_of: i64, people: &People) -> Breakdown {
    match asked_of(&json!({ "breakdown": ask }), events, as_of, people) {
        Finding::Breakdown(found) => *found,
        other => panic!("{other:?}"),
    }
}

fn text(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[test]
fn events_are_divided_by_properties_and_traits_with_their_people_and_the_rest() {
    let (people, city) = citizens();
    for seed in 0..150 {
        let mut dice = Dice::new(50_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let (is_many, limit, least) = (dice.roll(2) == 0, 1 + dice.roll(5), dice.roll(3));
        let property = if is_many { "items[].k" } else { "sku" };
        let ask = json!({"event": ["order", "cart"], "by": [property, {"trait": "city"}], "sum": "total",
            "of": {"event": "view", "op": "gte", "value": least}, "window": {"last": "9d"}, "limit": limit});
        let found = broken_down(ask, &events, as_of, &people);
        let mut expected: BTreeMap<Values, Sums> = BTreeMap::new();
        let (mut all, mut money, mut everybody) = (0, 0.0, BTreeSet::new());
        for event in events.iter().filter(|e| e.name != "view" && e.time > as_of - 9 * DAY && e.time <= as_of)
        {
            let views =
                events.iter().filter(|e| e.party == event.party && e.name == "view" && e.time <= as_of);
            if views.count() < least {
                continue;
            }
            let total = event.properties["total"].as_f64().unwrap_or(0.0);
            let mut values = BTreeSet::new();
            match is_many {
                true => values.extend(
                    event.properties["items"].as_array().into_iter().flatten().map(|i| text(&i["k"])),
                ),
                false => drop(values.insert(text(&event.properties["sku"]))),
            }
            if values.is_empty() {
                values.insert(None);
            }
            (all, money) = (all + 1, money + total);
            everybody.insert(event.party);
            for value in values {
                let entry = expected.entry(vec![value, city(event.party)]).or_default();
                (entry.0, entry.1) = (entry.0 + 1, entry.1 + total);
                entry.2.insert(event.party);
            }
        }
        assert_eq!((found.events, who(&found.people)), (Some(all), everybody), "seed {seed}");
        assert_eq!(found.sum.as_ref().and_then(Json::as_f64), Some(money));
        let mut order: Vec<(Values, Sums)> = expected.into_iter().collect();
        order.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        let others = order.split_off(order.len().min(limit));
        assert_eq!(found.rows.len(), order.len());
        for (row, (values, (count, sum, parties))) in found.rows.iter().zip(order) {
            assert_eq!(
                (&row.values, row.events, who(&row.people)),
                (&values, Some(count), parties),
                "seed {seed}"
            );
            assert_eq!(row.sum.as_ref().and_then(Json::as_f64), Some(sum));
            assert!((row.share - count as f64 / all as f64).abs() < 1e-12);
        }
        assert_eq!(found.rest.is_some(), !others.is_empty());
        if let Some(rest) = found.rest {
            let parties: BTreeSet<u32> = others.iter().flat_map(|other| other.1.2.clone()).collect();
            let count: u64 = others.iter().map(|other| other.1.0).sum();
            assert_eq!(
                (rest.values as usize, rest.events, who(&rest.people)),
                (others.len(), Some(count), parties)
            );
        }
    }
}

#[test]
fn people_are_divided_by_a_trait_and_by_what_they_did() {
    let (people, city) = citizens();
    for seed in 0..100 {
        let mut dice = Dice::new(60_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let ask = json!({"of": {"event": "*", "op": "gte", "value": 1}, "by": [{"trait": "city"},
            {"measure": {"event": "view", "window": {"last": "9d"}}, "cuts": [1, 3]}]});
        let mut everybody: roaring::RoaringBitmap = (1..15).collect();
        everybody.insert(99);
        let people = People { everybody: Some(std::sync::Arc::new(everybody)), ..people.clone() };
        let found = broken_down(ask, &events, as_of, &people);
        let mut expected: BTreeMap<Values, BTreeSet<u32>> = BTreeMap::new();
        for party in 1..15 {
            let own = |e: &&Event| e.party == party && e.time <= as_of;
            if !events.iter().any(|e| own(&e)) {
                continue;
            }
            let views =
                events.iter().filter(own).filter(|e| e.name == "view" && e.time > as_of - 9 * DAY).count();
            let part = if views < 1 {
                "1"
            } else if views < 3 {
                "2"
            } else {
                "3"
            };
            expected.entry(vec![city(party), Some(part.to_owned())]).or_default().insert(party);
        }
        let rows: BTreeMap<Values, BTreeSet<u32>> =
            found.rows.iter().map(|row| (row.values.clone(), who(&row.people))).collect();
        assert_eq!(rows, expected, "seed {seed}");
        assert_eq!((found.events, &found.borders[1]), (None, &vec![json!(1), json!(3)]));
        assert!(found.rows.is_sorted_by_key(|row| std::cmp::Reverse(row.people.count())));
    }
}

/// Quantile of type 7.
fn quantile(ascending: &[f64], p: f64) -> f64 {
    let place = (ascending.len() - 1) as f64 * p;
    let (low, high) = (ascending[place.floor() as usize], ascending[place.ceil() as usize]);
    low + (high - low) * (place - place.floor())
}

#[test]
fn terciles_of_the_mean_order_crossed_with_the_number_of_orders_hold_every_buyer_once() {
    for seed in 0..100 {
        let mut dice = Dice::new(70_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let found = broken_down(
            json!({"of": {"event": "order", "op": "gte", "value": 1}, "by": [
                {"measure": {"event": "order", "measure": {"avg": "total"}}, "tiles": 3},
                {"measure": {"event": "order"}, "cuts": [2, 3]}]}),
            &events,
            as_of,
            &People::default(),
        );
        let mut buyers: BTreeMap<u32, Vec<Option<f64>>> = BTreeMap::new();
        for event in events.iter().filter(|e| e.name == "order" && e.time <= as_of) {
            buyers.entry(event.party).or_default().push(event.properties["total"].as_f64());
        }
        let mean = |totals: &[Option<f64>]| {
            let known: Vec<f64> = totals.iter().copied().flatten().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        let mut means: Vec<f64> = buyers.values().filter_map(|totals| mean(totals)).collect();
        means.sort_by(f64::total_cmp);
        let mut expected: BTreeMap<Values, BTreeSet<u32>> = BTreeMap::new();
        for (party, totals) in &buyers {
            let tile = mean(totals).map(|mean| {
                let below = (1..3).filter(|k| mean > quantile(&means, f64::from(*k) / 3.0) + 1e-9).count();
                (below + 1).to_string()
            });
            let count = [2, 3].iter().filter(|cut| totals.len() >= **cut).count() + 1;
            expected.entry(vec![tile, Some(count.to_string())]).or_default().insert(*party);
        }
        let rows: BTreeMap<Values, BTreeSet<u32>> =
            found.rows.iter().map(|row| (row.values.clone(), who(&row.people))).collect();
        assert_eq!(rows, expected, "seed {seed}");
        assert_eq!(found.people.count() as usize, buyers.len());
        assert_eq!(found.rows.iter().map(|row| row.people.count()).sum::<u64>() as usize, buyers.len());
    }
}

#[test]
fn a_breakdown_that_makes_no_sense_is_refused() {
    let plan = |ask: Json| {
        let ask: Result<Ask, String> =
            serde_json::from_value(json!({ "breakdown": ask })).map_err(|error| error.to_string());
        ask.and_then(|ask| {
            let question = Question::new(kernel::Instant(START), "UTC", ask);
            Plan::new(question).map(|_| ()).map_err(|failure| failure.to_string())
        })
    };
    assert_eq!(plan(json!({"by": [{"trait": "city"}]})), Ok(()));
    for (ask, part) in [
        (json!({"by": []}), "one to three"),
        (json!({"by": ["sku"]}), "say which in `event`"),
        (json!({"event": "a", "by": [{"trait": "x", "tiles": 3}]}), "events are not"),
        (json!({"event": "a", "by": ["x[].y", "x[].z"]}), "one property with `[]`"),
        (json!({"by": [{"trait": "x", "tiles": 1}]}), "2 to 20"),
        (json!({"by": [{"trait": "x", "cuts": [3, 1]}]}), "ascending"),
        (json!({"by": [{"trait": "x", "property": "y"}]}), "one of"),
        (json!({"by": [{"measure": {"event": "a", "op": "gte", "value": 1}}]}), "without `op`"),
        (json!({"by": [{"trait": "x"}], "limit": 1001}), "limit"),
    ] {
        let error = plan(ask.clone()).unwrap_err();
        assert!(error.contains(part), "{ask}: {error}");
    }
    let empty = asked(&json!({"breakdown": {"event": "a", "by": ["sku"]}}), &[], START);
    assert!(matches!(empty, Finding::Breakdown(found) if found.rows.is_empty() && found.events == Some(0)));
}
