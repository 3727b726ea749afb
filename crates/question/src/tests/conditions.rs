//! Events chosen by several names and by conditions, in every kind of question that has events.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::{DAY, HOUR};
use serde_json::{Value as Json, json};

use super::naive::{Dice, Event, START, asked, asked_of, citizens, events, who};
use crate::answer::Cohort;
use crate::{Ask, Finding, Plan, Question};

/// A selection as it is asked, and in plain words.
type Selection = (Json, fn(&Event) -> bool);

fn selections() -> Vec<Selection> {
    let sku = json!([{"property": "sku", "op": "in", "value": ["s0", "s1"]}]);
    let total = json!([{"property": "total", "op": "gte", "value": 5}]);
    let either = json!([{"any": [{"property": "cart", "op": "eq", "value": 1}, {"property": "sku", "op": "missing"}]}]);
    vec![
        (json!("view"), |e| e.name == "view"),
        (json!(["cart", "order"]), |e| e.name != "view"),
        (json!({"event": "view", "where": sku}), |e| {
            e.name == "view" && (e.properties["sku"] == "s0" || e.properties["sku"] == "s1")
        }),
        (json!({"event": ["order", "view"], "where": total}), |e| {
            e.name != "cart" && e.properties["total"].as_f64().is_some_and(|total| total >= 5.0)
        }),
        (json!({"event": "*", "where": either}), |e| {
            e.properties["cart"] == 1 || e.properties["sku"].is_null()
        }),
        (json!("*"), |_| true),
        (json!({"event": "cart"}), |e| e.name == "cart"),
    ]
}

/// Random events, no two of a person at one time.
fn apart(dice: &mut Dice) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    let mut events = events(dice);
    events.retain(|event| seen.insert((event.party, event.time)));
    events
}

/// The events under the names `w0` and `w1`, once for each selection they meet.
fn renamed(events: &[Event], selections: &[Selection]) -> Vec<Event> {
    let mut named = Vec::new();
    for (name, (_, is_wanted)) in ["w0", "w1"].into_iter().zip(selections) {
        named.extend(
            events.iter().filter(|event| is_wanted(event)).map(|event| Event { name, ..event.clone() }),
        );
    }
    named
}

#[test]
fn chosen_events_count_as_events_of_a_name_of_their_own_would() {
    let all = selections();
    for seed in 0..150 {
        let mut dice = Dice::new(20_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let chosen = [dice.roll(all.len()), dice.roll(all.len())].map(|place| all[place].clone());
        let named = renamed(&events, &chosen);
        let last = json!({"last": format!("{}d", 3 + dice.roll(12))});
        let form = |a: &Json, b: &Json| {
            [
                json!({"absence": {"event": a, "without": b, "within": "30h", "window": last}}),
                json!({"retention": {"first": a, "again": b, "every": "day", "periods": 5, "window": last}}),
                json!({"trend": {"event": a, "sum": "total", "by": "sku", "window": last}}),
                json!({"top": {"event": b, "item": "sku", "value": "total", "limit": 2, "window": last}}),
                json!({"rfm": {"order": a, "amount": "total", "refund": {"event": b, "amount": "total"}}}),
            ]
        };
        let plain = form(&json!("w0"), &json!("w1"));
        for (ask, plain) in form(&chosen[0].0, &chosen[1].0).iter().zip(plain) {
            if chosen[0].0 == chosen[1].0 && plain.get("retention").is_some() {
                continue;
            }
            assert_eq!(asked(ask, &events, as_of), asked(&plain, &named, as_of), "seed {seed} {ask}");
        }
    }
}

/// How far a person comes from one beginning.
fn depth(own: &[&Event], from: usize, (steps, order): (&[Selection], &str), within: i64) -> usize {
    let (first, rest) = (own[from], &own[from..]);
    let later: Vec<&&Event> = rest.iter().take_while(|event| event.time <= first.time + within).collect();
    match order {
        "any" => steps.iter().filter(|(_, is)| later.iter().any(|event| is(event))).count(),
        "strict" => steps.iter().zip(later).take_while(|((_, is), event)| is(event)).count(),
        _ => {
            let mut reached = 0;
            for event in later {
                reached += usize::from(steps.get(reached).is_some_and(|(_, is)| is(event)));
            }
            reached
        }
    }
}

#[test]
fn funnels_over_chosen_events_count_who_gets_to_each_step() {
    let all = selections();
    for seed in 0..600 {
        let mut dice = Dice::new(30_000 + seed);
        let (events, as_of) = (apart(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let order = ["ordered", "strict", "any"][dice.roll(3)];
        let mut steps: Vec<Selection> =
            (0..2 + dice.roll(2)).map(|_| all[dice.roll(all.len())].clone()).collect();
        if order == "any" {
            let mut seen = BTreeSet::new();
            steps.retain(|(json, _)| seen.insert(json.to_string()));
            if steps.len() < 2 {
                continue;
            }
        }
        let (hours, until) = ([24, 60][dice.roll(2)], as_of - dice.roll(4) as i64 * DAY);
        let (is_by, is_same) = (dice.roll(2) == 0, dice.roll(3) == 0);
        let asks: Vec<&Json> = steps.iter().map(|(json, _)| json).collect();
        let text = criteria::value::ValueRef::Instant(kernel::Instant(until)).to_json();
        let mut ask =
            json!({"steps": asks, "order": order, "within": format!("{hours}h"), "window": {"until": text}});
        if is_by {
            ask["by"] = json!("sku");
        }
        if is_same {
            ask["same"] = json!(["cart"]);
        }
        let Finding::Funnel { steps: found, by } = asked(&json!({ "funnel": ask }), &events, as_of) else {
            panic!()
        };
        let mut expected = vec![BTreeSet::new(); steps.len()];
        let mut groups: BTreeMap<Option<String>, Vec<BTreeSet<u32>>> = BTreeMap::new();
        for party in 1..15 {
            let mut own: Vec<&Event> =
                events.iter().filter(|e| e.party == party && e.time <= as_of).collect();
            own.retain(|event| steps.iter().any(|(_, is)| is(event)));
            own.sort_by_key(|event| event.time);
            for value in [json!(0), json!(1)] {
                let own: Vec<&Event> =
                    own.iter().copied().filter(|e| !is_same || e.properties["cart"] == value).collect();
                for from in 0..own.len() {
                    let is_first = order == "any" || steps[0].1(own[from]);
                    if !is_first || own[from].time >= until {
                        continue;
                    }
                    let reached = depth(&own, from, (&steps, order), hours * HOUR);
                    let sku = own[from].properties["sku"].as_str().map(str::to_owned);
                    let group = groups.entry(sku).or_insert_with(|| vec![BTreeSet::new(); steps.len()]);
                    for step in 0..reached {
                        expected[step].insert(party);
                        group[step].insert(party);
                    }
                }
            }
        }
        let people =
            |steps: &[crate::answer::FunnelStep]| steps.iter().map(|s| who(&s.people)).collect::<Vec<_>>();
        assert_eq!(people(&found), expected, "seed {seed} {ask}");
        assert_eq!(by.is_some(), is_by);
        if let Some(by) = by {
            let found: BTreeMap<_, _> = by.iter().map(|g| (g.value.clone(), people(&g.steps))).collect();
            assert_eq!(found, groups, "seed {seed} {ask}");
        }
    }
}

#[test]
fn a_selection_that_makes_no_sense_is_refused_with_its_place() {
    let plan = |ask: Json| {
        let ask: Result<Ask, String> = serde_json::from_value(ask).map_err(|error| error.to_string());
        ask.and_then(|ask| {
            let question = Question::new(kernel::Instant(START), "UTC", ask);
            Plan::new(question).map(|_| ()).map_err(|failure| failure.to_string())
        })
    };
    let trend = |event: Json| plan(json!({"trend": {"event": event, "window": {"last": "3d"}}}));
    assert_eq!(trend(json!(["a", "b"])), Ok(()));
    for (event, part) in [
        (json!([]), "name 1 to"),
        (json!(["a", "*"]), "`*` stands alone"),
        (json!({"event": "a", "window": {"last": "3d"}}), "`window`"),
        (json!({"event": "a", "where": [{"property": "x", "op": "near", "value": 1}]}), "/where/0"),
        (json!({"where": []}), "event"),
        (json!((0..33).map(|n| format!("e{n}")).collect::<Vec<_>>()), "more than 32"),
    ] {
        let error = trend(event.clone()).unwrap_err();
        assert!(error.contains(part), "{event}: {error}");
    }
    let any = plan(json!({"funnel": {"steps": ["a", "b", "a"], "order": "any", "within": "1h"}}));
    assert!(any.unwrap_err().contains("each step once"));
}

#[test]
fn a_funnel_and_a_retention_by_trait_are_those_of_the_people_with_each_value() {
    let (people, city) = citizens();
    for seed in 0..100 {
        let mut dice = Dice::new(40_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let mut own: BTreeMap<Option<String>, Vec<Event>> = BTreeMap::new();
        events.iter().for_each(|event| own.entry(city(event.party)).or_default().push(event.clone()));
        let by = json!({"trait": "city"});
        let ask = json!({"steps": ["view", "cart"], "within": "40h", "by": by});
        let Finding::Funnel { by: Some(groups), .. } =
            asked_of(&json!({"funnel": ask}), &events, as_of, &people)
        else {
            panic!()
        };
        let ask = json!({"steps": ["view", "cart"], "within": "40h"});
        for group in &groups {
            let Finding::Funnel { steps, .. } = asked(&json!({"funnel": ask}), &own[&group.value], as_of)
            else {
                panic!()
            };
            assert_eq!(group.steps, steps, "seed {seed}");
        }
        let viewers = |events: &Vec<Event>| events.iter().any(|e| e.name == "view" && e.time <= as_of);
        assert_eq!(groups.len(), own.values().filter(|events| viewers(events)).count(), "seed {seed}");
        let mut ask = json!({"first": "view", "again": "order", "every": "day", "window": {"last": "12d"}});
        let mut expected = Vec::new();
        for (value, events) in &own {
            let Finding::Retention(cohorts) = asked(&json!({"retention": ask}), events, as_of) else {
                panic!()
            };
            expected.extend(cohorts.into_iter().map(|cohort| Cohort { value: value.clone(), ..cohort }));
        }
        ask["by"] = by;
        let found = asked_of(&json!({"retention": ask}), &events, as_of, &people);
        assert_eq!(found, Finding::Retention(expected), "seed {seed}");
    }
}
