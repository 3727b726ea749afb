//! The expected answers, in the words a checker compares with what the product says.
//!
//! Only here do persons have numbers.

mod plants;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::calendar::{RENAMED_FROM, instant, local_day};
use crate::contacts::components;
use crate::ids::mobile;
use crate::message::stamp;
use crate::people::Phone;
use crate::world::World;

/// All plants' rows.
pub(crate) fn of(world: &World) -> BTreeMap<&'static str, Vec<Value>> {
    BTreeMap::from([
        ("P01", identities(world)),
        ("P24", faults(world)),
        ("P27", sessions(world)),
        ("P33", merchants(world)),
        ("P06", plants::silence(world)),
        ("P07", plants::stages(world)),
        ("P08", plants::latent(world)),
        ("P09", plants::closure(world)),
        ("P13", plants::payments(world)),
        ("P14", plants::bank(world)),
        ("P20", plants::outlets(world)),
        ("P26", plants::cars(world)),
        ("P31", plants::stale(world)),
        ("P37", plants::showroom(world)),
        ("P40", plants::subscribers(world)),
    ])
}

fn reference(world: &World, record: u32) -> Value {
    let (kind, value) = world.ids.reference(&world.people, record);
    json!({ "kind": kind, "value": value })
}

/// For each record, the group of its person's records it is joined to by evidence; `None` for one
/// that is joined to no other.
pub(crate) fn evidence_groups(world: &World) -> Vec<Option<u32>> {
    let mut groups = vec![None; world.people.records.len()];
    let mut next = 0;
    for person in 0..world.people.persons.len() as u32 {
        let records = world.people.records_of(person);
        let first = records.start as usize;
        let masks: Vec<u8> = records.map(|no| world.people.records[no as usize].evidence()).collect();
        let component_of = components(&masks);
        for component in 0..masks.len() {
            let members: Vec<usize> = (0..masks.len()).filter(|i| component_of[*i] == component).collect();
            if members.len() > 1 {
                members.iter().for_each(|i| groups[first + i] = Some(next));
                next += 1;
            }
        }
    }
    groups
}

fn identities(world: &World) -> Vec<Value> {
    let groups = evidence_groups(world);
    let mut rows = Vec::with_capacity(groups.len() + world.traps.pairs.len());
    for (no, record) in (0..).zip(&world.people.records) {
        let mut row = json!({
            "profile": reference(world, no),
            "person": record.person,
            "evidence": groups[no as usize],
        });
        if record.is_detached {
            let why = if record.phone == Phone::Absent { "missing phone" } else { "wrong phone" };
            row["apart"] = why.into();
        }
        rows.push(row);
    }
    for pair in &world.traps.pairs {
        rows.push(json!({
            "trap": pair.trap.name(),
            "a": reference(world, pair.a),
            "b": reference(world, pair.b),
        }));
    }
    rows
}

fn faults(world: &World) -> Vec<Value> {
    let faults = &world.faults;
    let row = |no: u32, expected: Value| json!({ "message_id": world.ids.message(no), "expected": expected });
    let mut rows = Vec::new();
    rows.extend(faults.bad_phones.iter().map(|no| row(*no, json!({ "quarantined": "phone" }))));
    rows.extend(faults.future.iter().map(|no| row(*no, json!({ "quarantined": "time" }))));
    rows.extend(faults.duplicates.iter().map(|no| row(*no, json!("duplicate"))));
    rows.extend(faults.late.iter().map(|entry| {
        let day = local_day(stamp(world, entry));
        row(entry.no, json!({ "late": { "day": day } }))
    }));
    let messages: Vec<String> = faults.renamed.iter().map(|no| world.ids.message(*no)).collect();
    rows.push(json!({
        "source": "call-centre",
        "from": local_day(instant(i64::from(RENAMED_FROM) * 1_000)),
        "message_ids": messages,
        "expected": { "renamed": { "phone": "phone_no" } },
    }));
    rows
}

fn sessions(world: &World) -> Vec<Value> {
    let row = |(session, first): (&crate::sessions::Session, &u32)| {
        let messages = (*first..).take(session.events.len()).map(|no| world.ids.message(no));
        json!({
            "anonymous_id": world.ids.browser(session.browser),
            "message_ids": messages.collect::<Vec<_>>(),
            "user_id": world.ids.account(session.person),
        })
    };
    world.sessions.iter().zip(&world.session_messages).map(row).collect()
}

fn merchants(world: &World) -> Vec<Value> {
    let row = |(no, merchant): (u32, &crate::world::Merchant)| {
        json!({
            "mobile": mobile(world.people.persons[merchant.person as usize].mobile),
            "w2": reference(world, merchant.record),
            "w1": { "kind": "contract_no", "value": world.ids.contract_no(no) },
        })
    };
    (0..).zip(&world.merchants).map(row).collect()
}
