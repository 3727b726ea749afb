//! Sessions and paths against plain answers over random people.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Zone;
use criteria::rule::Period;
use kernel::Instant;
use kernel::time::{DAY, MINUTE};
use serde_json::{Value as Json, json};

use super::naive::{Dice, Event, START, asked, asked_of, citizens, who};
use crate::answer::Visits;
use crate::{Finding, People};

/// People who come for a while, go, and come again.
fn visiting(dice: &mut Dice) -> Vec<Event> {
    let mut events = Vec::new();
    for party in 1..15 {
        let mut time = START + dice.roll(3) as i64 * DAY;
        for _ in 0..dice.roll(20) {
            let pause = [1, 7, 20, 30, 31, 90, 700][dice.roll(7)];
            time += pause * MINUTE + dice.roll(2) as i64;
            let name = ["view", "view", "view", "click", "order", "chat"][dice.roll(6)];
            let mut properties = json!({"path": format!("/p{}", dice.roll(4))});
            if dice.roll(5) == 0 {
                properties = json!({});
            }
            events.push(Event { party, time, name, properties, channel: [None, Some("web")][dice.roll(2)] });
        }
    }
    events
}

fn own(events: &[Event], party: u32, as_of: i64) -> Vec<&Event> {
    events.iter().filter(|event| event.party == party && event.time <= as_of).collect()
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Figures {
    sessions: u64,
    views: u64,
    clicks: u64,
    orders: u64,
    bounces: u64,
    millis: i64,
    people: BTreeSet<u32>,
    buyers: BTreeSet<u32>,
}

impl Figures {
    fn add(&mut self, party: u32, session: &[&Event]) {
        let count = |name: &str| session.iter().filter(|event| event.name == name).count() as u64;
        let [views, clicks, orders] = ["view", "click", "order"].map(count);
        self.sessions += 1;
        (self.views, self.clicks, self.orders) =
            (self.views + views, self.clicks + clicks, self.orders + orders);
        self.bounces += u64::from(views <= 1 && clicks == 0 && orders == 0);
        let stays: Vec<&&Event> = session.iter().filter(|event| event.name != "order").collect();
        self.millis += stays[stays.len() - 1].time.div_euclid(1_000) - stays[0].time.div_euclid(1_000);
        self.people.insert(party);
        if orders > 0 {
            self.buyers.insert(party);
        }
    }

    fn is(&self, visits: &Visits) {
        let numbers = (visits.sessions, visits.views, visits.clicks, visits.orders, visits.bounces);
        assert_eq!(numbers, (self.sessions, self.views, self.clicks, self.orders, self.bounces));
        assert_eq!((who(&visits.people), who(&visits.buyers)), (self.people.clone(), self.buyers.clone()));
        let mean = (self.sessions > 0).then(|| self.millis as f64 / 1e3 / self.sessions as f64);
        assert_eq!(visits.seconds_mean, mean);
    }
}

/// All sessions, as lists of their events.
fn sessions(events: &[Event], as_of: i64) -> Vec<(u32, Vec<&Event>)> {
    let mut found = Vec::new();
    for party in 1..15 {
        let mut current: Vec<&Event> = Vec::new();
        for event in own(events, party, as_of) {
            let last = current.iter().rev().find(|event| event.name != "order").map(|event| event.time);
            let is_on = last.is_some_and(|last| event.time - last <= 30 * MINUTE);
            match (event.name, is_on) {
                ("order", false) => {}
                (_, true) => current.push(event),
                (_, false) => found.push((party, std::mem::replace(&mut current, vec![event]))),
            }
        }
        found.push((party, current));
    }
    found.retain(|(_, session)| !session.is_empty());
    found
}

#[test]
fn sessions_end_after_half_an_hour_and_count_when_they_began() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let (people, city) = citizens();
    for seed in 0..200 {
        let mut dice = Dice::new(80_000 + seed);
        let (events, as_of) = (visiting(&mut dice), START + (2 + dice.roll(4) as i64) * DAY);
        let is_trait = dice.roll(2) == 0;
        let by = if is_trait { json!({"trait": "city"}) } else { json!("path") };
        let from = START + DAY + dice.roll(600) as i64 * MINUTE;
        let text = criteria::value::ValueRef::Instant(Instant(from)).to_json();
        let ask = json!({"views": "view", "clicks": "click", "orders": "order", "others": {"event": "chat"},
            "by": by, "every": "day", "window": {"from": text}, "limit": 2});
        let Finding::Sessions(found) = asked_of(&json!({"sessions": ask}), &events, as_of, &people) else {
            panic!()
        };
        let mut all = Figures::default();
        let mut periods: BTreeMap<i64, Figures> = BTreeMap::new();
        let mut groups: BTreeMap<Option<String>, Figures> = BTreeMap::new();
        let mut pages = [BTreeMap::new(), BTreeMap::<Option<String>, (u64, BTreeSet<u32>)>::new()];
        for (party, session) in sessions(&events, as_of) {
            if session[0].time < from {
                continue;
            }
            let path = |event: &Event| event.properties["path"].as_str().map(str::to_owned);
            all.add(party, &session);
            let day = zone.period(Period::Today, Instant(session[0].time)).0.0;
            periods.entry(day).or_default().add(party, &session);
            let value = if is_trait { city(party) } else { path(session[0]) };
            groups.entry(value).or_default().add(party, &session);
            let views: Vec<&&Event> = session.iter().filter(|event| event.name == "view").collect();
            if let (Some(first), Some(last)) = (views.first(), views.last()) {
                for (pages, view) in pages.iter_mut().zip([first, last]) {
                    let page = pages.entry(path(view)).or_default();
                    page.0 += 1;
                    page.1.insert(party);
                }
            }
        }
        all.is(&found.all);
        for period in found.periods.unwrap() {
            periods.remove(&period.start.micros()).unwrap().is(&period.visits);
        }
        for group in found.by.unwrap() {
            groups.remove(&group.value).unwrap().is(&group.visits);
        }
        assert!(periods.is_empty() && groups.is_empty(), "seed {seed}");
        for (found, pages) in [found.landing, found.exit].iter().zip(pages) {
            let mut pages: Vec<_> = pages.into_iter().collect();
            pages.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
            pages.truncate(2);
            let found: Vec<_> =
                found.iter().map(|page| (page.page.clone(), (page.sessions, who(&page.people)))).collect();
            assert_eq!(found, pages, "seed {seed}");
        }
    }
}

#[test]
fn half_an_hour_is_one_session_and_a_microsecond_more_are_two() {
    let view = |micros: i64| Event {
        party: 1,
        time: START + micros,
        name: "Page Viewed",
        properties: json!({"path": "/"}),
        channel: None,
    };
    let count = |events: &[Event]| match asked(&json!({"sessions": {}}), events, START + DAY) {
        Finding::Sessions(found) => (found.all.sessions, found.all.bounces, found.all.seconds_mean),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&[view(0), view(30 * MINUTE)]), (1, 0, Some(1_800.0)));
    assert_eq!(count(&[view(0), view(30 * MINUTE + 1)]), (2, 2, Some(0.0)));
    assert_eq!(count(&[]), (0, 0, None));
}

#[test]
fn paths_are_the_steps_beside_an_anchor_with_everybody_at_one_place() {
    for seed in 0..300 {
        let mut dice = Dice::new(90_000 + seed);
        let (events, as_of) = (visiting(&mut dice), START + (2 + dice.roll(4) as i64) * DAY);
        let (is_after, repeats, is_page, is_every) =
            (dice.roll(2) == 0, dice.roll(2) == 0, dice.roll(2) == 0, dice.roll(2) == 0);
        let (depth, limit) = (1 + dice.roll(4), 1 + dice.roll(3));
        let mut ask = json!({"anchor": "click", "side": if is_after { "after" } else { "before" }, "depth": depth,
            "within": "3h", "repeats": repeats, "limit": limit, "window": {"last": "2d"},
            "events": if is_every { json!("*") } else { json!(["view", "order"]) }});
        if is_page {
            ask["name"] = json!("path");
        }
        let Finding::Paths(found) = asked(&json!({"paths": ask}), &events, as_of) else { panic!() };
        let name = |event: &Event| match is_page {
            true => event.properties["path"].as_str().map(str::to_owned),
            false => Some(event.name.to_owned()),
        };
        let mut paths: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for party in 1..15 {
            let mut own = own(&events, party, as_of);
            if !is_after {
                own.reverse();
            }
            let is_anchor = |event: &&Event| event.name == "click" && event.time > as_of - 2 * DAY;
            let Some(place) = own.iter().position(is_anchor) else { continue };
            let (mut last, mut steps) = (name(own[place]), Vec::new());
            for event in &own[place + 1..] {
                let is_step = is_every || ["view", "order"].contains(&event.name);
                let is_near = (event.time - own[place].time).abs() <= 180 * MINUTE;
                let called = name(event);
                if is_step && is_near && called.is_some() && (repeats || called != last) {
                    steps.extend(called.clone());
                    last = called;
                }
            }
            steps.truncate(depth);
            paths.insert(party, steps);
        }
        assert_eq!(who(&found.people), paths.keys().copied().collect(), "seed {seed}");
        let mut before: Option<BTreeSet<String>> = None;
        for (step, shown) in found.steps.iter().enumerate() {
            let mut nodes: BTreeMap<&String, BTreeSet<u32>> = BTreeMap::new();
            for (party, path) in paths.iter().filter(|(_, path)| path.len() > step) {
                nodes.entry(&path[step]).or_default().insert(*party);
            }
            let mut order: Vec<_> = nodes.into_iter().collect();
            order.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(b.0)));
            let rest = order.split_off(order.len().min(limit));
            let nodes: Vec<_> = shown.nodes.iter().map(|node| (&node.name, who(&node.people))).collect();
            assert_eq!(nodes, order, "seed {seed} {ask}");
            assert_eq!(who(&shown.other), rest.into_iter().flat_map(|node| node.1).collect());
            let ended: BTreeSet<u32> =
                paths.iter().filter(|(_, path)| path.len() == step).map(|(party, _)| *party).collect();
            assert_eq!(who(&shown.ended), ended, "seed {seed}");
            let known: BTreeSet<String> = shown.nodes.iter().map(|node| node.name.clone()).collect();
            let mut links: BTreeMap<(Option<String>, Option<String>), BTreeSet<u32>> = BTreeMap::new();
            for (party, path) in paths.iter().filter(|(_, path)| path.len() > step) {
                let from = step.checked_sub(1).map(|before| path[before].clone());
                let from = from.filter(|name| before.as_ref().is_some_and(|known| known.contains(name)));
                let to = Some(path[step].clone()).filter(|name| known.contains(name));
                links.entry((from, to)).or_default().insert(*party);
            }
            let found: BTreeMap<_, _> = found
                .links
                .iter()
                .filter(|link| link.step == step)
                .map(|link| ((link.from.clone(), link.to.clone()), who(&link.people)))
                .collect();
            assert_eq!(found, links, "seed {seed}");
            before = Some(known);
        }
        let longest = paths.values().map(Vec::len).max().unwrap_or(0);
        let has_step = |steps: usize| found.steps.len() == steps || found.steps.len() == steps + 1;
        assert!(has_step(longest), "seed {seed}: {} {longest}", found.steps.len());
    }
}

#[test]
fn sessions_and_paths_that_make_no_sense_are_refused() {
    let plan = |ask: Json| {
        let question = json!({"as_of": "2026-06-01T00:00:00Z", "ask": ask}).to_string();
        crate::Question::parse(&question)
            .and_then(crate::Plan::new)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (ask, part) in [
        (json!({"paths": {"anchor": "a", "depth": 11}}), "one to ten"),
        (json!({"paths": {"anchor": "a", "limit": 101}}), "limit"),
        (json!({"paths": {}}), "anchor"),
        (json!({"sessions": {"page": "a[].b"}}), "leave `[]` out"),
        (json!({"sessions": {"every": "day"}}), "begins somewhere"),
        (json!({"sessions": {"gap": "soon"}}), "duration"),
    ] {
        let error = plan(ask.clone()).unwrap_err();
        assert!(error.contains(part), "{ask}: {error}");
    }
    let nobody = asked_of(&json!({"paths": {"anchor": "a"}}), &[], START, &People::default());
    assert!(matches!(nobody, Finding::Paths(found) if found.steps.is_empty() && found.people.count() == 0));
}
