//! Random rules over random people: the lake finds those for whom the naive evaluator says that they hold,
//! wherever their events lie. `HEADWATER_LAKE_RULES` asks for more than 60 rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::question::form::Who;
use ::question::people::TraitBuilder;
use ::question::{Ask, Finding, People, Plan, Question};
use criteria::{Program, Rule};
use kernel::time::DAY;
use kernel::{Instant, Key, NodeNo, PartyNo};
use oracle::{Bug, Case, Reference, World};
use roaring::RoaringBitmap;

use super::support::*;
use crate::*;

const PARTIES: u32 = 24;

/// Of a hidden party: nobody may see its rows.
fn is_suppressed(party: u32) -> bool {
    party % 11 == 5
}

/// Of a party somebody else answers for.
fn is_left_out(party: u32) -> bool {
    party % 7 == 3
}

/// People around the instant of a case. What the lake does not know of people they have not.
fn people(seed: u64, case: &Case) -> BTreeMap<u32, World> {
    let mut people = BTreeMap::new();
    for party in 1..=PARTIES {
        let other = Case::new(seed * 1_000 + u64::from(party));
        let mut world = other.world;
        for (no, event) in (0u64..).zip(&mut world.events) {
            event.time += case.as_of - other.as_of;
            event.key = Key::of(&[2; 32], &[&party.to_le_bytes(), &no.to_le_bytes(), &event.key.0]);
        }
        if is_suppressed(party) {
            world.events.clear();
        }
        let World { events, traits, audiences, .. } = world;
        people.insert(party, World { events, traits, audiences, ..World::default() });
    }
    people
}

fn rows(people: &BTreeMap<u32, World>) -> Vec<Event> {
    let mut rows = Vec::new();
    for (party, world) in people {
        for event in &world.events {
            rows.push(Event {
                party: PartyNo(*party),
                node: NodeNo(u64::from(*party)),
                time: Instant(event.time),
                key: event.key,
                event: event.name.as_str().into(),
                channel: None,
                source: "1".into(),
                context: if event.context.is_null() { "".into() } else { event.context.to_string().into() },
                properties: event.properties.to_string().into(),
            });
        }
    }
    rows
}

/// What the question knows of people besides their events.
fn known(people: &BTreeMap<u32, World>, rule: &Rule, case: &Case) -> People {
    let needs = Program::compile([(0, rule.clone())], case.zone()).needs().clone();
    let mut known =
        People { everybody: Some(Arc::new(people.keys().copied().collect())), ..People::default() };
    for name in needs.traits {
        let mut column = TraitBuilder::default();
        for (party, world) in people {
            world.traits.get(&*name).into_iter().for_each(|value| column.set(PartyNo(*party), value));
        }
        known.traits.insert(name, Arc::new(column.build()));
    }
    for id in needs.audiences {
        let is_in =
            |(party, world): (&u32, &World)| world.audiences.iter().any(|own| **own == *id).then_some(*party);
        let members: RoaringBitmap = people.iter().filter_map(is_in).collect();
        known.audiences.insert(id, Arc::new(members));
    }
    known
}

/// Rows in files of both levels and in the buffer, late ones after those of later weeks.
async fn fill(lake: &Lake, dice: &mut Dice, mut rows: Vec<Event>) {
    let writer = lake.writer().await.unwrap();
    let mut position = 0;
    while !rows.is_empty() {
        let some = (0..1 + dice.below(60)).filter_map(|_| {
            let at = dice.below(rows.len().max(1) as u64) as usize;
            (at < rows.len()).then(|| rows.swap_remove(at))
        });
        let some: Vec<Event> = some.collect();
        writer.hand_over(handover(position, position + 1, some)).unwrap();
        position += 1;
        match dice.below(4) {
            0 => drop(writer.flush().await.unwrap()),
            1 => {
                writer.flush().await.unwrap();
                lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
            }
            _ => {}
        }
    }
}

async fn fault(seed: u64, bug: Bug) -> Option<String> {
    let (case, mut dice) = (Case::new(seed), Dice(seed));
    let all = people(seed, &case);
    let site = Site::disk();
    // Hot columns are of the names that events have as properties.
    let hot =
        vec![Column::new("n", Kind::Decimal), Column::new("s", Kind::Text), Column::new("b", Kind::Boolean)];
    let (buckets, memory_bytes) = (1 + dice.below(5) as u32, [0, 10_000, 1 << 20][dice.below(3) as usize]);
    let (lake, _) = site.open_with(Options { buckets, memory_bytes, hot, ..options() }).await;
    let mut stored = rows(&all);
    for party in (1..=PARTIES).filter(|party| is_suppressed(*party)) {
        stored.push(Event {
            party: PartyNo(party),
            node: NodeNo(1_000),
            ..event(u64::from(party), 0, "A", case.as_of - DAY, "{}")
        });
    }
    fill(&lake, &mut dice, stored).await;
    lake.suppress(&[NodeNo(1_000)]);
    let excluded: RoaringBitmap = (1..=PARTIES).filter(|party| is_left_out(*party)).collect();
    for _ in 0..2 {
        // The rule of another case, moved nowhere: its borders are those of this instant.
        let rule = case.rule.clone();
        let people = Arc::new(known(&all, &rule, &case));
        let question = Question::new(Instant(case.as_of), case.zone, Ask::Members(Who(rule.clone())));
        let plan = Arc::new(Plan::new(question).unwrap());
        let asking = Asking { excluded: Some(Arc::new(excluded.clone())), ..Asking::default() };
        let answer = lake.snapshot().ask(&plan, &people, asking).await.unwrap();
        let Finding::Members(found) = answer.finding else { return Some("another answer".to_owned()) };
        let holds = |(party, world): (&u32, &World)| {
            let holds = Reference::new(world, case.zone, &[], bug).holds(&rule, case.as_of);
            (holds && !is_left_out(*party)).then_some(*party)
        };
        let expected: RoaringBitmap = all.iter().filter_map(holds).collect();
        // The second time from what the first has left in memory.
        if found.people() != Some(&expected) {
            return Some(format!("{}\nfound {:?}\nexpected {expected:?}", rule.to_json(), found.people()));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_finds_those_for_whom_the_naive_evaluator_says_that_a_rule_holds() {
    let cases = std::env::var_os("HEADWATER_LAKE_RULES").map_or(60, |n| n.to_str().unwrap().parse().unwrap());
    for seed in 0..cases {
        if let Some(fault) = fault(seed, Bug::None).await {
            panic!("seed {seed}: {fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_of_one_microsecond_is_noticed() {
    for seed in 0..200 {
        if fault(seed, Bug::ClosedWindow).await.is_some() {
            return;
        }
    }
    panic!("the comparison is blind");
}
