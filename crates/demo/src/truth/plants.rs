//! The expected answers about customers: how they live, what they pay with, what is said of them.
//!
//! Rows are in the order of persons, who are in no order themselves.

use serde_json::{Value, json};

use super::reference;
use crate::calendar::{DAY, instant};
use crate::elsewhere::CHANNELS;
use crate::lives::{Life, Outcome, Showing};
use crate::marks::DATED;
use crate::people::Person;
use crate::world::World;

/// Rows of those persons `row` has one for, each with the record the person is met at.
fn rows(world: &World, row: impl Fn(u32, &Person) -> Option<Value>) -> Vec<Value> {
    let mut rows = Vec::new();
    for (no, person) in (0..).zip(&world.people.persons) {
        if let Some(mut row) = row(no, person) {
            let ways = &world.ways[no as usize];
            row["profile"] = reference(world, ways.buys().unwrap_or(ways.first));
            rows.push(row);
        }
    }
    rows
}

/// P06: who fell silent, and who only seems to have.
pub(super) fn silence(world: &World) -> Vec<Value> {
    rows(world, |no, person| {
        let kind = match person.life {
            life if life.is_churner() => "churner",
            Life::Seasonal => "seasonal",
            _ => return None,
        };
        let rhythm = world.rhythms[no as usize]?;
        Some(json!({
            "kind": kind,
            "rhythm_days": rhythm.days,
            "orders": rhythm.orders,
            "silent_days": rhythm.silent / DAY,
        }))
    })
}

/// P07: everybody's stage, and what it was fourteen days before.
pub(super) fn stages(world: &World) -> Vec<Value> {
    rows(world, |_, person| {
        Some(json!({ "stage": person.life.stage(), "before": person.life.stage_before() }))
    })
}

/// P08: the group nobody has named, some of whom are examples.
pub(super) fn latent(world: &World) -> Vec<Value> {
    rows(world, |no, _| world.marks.latent.get(&no).map(|is_seed| json!({ "is_seed": is_seed })))
}

/// P09: what became of the customers of the store that closed, and of the one it is compared with.
pub(super) fn closure(world: &World) -> Vec<Value> {
    rows(world, |_, person| {
        let (store, outcome) = match person.life {
            Life::Dual(outcome) => ("ST-017", outcome),
            Life::Control(outcome) => ("ST-018", outcome),
            _ => return None,
        };
        let outcome = match outcome {
            Outcome::Store => "store",
            Outcome::Online => "online",
            Outcome::Nothing => "nothing",
        };
        Some(json!({ "store": store, "outcome": outcome }))
    })
}

/// P13: who pays how.
pub(super) fn payments(world: &World) -> Vec<Value> {
    rows(world, |_, person| {
        let Life::Payer(method) = person.life else { return None };
        Some(json!({ "method": method.name(), "birth_year": person.birth_year }))
    })
}

/// P14: which channel each customer of the bank prefers.
pub(super) fn bank(world: &World) -> Vec<Value> {
    let row = |(no, customer): (u32, &crate::elsewhere::Customer)| {
        json!({
            "profile": { "kind": "crm_id", "value": world.ids.bank_customer(no) },
            "birth_year": customer.birth_year,
            "prefers": CHANNELS[usize::from(customer.prefers)],
        })
    };
    (0..).zip(&world.elsewhere.bank).map(row).collect()
}

/// P20: the places of outlets among their peers, from 0.
pub(super) fn outlets(world: &World) -> Vec<Value> {
    let row = |(no, outlet): (u32, &crate::elsewhere::Outlet)| {
        json!({
            "profile": { "kind": "contract_no", "value": world.ids.outlet(no) },
            "contribution": outlet.contribution,
            "potential": outlet.potential,
        })
    };
    (0..).zip(&world.elsewhere.outlets).map(row).collect()
}

/// P26: the few customers of the car dealer.
pub(super) fn cars(world: &World) -> Vec<Value> {
    let row = |no| json!({ "profile": { "kind": "crm_id", "value": world.ids.car_customer(no) } });
    (0..world.elsewhere.cars.len() as u32).map(row).collect()
}

/// P31: statements past their limit.
pub(super) fn stale(world: &World) -> Vec<Value> {
    rows(world, |no, _| {
        let dated = world.marks.dated.get(&no).filter(|dated| dated.is_stale)?;
        let (name, limit_days) = DATED[dated.statement];
        let at = instant(i64::from(dated.at) * 1_000).to_string();
        Some(json!({ "trait": name, "limit_days": limit_days, "verified_at": at }))
    })
}

/// P37: who looked at something in a store, bought it online within a week, and nothing in a store.
pub(super) fn showroom(world: &World) -> Vec<Value> {
    rows(world, |_, person| (person.life == Life::Showroom(Showing::Online)).then(|| json!({})))
}

/// P40: the subscribers.
pub(super) fn subscribers(world: &World) -> Vec<Value> {
    rows(world, |no, _| world.marks.subscribes[no as usize].then(|| json!({})))
}
