//! Live audiences: who is in them is a function of the facts and of the instant, whatever came when, and the
//! ledger says how it came about.

use std::collections::{BTreeMap, BTreeSet};

use insight::commands::{AUDIENCE_ARCHIVE, AUDIENCE_PUT};
use insight::live::{Catalogue, compile, load};
use insight::profile::Weights;
use insight::store::audience::{Audience, audience_all};
use insight::store::membership::{change_page, membership_page};
use kernel::time::DAY;
use kernel::{Instant, PartyNo};
use serde_json::{Value, json};

use super::check;
use super::decisions::command;
use super::dice::Dice;
use super::history::Message;
use super::order::{LATER, PARTITIONED, WAYS, agree, arrive_as_sent};
use super::world::{World, party_numbers};

const SIZE: usize = 40;

/// Rules over what histories are made of; the last asks for others.
fn rules() -> Vec<Value> {
    let viewed = |op: &str, value: u32, window: Value| json!({"event": "Viewed", "op": op, "value": value, "window": window});
    vec![
        viewed("gte", 2, json!({"ever": true})),
        viewed("gte", 1, json!({"last": "60d"})),
        json!({"event": "Viewed", "measure": {"sum": "amount"}, "op": "gt", "value": 100, "window": {"last": "30w"}}),
        json!({"event": "*", "op": "eq", "value": 0, "window": {"calendar": "this_month"}}),
        json!({"any": [{"trait": "tier", "op": "eq", "value": "gold"}, {"trait": "name", "op": "missing"}]}),
        json!({"sequence": [{"event": "Viewed"}, {"event": "Viewed", "within": "30d", "absent": true}]}),
    ]
}

fn put(no: u64, rule: Value) -> intake::command::Command {
    command(AUDIENCE_PUT, 100 + no, json!({"name": format!("a{no}"), "mode": "live", "rule": rule}))
}

fn plant(mut world: World) -> World {
    for (no, rule) in (0..).zip(rules()) {
        world.decide(&put(no, rule));
    }
    let ids: Vec<String> = audiences(&world).into_iter().map(|audience| audience.id).collect();
    world.decide(&put(50, json!({"all": [{"audience": ids[0]}, {"none": [{"audience": ids[3]}]}]})));
    world
}

fn audiences(world: &World) -> Vec<Audience> {
    world.read(|identity, tx| Ok(audience_all(identity.scope, tx)?))
}

fn arrival_does_not_matter_to_audiences(seed: u64, messages: &[Message]) -> Result<(), String> {
    agree(seed, messages, &WAYS, plant)?;
    agree(seed, messages, &PARTITIONED, plant)
}

/// Everybody evaluated anew, at one instant.
fn evaluated(world: &World, as_of: Instant) -> BTreeMap<String, BTreeSet<PartyNo>> {
    let definitions = compile(
        Catalogue { audiences: audiences(world), ..Catalogue::default() },
        criteria::Zone::named("Asia/Shanghai").unwrap(),
    );
    let mut members: BTreeMap<String, BTreeSet<PartyNo>> = BTreeMap::new();
    let mut evaluator = criteria::Evaluator::new(&definitions.program);
    world.read(|identity, tx| {
        for no in party_numbers(identity.scope, tx)? {
            let found = load(identity, tx, &definitions.program, &Weights::default(), (no, as_of))?;
            let Some(mut found) = found else { continue };
            for level in &definitions.levels {
                let (timeline, subject) = (&found.timeline, &found.facts);
                let mut evaluation = evaluator.at(criteria::Party { timeline, subject }, as_of);
                let held: Vec<usize> = level.iter().copied().filter(|rule| evaluation.holds(*rule)).collect();
                for place in held {
                    let id = &definitions.audiences[place].id;
                    found.facts.join(id);
                    members.entry(id.clone()).or_default().insert(no);
                }
            }
        }
        Ok(())
    });
    members
}

/// Who is stored as a member, and whether the ledgers add up to that.
fn stored(world: &World) -> Result<BTreeMap<String, BTreeSet<PartyNo>>, String> {
    let mut members: BTreeMap<String, BTreeSet<PartyNo>> = BTreeMap::new();
    for audience in audiences(world) {
        let (rows, changes) = world.read(|identity, tx| {
            let rows = membership_page(identity.scope, tx, audience.no, PartyNo(0), 10_000)?;
            Ok((rows, change_page(identity.scope, tx, audience.no, 0, 100_000)?))
        });
        let mut now = BTreeSet::new();
        for (change, seq) in changes.iter().zip(1..) {
            let is_change =
                if change.is_member { now.insert(change.party) } else { now.remove(&change.party) };
            if !is_change || change.seq != seq {
                return Err(format!(
                    "{}: change {seq} of the ledger makes no sense: {change:?}",
                    audience.name
                ));
            }
        }
        let rows: BTreeSet<PartyNo> = rows.into_iter().map(|row| row.party).collect();
        if now != rows || audience.members != rows.len() as u64 || audience.last_seq != changes.len() as u64 {
            return Err(format!("{}: the ledger gives {now:?}, members are {rows:?}", audience.name));
        }
        if !rows.is_empty() {
            members.insert(audience.id, rows);
        }
    }
    Ok(members)
}

fn members_are_those_the_rules_hold_for(seed: u64, messages: &[Message]) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut world = arrive_as_sent(seed, messages, plant);
    let mut now = LATER;
    for step in 0..6 {
        world.wait_until(now);
        let (expected, found) = (evaluated(&world, now), stored(&world)?);
        if expected != found {
            return Err(format!(
                "step {step}, as of {now}: the rules hold for {expected:?}, stored {found:?}"
            ));
        }
        now = now.plus(1 + dice.roll(40) as i64 * DAY + dice.roll(1_000_000) as i64);
        if step == 2 {
            // Defined otherwise while members are there, and one put away.
            let ids: Vec<String> = audiences(&world).into_iter().map(|audience| audience.id).collect();
            let body = json!({"audience": ids[1], "name": "a1", "mode": "live", "rule": rules()[3]});
            world.decide(&command(AUDIENCE_PUT, 200, body));
            world.decide(&command(AUDIENCE_ARCHIVE, 201, json!({"audience": ids[5]})));
        }
    }
    Ok(())
}

#[test]
fn live_audiences_are_the_same_in_any_order_of_arrival() {
    check("audiences", SIZE, arrival_does_not_matter_to_audiences);
}

#[test]
fn at_every_instant_those_are_members_for_whom_the_rule_holds() {
    check("members", SIZE, members_are_those_the_rules_hold_for);
}
