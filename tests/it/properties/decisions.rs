//! What people decide can be taken back, and when they decided it does not matter.

use identity::commands::{MERGE, RETRACT, RULES, SEPARATE, decision_id};
use identity::party::party_by_id;
use identity::rules::Document;
use identity::store::node::node_page;
use intake::command::Command;
use kernel::id::base32;
use kernel::{Key, NodeNo, PartyId};
use serde_json::{Value, json};

use super::dice::Dice;
use super::history::{Message, NOW, frame};
use super::world::{SECRET, World};
use super::{check, check_seed};

const SIZE: usize = 40;

pub(super) fn command(name: &str, id: u64, body: Value) -> Command {
    let at_us = NOW.plus(id as i64).0;
    Command { name: name.into(), id: format!("{id:032x}"), at_us, actor: "test".into(), body }
}

fn text(key: &Key) -> String {
    base32(&key.0)
}

fn retraction(id: u64, of: &Command) -> Command {
    command(RETRACT, id, json!({ "decision": text(&decision_id(&SECRET, of)), "reason": "" }))
}

fn feed(world: &mut World, messages: &[Message]) {
    for message in messages {
        world.feed(&[frame(std::slice::from_ref(message), NOW, 0)]);
    }
}

/// The identifiers people would name, in an order that the seed decides. Which holder of a number is meant
/// that changed hands is another question.
pub(super) fn identifiers(seed: u64, world: &World) -> Vec<Key> {
    let mut keys: Vec<Key> = world.read(|identity, tx| {
        let nodes = node_page(identity.scope, tx, NodeNo(0), 10_000)?;
        Ok(nodes
            .into_iter()
            .filter(|n| n.era == 0 && !n.is_split && identity.is_hard(n))
            .map(|n| n.key)
            .collect())
    });
    keys.sort_by_key(|key| {
        let [a, b, c, d, e, f, g, h, ..] = key.0;
        Dice::new(seed ^ u64::from_le_bytes([a, b, c, d, e, f, g, h])).next()
    });
    keys
}

/// Two merges and a separation among the first identifiers; fewer if there are not as many.
fn decisions(keys: &[Key]) -> Vec<Command> {
    let merge = |id, a, b| command(MERGE, id, json!({ "a": text(a), "b": text(b), "reason": "same person" }));
    let separate = |id, left: &[Key], right: &[Key]| {
        let texts = |keys: &[Key]| keys.iter().map(text).collect::<Vec<_>>();
        command(SEPARATE, id, json!({ "left": texts(left), "right": texts(right), "reason": "two people" }))
    };
    match keys {
        [a, b, c, d, e, ..] => vec![merge(1, a, b), separate(2, &[*c, *a], &[*d]), merge(3, d, e)],
        [a, b, c] => vec![merge(1, a, b), separate(2, &[*b], &[*c])],
        [a, b, ..] => vec![merge(1, a, b)],
        _ => Vec::new(),
    }
}

fn taking_back_restores(seed: u64, messages: &[Message]) -> Result<(), String> {
    let mut world = World::new();
    feed(&mut world, messages);
    let before = world.picture();
    let keys = identifiers(seed, &world);
    let mut decided = decisions(&keys);
    for (number, decision) in decided.iter().enumerate() {
        world.decide(decision);
        if number == 0 {
            let [a, b] =
                [keys[0], keys[1]].map(|key| world.read(|i, tx| Ok(party_by_id(i, tx, PartyId(key))?.id)));
            if a != b {
                return Err(format!("merged, but {a} is not {b}"));
            }
        }
    }
    Dice::new(seed).shuffle(&mut decided);
    for (id, decision) in (100..).zip(&decided) {
        if Dice::new(seed ^ id).chance(30) {
            world.restart();
        }
        world.decide(&retraction(id, decision));
    }
    before.difference(&world.picture()).map_or(Ok(()), Err)
}

/// Some of the messages, and the others.
fn halves(seed: u64, messages: &[Message]) -> (Vec<Message>, Vec<Message>) {
    messages.iter().cloned().partition(|message| Dice::new(seed ^ message.fingerprint()).chance(50))
}

fn decisions_hold_for_what_comes_later(seed: u64, messages: &[Message]) -> Result<(), String> {
    let (sooner, later) = halves(seed, messages);
    let mut early = World::new();
    feed(&mut early, &sooner);
    let decided = decisions(&identifiers(seed, &early));
    decided.iter().for_each(|decision| early.decide(decision));
    feed(&mut early, &later);

    let mut late = World::new();
    feed(&mut late, messages);
    decided.iter().for_each(|decision| late.decide(decision));
    early.picture().difference(&late.picture()).map_or(Ok(()), Err)
}

fn other_rules(seed: u64) -> Document {
    let mut dice = Dice::new(seed);
    let mut rules = Document::default();
    rules.soft_limit.limit = 1 + dice.roll(3) as u32;
    rules.neighbours_max = 2 + dice.roll(4) as u32;
    rules.recycle_days = 20 + dice.roll(100) as u32;
    rules.backfill_days = 5 + dice.roll(60) as u32;
    rules.unknown_limit = 1 + dice.roll(3) as u32;
    rules.guards.truncate(dice.roll(5));
    for kind in &mut rules.kinds {
        if dice.chance(30) {
            kind.limit = Some(1 + dice.roll(3) as u32);
        }
    }
    rules
}

fn rules_hold_for_what_came_before(seed: u64, messages: &[Message]) -> Result<(), String> {
    let rules = command(RULES, 1, serde_json::to_value(other_rules(seed)).unwrap());
    let (sooner, later) = halves(seed, messages);
    let mut first = World::new();
    first.decide(&rules);
    feed(&mut first, messages);
    let expected = first.picture();

    let mut between = World::new();
    feed(&mut between, &sooner);
    between.decide(&rules);
    feed(&mut between, &later);
    if let Some(difference) = expected.difference(&between.picture()) {
        return Err(format!("rules changed after {} messages:{difference}", sooner.len()));
    }

    let mut back = World::new();
    feed(&mut back, messages);
    let before = back.picture();
    back.decide(&rules);
    back.decide(&command(RULES, 2, serde_json::to_value(Document::default()).unwrap()));
    before.difference(&back.picture()).map_or(Ok(()), |d| Err(format!("rules changed and changed back:{d}")))
}

#[test]
fn a_merge_and_a_separation_taken_back_leave_nothing_behind() {
    check("taking back", SIZE, taking_back_restores);
}

#[test]
fn a_decision_holds_for_events_that_come_after_it() {
    check("decisions", SIZE, decisions_hold_for_what_comes_later);
}

#[test]
fn new_rules_judge_old_events_like_new_ones() {
    check("rules", SIZE, rules_hold_for_what_came_before);
}

/// Seeds that failed once: an identifier known to be crowded was not looked at again when others of its
/// neighbours, or it, were detached.
#[test]
fn rules_that_once_judged_old_events_otherwise_do_not_any_more() {
    for seed in [5_092, 5_200, 20_706] {
        check_seed("rules", seed, SIZE, rules_hold_for_what_came_before);
    }
}
