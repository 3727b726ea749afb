//! Closures of stores and data funnels against plain answers.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Zone;
use kernel::Instant;
use kernel::time::DAY;
use serde_json::{Value as Json, json};

use super::naive::{Dice, Event, START, asked, asked_of, citizens, events, who};
use crate::answer::Fate;
use crate::{Finding, People};

fn order(party: u32, time: i64, store: Option<&str>) -> Event {
    let properties = store.map_or(json!({}), |store| json!({"store_id": store}));
    Event { party, time, name: "Order Completed", properties, channel: None }
}

fn instant(at: i64) -> Json {
    criteria::value::ValueRef::Instant(Instant(at)).to_json()
}

#[test]
fn what_became_of_customers_is_told_from_their_orders_before_and_after() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let (people, city) = citizens();
    for seed in 0..200 {
        let mut dice = Dice::new(110_000 + seed);
        let at = START + 10 * DAY;
        let mut events = Vec::new();
        for party in 1..15 {
            for _ in 0..dice.roll(30) {
                let time = START + dice.roll(40) as i64 * DAY / 2 + dice.roll(DAY as usize) as i64;
                events.push(order(party, time, [None, Some("A"), Some("B"), Some("C")][dice.roll(4)]));
            }
        }
        let as_of = at + (3 + dice.roll(8) as i64) * DAY;
        let ask = json!({"closed": "A", "like": ["B"], "at": instant(at), "before": "8d", "after": "6d",
            "store_days": 2, "online_days": 1, "by": {"trait": "city"}});
        let Finding::Closure(found) = asked_of(&json!({"closure": ask}), &events, as_of, &people) else {
            panic!()
        };
        let mut fates: BTreeMap<(bool, &str), BTreeSet<u32>> = BTreeMap::new();
        let mut stores: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        let mut lost: BTreeMap<Option<String>, (usize, usize)> = BTreeMap::new();
        for party in 1..15 {
            let own: Vec<(i64, Option<&str>)> = events
                .iter()
                .filter(|e| e.party == party)
                .map(|e| (e.time, e.properties["store_id"].as_str()))
                .collect();
            let days = |store: Option<&str>| {
                let of = own.iter().filter(|o| o.1 == store && o.0 > at - 8 * DAY && o.0 <= at);
                of.map(|o| zone.day(Instant(o.0))).collect::<BTreeSet<_>>().len()
            };
            let is_closed = days(Some("A")) >= 2;
            if days(None) < 1 || !(is_closed || days(Some("B")) >= 2) {
                continue;
            }
            let after: Vec<Option<&str>> =
                own.iter().filter(|o| o.0 > at && o.0 <= (at + 6 * DAY).min(as_of)).map(|o| o.1).collect();
            let went: BTreeSet<&str> =
                after.iter().flatten().copied().filter(|s| !is_closed || *s != "A").collect();
            let fate = match (went.is_empty(), after.contains(&None)) {
                (false, _) => "store",
                (true, true) => "online",
                (true, false) => "none",
            };
            fates.entry((is_closed, fate)).or_default().insert(party);
            if is_closed {
                went.into_iter().for_each(|store| {
                    stores.entry(store.to_owned()).or_default().insert(party);
                });
                let group = lost.entry(city(party)).or_default();
                *group = (group.0 + 1, group.1 + usize::from(fate == "none"));
            }
        }
        let like = found.like.as_ref().unwrap();
        for (is_closed, fate) in [(true, &found.closed), (false, like)] {
            let found: [(&str, &crate::Count); 3] =
                [("store", &fate.store), ("online", &fate.online), ("none", &fate.none)];
            for (name, count) in found {
                let expected = fates.get(&(is_closed, name)).cloned().unwrap_or_default();
                assert_eq!(who(count), expected, "seed {seed} {name}");
            }
            assert_eq!(fate.people.count(), fate.store.count() + fate.online.count() + fate.none.count());
        }
        let went: BTreeMap<String, BTreeSet<u32>> =
            found.stores.iter().map(|store| (store.store.clone(), who(&store.people))).collect();
        assert_eq!((went, found.is_over), (stores, as_of >= at + 6 * DAY), "seed {seed}");
        let groups: BTreeMap<Option<String>, (usize, usize)> = found
            .by
            .unwrap()
            .into_iter()
            .map(|group| {
                (group.value, (group.fate.people.count() as usize, group.fate.none.count() as usize))
            })
            .collect();
        assert_eq!(groups, lost, "seed {seed}");
        let part = |fate: &Fate| fate.none.count() as f64 / fate.people.count() as f64;
        let excess = part(&found.closed) - part(like);
        assert!(found.excess_loss.is_none_or(|found| (found - excess).abs() < 1e-12));
        assert_eq!(found.excess_loss.is_none(), excess.is_nan());
    }
}

/// The figures of the specification: 270, 240 and 90 of 600, and 30 of 600 of the store like it.
#[test]
fn a_store_that_loses_fifteen_of_a_hundred_beside_five_loses_ten_more_than_it_would_have() {
    let at = START + 200 * DAY;
    let mut events = Vec::new();
    for party in 0..1_200u32 {
        let store = if party < 600 { "ST-017" } else { "ST-018" };
        for day in 1..4 {
            events.push(order(party, at - day * DAY, Some(store)));
            events.push(order(party, at - day * 9 * DAY, None));
        }
        let after = at + 20 * DAY;
        match party {
            0..270 => events.push(order(party, after, Some("ST-020"))),
            270..510 => events.push(order(party, after, None)),
            510..600 | 1_170.. => {}
            _ => events.push(order(party, after, Some("ST-018"))),
        }
    }
    let ask = json!({"closure": {"closed": "ST-017", "like": ["ST-018"], "at": instant(at)}});
    let Finding::Closure(found) = asked(&ask, &events, at + 91 * DAY) else { panic!() };
    let counts = [&found.closed.people, &found.closed.store, &found.closed.online, &found.closed.none];
    assert_eq!(counts.map(crate::Count::count), [600, 270, 240, 90]);
    let like = found.like.unwrap();
    assert_eq!((like.people.count(), like.none.count(), found.is_over), (600, 30, true));
    assert!((found.excess_loss.unwrap() - 0.1).abs() < 1e-12);
}

#[test]
fn each_step_of_a_data_funnel_is_part_of_the_one_before() {
    let (people, city) = citizens();
    for seed in 0..100 {
        let mut dice = Dice::new(120_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let everybody = Some(std::sync::Arc::new((1..15).collect()));
        let people = People { everybody, ..people.clone() };
        let steps = json!([{"name": "collected", "of": {"always": true}},
            {"name": "seen", "of": {"event": "view", "op": "gte", "value": 1}},
            {"name": "known", "of": {"trait": "city", "op": "exists"}},
            {"name": "bought", "of": {"event": "order", "op": "gte", "value": 2}}]);
        let ask = json!({"data_funnel": {"steps": steps, "by": {"trait": "city"}}});
        let Finding::DataFunnel(found) = asked_of(&ask, &events, as_of, &people) else { panic!() };
        let count = |party: u32, name: &str| {
            events.iter().filter(|e| e.party == party && e.name == name && e.time <= as_of).count()
        };
        let mut left: BTreeSet<u32> = (1..15).collect();
        // The operators are fed those with events only.
        left.retain(|party| events.iter().any(|event| event.party == *party));
        let mut groups: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
        for (place, step) in found.steps.iter().enumerate() {
            let before = left.clone();
            left.retain(|party| match place {
                0 => true,
                1 => count(*party, "view") >= 1,
                2 => city(*party).is_some(),
                _ => count(*party, "order") >= 2,
            });
            assert_eq!(who(&step.people), left, "seed {seed}");
            let lost: BTreeSet<u32> = before.difference(&left).copied().collect();
            assert_eq!(step.lost.as_ref().map(who), (place > 0).then_some(lost), "seed {seed}");
            for party in &left {
                groups.entry(city(*party)).or_insert_with(|| vec![0; 4])[place] += 1;
            }
        }
        let by: BTreeMap<Option<String>, Vec<usize>> = found
            .by
            .unwrap()
            .into_iter()
            .map(|group| (group.value, group.steps.iter().map(|step| step.people.count() as usize).collect()))
            .collect();
        assert_eq!(by, groups, "seed {seed}");
    }
}

#[test]
fn closures_and_data_funnels_that_make_no_sense_are_refused() {
    let plan = |ask: Json| {
        let question = json!({"as_of": "2026-06-01T00:00:00Z", "ask": ask}).to_string();
        crate::Question::parse(&question)
            .and_then(crate::Plan::new)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (ask, part) in [
        (json!({"closure": {"closed": "A", "at": "2026-07-01T00:00:00Z"}}), "not closed yet"),
        (json!({"closure": {"closed": "A", "like": ["A"], "at": "2026-03-01T00:00:00Z"}}), "stayed open"),
        (json!({"closure": {"closed": "A", "at": "2026-03-01T00:00:00Z", "by": "sku"}}), "trait"),
        (json!({"data_funnel": {"steps": []}}), "one to eight"),
        (json!({"data_funnel": {"steps": [{"name": "a", "of": {"event": "x"}}]}}), "rule"),
    ] {
        let error = plan(ask.clone()).unwrap_err();
        assert!(error.contains(part), "{ask}: {error}");
    }
}
