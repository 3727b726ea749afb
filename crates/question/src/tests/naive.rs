//! Every kind of question against a plain answer written from what it means, over random people.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Zone;
use criteria::column::{Column, Values};
use criteria::rule::Period;
use criteria::value::Value;
use kernel::time::{DAY, HOUR};
use kernel::{Instant, Key, PartyNo};
use serde_json::{Value as Json, json};

use crate::answer::Rfm;
use crate::memory::{Memory, Told};
use crate::operator::{Block, Rows, Slice};
use crate::{Answer, Ask, Count, Finding, Order, Partial, People, Plan, Question};

/// 2026-06-01T00:00:00Z, a Monday.
pub(super) const START: i64 = 20_605 * DAY;
pub(super) const BUCKETS: u32 = 3;

/// Who came back, by how many periods later.
type Returned = BTreeMap<usize, BTreeSet<u32>>;
/// Party, days since the last order, days with one, money.
type Buyer = (u32, i64, i64, f64);
/// Events, sum, people.
type Point = (u64, f64, BTreeSet<u32>);

/// A small generator; the seed is the test.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) party: u32,
    pub(super) time: i64,
    pub(super) name: &'static str,
    pub(super) properties: Json,
    pub(super) channel: Option<&'static str>,
}

pub(super) fn events(dice: &mut Dice) -> Vec<Event> {
    let mut events = Vec::new();
    for party in 1..15 {
        for _ in 0..dice.roll(14) {
            events.push(Event {
                party,
                time: START + dice.roll(40) as i64 * 12 * HOUR + dice.roll(3) as i64,
                name: ["view", "view", "cart", "order"][dice.roll(4)],
                properties: match dice.roll(4) {
                    0 => json!({}),
                    n => json!({"sku": format!("s{}", dice.roll(3)), "total": n as f64 * 2.5, "cart": dice.roll(2), "items": [{"k": format!("k{n}")}, {"k": "k1"}]}),
                },
                channel: [None, Some("web"), Some("app")][dice.roll(3)],
            });
        }
    }
    events
}

/// Asks the operators: buckets apart, blocks cut at whole days, all partials through bytes.
pub(super) fn asked(ask: &Json, events: &[Event], as_of: i64) -> Finding {
    asked_of(ask, events, as_of, &People::default())
}

/// The same, of people of whom something is known.
pub(super) fn asked_of(ask: &Json, events: &[Event], as_of: i64, people: &People) -> Finding {
    let ask: Ask = serde_json::from_value(ask.clone()).unwrap();
    let question = Question { people: true, ..Question::new(Instant(as_of), "Asia/Shanghai", ask) };
    assert_eq!(Question::parse(&question.to_json()).unwrap(), question);
    let plan = Plan::new(question).unwrap();
    let mut whole = Partial::default();
    for bucket in (0..BUCKETS).rev() {
        let slice = Slice { bucket, buckets: BUCKETS };
        let own: Vec<&Event> = events.iter().filter(|event| slice.has(event.party)).collect();
        let mut operator = plan.operator(slice, people);
        match plan.needs().order {
            Order::Parties => {
                for party in own.iter().map(|event| event.party).collect::<BTreeSet<_>>() {
                    let of = own.iter().copied().filter(|event| event.party == party);
                    operator.party(PartyNo(party), &memory(&plan, of));
                }
            }
            Order::Blocks => {
                for cut in 0..8 {
                    let span = START + cut * 3 * DAY..START + (cut + 1) * 3 * DAY;
                    let part: Vec<&Event> = own.iter().copied().filter(|e| span.contains(&e.time)).collect();
                    feed_block(&plan, &part, operator.as_mut());
                }
            }
        }
        whole.merge(Partial::from_bytes(&operator.finish().to_bytes()).unwrap());
    }
    let Answer { finding, .. } = plan.finish(whole, people);
    every_number_has_its_people(&finding);
    finding
}

/// People of whom a city is known, but for every fourth.
pub(super) fn citizens() -> (People, fn(u32) -> Option<String>) {
    let city = |party: u32| (!party.is_multiple_of(4)).then(|| format!("c{}", party % 3));
    let mut column = crate::people::TraitBuilder::default();
    (1..15).for_each(|party| column.set(PartyNo(party), &json!(city(party))));
    (
        People { traits: [("city".into(), std::sync::Arc::new(column.build()))].into(), ..People::default() },
        city,
    )
}

/// Every number of people in an answer is found by its place, and nothing else is.
fn every_number_has_its_people(finding: &Finding) {
    let json = serde_json::to_value(finding).unwrap();
    let mut places = vec![(String::new(), &json)];
    while let Some((pointer, json)) = places.pop() {
        match json {
            Json::Object(members) => {
                places.extend(members.iter().map(|(key, json)| (format!("{pointer}/{key}"), json)));
            }
            Json::Array(items) => {
                places.extend(items.iter().enumerate().map(|(no, json)| (format!("{pointer}/{no}"), json)));
            }
            _ => {
                let mut parts = pointer.rsplit('/').filter(|part| part.parse::<usize>().is_err());
                let name = parts.next().unwrap_or_default();
                // The part of customers that is lost, and stores by name, are no people.
                let is_other = json.is_null() || pointer.contains("closure") && json.as_u64().is_none();
                let is_people = !is_other
                    && matches!(
                        name,
                        "people"
                            | "members"
                            | "size"
                            | "sizes"
                            | "returned"
                            | "group"
                            | "base"
                            | "buyers"
                            | "other"
                            | "ended"
                            | "store"
                            | "online"
                            | "none"
                            | "lost"
                    );
                let found = finding.at(&pointer);
                assert_eq!(found.is_some(), is_people, "{pointer} of {json}");
                assert!(found.is_none_or(|count| json.as_u64() == Some(count.count())), "{pointer}");
            }
        }
    }
}

fn memory<'a>(plan: &Plan, events: impl Iterator<Item = &'a Event>) -> Memory {
    let mut memory = Memory::new(plan.needs());
    for (no, event) in events.enumerate() {
        memory.tell(&Told {
            event: event.name,
            time: Instant(event.time),
            key: Key([no as u8; 16]),
            channel: event.channel,
            source: "1",
            properties: &event.properties,
            context: &Json::Null,
        });
    }
    memory.sort();
    memory
}

fn feed_block(plan: &Plan, events: &[&Event], operator: &mut dyn crate::Operator) {
    let mut runs = Vec::new();
    for need in &plan.needs().events {
        let is_wanted = |event: &&&Event| {
            need.event.as_deref().is_none_or(|name| name == event.name)
                && need.from.is_none_or(|from| event.time >= from.0)
                && need.until.is_none_or(|until| event.time < until.0)
        };
        let mut rows: Vec<&Event> = events.iter().filter(is_wanted).copied().collect();
        rows.sort_by_key(|event| (event.party, event.time));
        let columns: Vec<Vec<Option<Value>>> = need
            .columns
            .iter()
            .map(|path| {
                rows.iter()
                    .map(|event| {
                        let mut found = None;
                        path.read_event(&event.properties, &Json::Null, |value| found = Some(value));
                        found
                    })
                    .collect()
            })
            .collect();
        let parties: Vec<u32> = rows.iter().map(|event| event.party).collect();
        let times: Vec<i64> = rows.iter().map(|event| event.time).collect();
        runs.push((parties, times, columns));
    }
    let rows = runs.iter().map(|(parties, times, columns)| Rows {
        parties,
        times,
        keys: &[],
        columns: columns.iter().map(|cells| Column::one(Values::Mixed(cells))).collect(),
    });
    operator.block(&Block { runs: rows.collect() });
}

pub(super) fn by_party(events: &[Event], until: i64) -> BTreeMap<u32, Vec<&Event>> {
    let mut map: BTreeMap<u32, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.time <= until) {
        map.entry(event.party).or_default().push(event);
    }
    map.values_mut().for_each(|own| own.sort_by_key(|event| event.time));
    map
}

pub(super) fn who(count: &Count) -> BTreeSet<u32> {
    let people: BTreeSet<u32> = count.people().into_iter().flatten().collect();
    assert_eq!(people.len() as u64, count.count(), "the number is that of its people");
    people
}

/// The deepest step a chain from `first` reaches: every way to go on is tried.
fn deepest(own: &[&Event], first: usize, steps: &[&str], within: i64, same: Option<&str>) -> usize {
    fn go(
        own: &[&Event],
        at: usize,
        step: usize,
        steps: &[&str],
        end: i64,
        fits: &dyn Fn(&Event) -> bool,
    ) -> usize {
        let mut best = step;
        for (next, event) in own.iter().enumerate() {
            // In one microsecond the earlier step comes first.
            let is_later = event.time > own[at].time || event.time == own[at].time && next != at;
            if step < steps.len() && is_later && event.time <= end && event.name == steps[step] && fits(event)
            {
                let order = |event: &Event| steps.iter().position(|name| *name == event.name);
                if event.time > own[at].time || order(event) > order(own[at]) {
                    best = best.max(go(own, next, step + 1, steps, end, fits));
                }
            }
        }
        best
    }
    let start = own[first];
    let fits =
        |event: &Event| same.is_none_or(|name| event.properties.get(name) == start.properties.get(name));
    go(own, first, 1, steps, start.time + within, &fits)
}

#[test]
fn a_funnel_is_the_deepest_chain_of_anybody_by_how_it_began() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let steps = ["view", "cart", "order"];
        let within = [12, 24, 72][dice.roll(3)];
        let from = START + dice.roll(8) as i64 * DAY;
        let same = (dice.roll(2) == 0).then_some("sku");
        let mut funnel = json!({"steps": steps, "within": format!("{within}h"), "by": "$channel",
            "window": {"from": criteria::value::ValueRef::Instant(Instant(from)).to_json()}});
        if same.is_some() {
            funnel["same"] = json!(["sku"]);
        }
        let Finding::Funnel { steps: all, by } = asked(&json!({ "funnel": funnel }), &events, as_of) else {
            panic!()
        };
        let mut expected: BTreeMap<(Option<&str>, usize), BTreeSet<u32>> = BTreeMap::new();
        let mut total: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        for (party, own) in by_party(&events, as_of) {
            for (first, event) in own.iter().enumerate() {
                let is_start = event.name == "view" && event.time >= from;
                if is_start && same.is_none_or(|name| event.properties.get(name).is_some()) {
                    for step in 0..deepest(&own, first, &steps, within * HOUR, same) {
                        expected.entry((event.channel, step)).or_default().insert(party);
                        total.entry(step).or_default().insert(party);
                    }
                }
            }
        }
        for (step, found) in all.iter().enumerate() {
            assert_eq!(
                who(&found.people),
                total.get(&step).cloned().unwrap_or_default(),
                "seed {seed} {step}"
            );
        }
        for group in by.iter().flatten() {
            for (step, found) in group.steps.iter().enumerate() {
                let key = (group.value.as_deref(), step);
                let own = expected.remove(&key).unwrap_or_default();
                assert_eq!(who(&found.people), own, "seed {seed} {key:?}");
            }
        }
        assert!(expected.is_empty(), "seed {seed}: {expected:?}");
    }
}

#[test]
fn a_strict_funnel_has_nothing_between_and_any_order_takes_each_step_once() {
    for seed in 0..200 {
        let mut dice = Dice::new(1_000 + seed);
        let mut events = events(&mut dice);
        // One event a moment: order within a microsecond has its own test.
        events.iter_mut().enumerate().for_each(|(no, event)| event.time += 7 * no as i64);
        let (as_of, within) = (START + 30 * DAY, [24, 72, 240][dice.roll(3)]);
        let steps = ["view", "cart", "order"];
        let ask =
            |order: &str| json!({"funnel": {"steps": steps, "within": format!("{within}h"), "order": order}});
        let found = |order: &str| match asked(&ask(order), &events, as_of) {
            Finding::Funnel { steps, .. } => steps.iter().map(|step| who(&step.people)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let (mut strict, mut any) = (vec![BTreeSet::new(); 3], vec![BTreeSet::new(); 3]);
        for (party, own) in by_party(&events, as_of) {
            for first in 0..own.len() {
                let end = own[first].time + within * HOUR;
                let chain =
                    own[first..].iter().zip(steps).take_while(|(e, name)| e.name == *name && e.time <= end);
                let mut distinct: BTreeSet<&str> = BTreeSet::new();
                distinct.extend(
                    own[first..].iter().take_while(|event| event.time <= end).map(|event| event.name),
                );
                for group in strict.iter_mut().take(chain.count()) {
                    group.insert(party);
                }
                for group in any.iter_mut().take(distinct.len()) {
                    group.insert(party);
                }
            }
        }
        assert_eq!((found("strict"), found("any")), (strict, any), "seed {seed}");
    }
}

#[test]
fn a_cohort_is_a_period_and_comes_back_in_the_periods_it_acts_in() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    for seed in 0..200 {
        let mut dice = Dice::new(2_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let (every, period) = [("day", Period::Today), ("week", Period::ThisWeek)][dice.roll(2)];
        let again = ["view", "order", "*"][dice.roll(3)];
        let from = START + dice.roll(5) as i64 * DAY;
        let text = criteria::value::ValueRef::Instant(Instant(from)).to_json();
        let ask = json!({"retention": {"first": "view", "again": again, "every": every, "periods": 3,
            "window": {"from": text}}});
        let Finding::Retention(cohorts) = asked(&ask, &events, as_of) else { panic!() };
        let start = |time: i64| zone.period(period, Instant(time)).0.0;
        let step = |mut at: i64, to: i64| {
            let mut steps = 0;
            while at < to {
                at = zone.period(period, Instant(at)).1.0;
                steps += 1;
            }
            steps
        };
        let mut expected: BTreeMap<i64, (BTreeSet<u32>, Returned)> = BTreeMap::new();
        for (party, own) in by_party(&events, as_of) {
            let own: Vec<&&Event> = own.iter().filter(|event| event.time >= from).collect();
            let Some(first) = own.iter().find(|event| event.name == "view") else { continue };
            let cohort = start(first.time);
            let (size, returned) = expected.entry(cohort).or_default();
            size.insert(party);
            for event in own.iter().filter(|event| again == "*" || event.name == again) {
                if start(event.time) >= cohort {
                    returned.entry(step(cohort, start(event.time))).or_default().insert(party);
                }
            }
        }
        for cohort in cohorts {
            let (size, mut returned) = expected.remove(&cohort.start.micros()).unwrap();
            assert_eq!(who(&cohort.size), size, "seed {seed}");
            for (step, count) in cohort.returned.iter().enumerate() {
                assert_eq!(who(count), returned.remove(&step).unwrap_or_default(), "seed {seed} {step}");
            }
        }
        assert!(expected.is_empty(), "seed {seed}");
    }
}

#[test]
fn absence_is_what_the_rule_of_a_sequence_without_its_end_says() {
    for seed in 0..200 {
        let mut dice = Dice::new(3_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let (within, last) = ([12, 36][dice.roll(2)], 4 + dice.roll(10));
        let ask = json!({"absence": {"event": "cart", "without": "order", "within": format!("{within}h"),
            "window": {"last": format!("{last}d")}}});
        let Finding::Absence { people, events: count } = asked(&ask, &events, as_of) else { panic!() };
        let rule = json!({"members": {"sequence": [{"event": "cart"},
            {"event": "order", "within": format!("{within}h"), "absent": true}], "window": {"last": format!("{last}d")}}});
        let Finding::Members(members) = asked(&rule, &events, as_of) else { panic!() };
        let mut carts = 0;
        for own in by_party(&events, as_of).values() {
            let span = |event: &&&&Event| {
                event.time > as_of - last as i64 * DAY && event.time <= as_of - within * HOUR
            };
            for cart in own.iter().filter(|event| event.name == "cart").filter(|e| span(&e)) {
                let follows = |event: &&&Event| {
                    event.name == "order" && event.time > cart.time && event.time <= cart.time + within * HOUR
                };
                carts += u64::from(!own.iter().any(|event| follows(&event)));
            }
        }
        assert_eq!((who(&people), count), (who(&members), carts), "seed {seed}");
    }
}

#[test]
fn scores_are_quintiles_of_rank_and_segments_a_partition() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    for seed in 0..200 {
        let mut dice = Dice::new(4_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let ask = json!({"rfm": {"order": "order", "amount": "total", "refund": {"event": "cart", "amount": "total"}}});
        let Finding::Rfm(Rfm { buyers, cells, segments, eight, scores }) = asked(&ask, &events, as_of) else {
            panic!()
        };
        let mut rows: Vec<Buyer> = Vec::new();
        for (party, own) in by_party(&events, as_of) {
            let days: BTreeSet<i64> =
                own.iter().filter(|e| e.name == "order").map(|e| zone.day(Instant(e.time))).collect();
            let Some(last) = days.last() else { continue };
            let money = |name: &str| -> f64 {
                let own = own.iter().filter(|event| event.name == name);
                own.filter_map(|event| event.properties["total"].as_f64()).sum()
            };
            rows.push((
                party,
                zone.day(Instant(as_of)) - last,
                days.len() as i64,
                money("order") - money("cart"),
            ));
        }
        let rank = |key: &dyn Fn(&Buyer) -> f64, party: u32| {
            let mut order = rows.clone();
            order.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.0.cmp(&b.0)));
            let rank = order.iter().position(|row| row.0 == party).unwrap();
            (rank * 5 / rows.len()) as u8 + 1
        };
        assert_eq!(who(&buyers).len(), rows.len());
        for (row, score) in rows.iter().zip(&scores) {
            let r = 6 - rank(&|row| row.1 as f64, row.0);
            let (f, m) = (rank(&|row| row.2 as f64, row.0), rank(&|row| row.3, row.0));
            assert_eq!((score.party, score.scores), (row.0, [r, f, m]), "seed {seed}");
            assert_eq!(score.money, (row.3 * 10.0) as i128 * 10i128.pow(17), "seed {seed}");
        }
        for part in [&segments, &eight] {
            let people: BTreeSet<u32> = part.iter().flat_map(|segment| who(&segment.people)).collect();
            assert_eq!(people.len(), rows.len(), "each in one");
            assert_eq!(part.iter().map(|segment| segment.people.count()).sum::<u64>(), buyers.count());
        }
        assert_eq!(cells.iter().map(|cell| cell.people.count()).sum::<u64>(), buyers.count());
    }
}

#[test]
fn every_cell_of_the_grid_of_recency_and_frequency_has_its_named_segment() {
    // Rows from recency 5 to 1, in each frequency 1 to 5, as the specification lists them.
    let expected = [
        ["new", "potential_loyalist", "potential_loyalist", "champions", "champions"],
        ["promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"],
        ["about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"],
        ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"],
        ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"],
    ];
    for (row, names) in expected.iter().enumerate() {
        for (column, name) in names.iter().enumerate() {
            assert_eq!(crate::kinds::segment(5 - row as u8, 1 + column as u8), *name);
        }
    }
}

#[test]
fn things_are_ordered_by_what_they_brought_and_people_counted_once_a_period() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    for seed in 0..200 {
        let mut dice = Dice::new(5_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let is_summed = dice.roll(2) == 0;
        let mut top = json!({"event": "order", "item": "sku", "limit": 2, "window": {"last": "9d"}});
        if is_summed {
            top["value"] = json!("total");
        }
        let Finding::Top(items) = asked(&json!({ "top": top }), &events, as_of) else { panic!() };
        let mut sums: BTreeMap<&str, (f64, BTreeMap<i64, BTreeSet<u32>>)> = BTreeMap::new();
        for event in &events {
            let is_in = event.name == "order" && event.time > as_of - 9 * DAY && event.time <= as_of;
            let Some(sku) = event.properties["sku"].as_str().filter(|_| is_in) else { continue };
            let (sum, periods) = sums.entry(sku).or_default();
            *sum += if is_summed { event.properties["total"].as_f64().unwrap() } else { 1.0 };
            let week = zone.period(Period::ThisWeek, Instant(event.time)).0.0;
            periods.entry(week).or_default().insert(event.party);
        }
        let mut expected: Vec<_> = sums.into_iter().collect();
        expected.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(b.0)));
        expected.truncate(2);
        assert_eq!(items.len(), expected.len(), "seed {seed}");
        for (item, (sku, (sum, periods))) in items.iter().zip(expected) {
            assert_eq!((item.item.as_str(), item.value.as_f64()), (sku, Some(sum)), "seed {seed}");
            let found: BTreeMap<i64, BTreeSet<u32>> =
                item.periods.iter().map(|period| (period.start.micros(), who(&period.people))).collect();
            assert_eq!(found, periods, "seed {seed}");
        }
    }
}

#[test]
fn groups_overlap_as_sets_do() {
    for seed in 0..100 {
        let mut dice = Dice::new(6_000 + seed);
        let (events, as_of) = (events(&mut dice), START + 15 * DAY);
        let rule = |name: &str, least: u32| json!({"event": name, "op": "gte", "value": least});
        let ask = json!({"overlap": {"of": [rule("view", 2), rule("cart", 1), rule("order", 1)]}});
        let Finding::Overlap { sizes, parts } = asked(&ask, &events, as_of) else { panic!() };
        let mut expected = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        for (party, own) in by_party(&events, as_of) {
            for (set, (name, least)) in expected.iter_mut().zip([("view", 2), ("cart", 1), ("order", 1)]) {
                if own.iter().filter(|event| event.name == name).count() >= least {
                    set.insert(party);
                }
            }
        }
        assert_eq!(sizes.iter().map(who).collect::<Vec<_>>(), expected, "seed {seed}");
        let mut seen = BTreeSet::new();
        for part in parts {
            for party in who(&part.people) {
                assert!(seen.insert(party), "a person is in one part");
                let of: Vec<usize> = (0..3).filter(|place| expected[*place].contains(&party)).collect();
                assert_eq!(part.of, of, "seed {seed}");
            }
        }
        assert_eq!(seen, expected.into_iter().flatten().collect(), "seed {seed}");
    }
}

#[test]
fn a_group_with_twice_the_share_of_its_base_has_index_200() {
    // Of 1,000 people 180 are young; of a group of 100 in it, 36.
    let mut age = crate::people::TraitBuilder::default();
    for party in 0..1_000u32 {
        let is_young = party < 36 || (100..244).contains(&party);
        age.set(PartyNo(party), &json!(if is_young { "18-24" } else { "25+" }));
    }
    let everybody: roaring::RoaringBitmap = (0..1_000).collect();
    let people = People {
        everybody: Some(std::sync::Arc::new(everybody)),
        audiences: [("g".into(), std::sync::Arc::new((0..100).collect()))].into(),
        traits: [("age".into(), std::sync::Arc::new(age.build()))].into(),
    };
    let people = People::from_bytes(&people.to_bytes()).unwrap();
    let ask =
        serde_json::from_value(json!({"profile": {"of": {"audience": "g"}, "traits": ["age"]}})).unwrap();
    let plan = Plan::new(Question::new(Instant(START), "UTC", ask)).unwrap();
    assert!(plan.needs().is_everybody);
    let mut operator = plan.operator(Slice::WHOLE, &people);
    (0..1_000).for_each(|party| operator.party(PartyNo(party), &crate::memory::Nothing));
    let Finding::Profile { traits, group, .. } = plan.finish(operator.finish(), &people).finding else {
        panic!()
    };
    assert_eq!(group.count(), 100);
    let young = traits[0].values.iter().find(|value| value.value.as_deref() == Some("18-24")).unwrap();
    assert_eq!((young.group.count(), young.base.count(), young.index), (36, 180, Some(200.0)));
    // (0.36 − 0.16) ÷ √(0.18 · 0.82 · (1/100 + 1/900)).
    assert!((young.z.unwrap() - 4.938_648).abs() < 1e-6 && young.is_significant, "{young:?}");
}

#[test]
fn a_trend_counts_events_sums_and_people_of_each_period_and_value() {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    for seed in 0..100 {
        let mut dice = Dice::new(7_000 + seed);
        let (events, as_of) = (events(&mut dice), START + (10 + dice.roll(12) as i64) * DAY);
        let ask = json!({"trend": {"event": "order", "sum": "total", "by": "sku", "window": {"last": "8d"}}});
        let Finding::Trend(points) = asked(&ask, &events, as_of) else { panic!() };
        let mut expected: BTreeMap<(i64, Option<String>), Point> = BTreeMap::new();
        for event in
            events.iter().filter(|e| e.name == "order" && e.time > as_of - 8 * DAY && e.time <= as_of)
        {
            let start = zone.period(Period::Today, Instant(event.time)).0.0;
            let sku = event.properties["sku"].as_str().map(str::to_owned);
            let (count, sum, people) = expected.entry((start, sku)).or_default();
            (*count, *sum) = (*count + 1, *sum + event.properties["total"].as_f64().unwrap_or(0.0));
            people.insert(event.party);
        }
        for point in points {
            let key = (point.start.micros(), point.value.clone());
            let (count, sum, people) = expected.remove(&key).unwrap();
            let found = (point.events, point.sum.as_ref().and_then(Json::as_f64), who(&point.people));
            assert_eq!(found, (count, Some(sum), people), "seed {seed}");
        }
        assert!(expected.is_empty(), "seed {seed}");
    }
}
