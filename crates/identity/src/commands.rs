//! Applies what people decide about parties: joins, separations, taking back, new rules.

use std::collections::BTreeSet;

use db::Tx;
use intake::batch::Context;
use intake::command::{Command, Handler};
use kernel::{Failure, Key, NodeNo};
use serde::{Deserialize, Serialize};

use crate::resolve::{Crowded, Identity, Working, recompute};
use crate::rules::{Document, Rules};
use crate::store::crowded::{crowded_clear, crowded_put, crowded_under};
use crate::store::decision::{Body, Decision, decision_put, decision_retract};
use crate::store::definition::{rules_current, rules_put};
use crate::store::node::{node_by_key, node_page};
use crate::store::regrouped::regrouped_put;

/// Two parties are one.
pub const MERGE: &str = "identity.merge";
/// A decision is taken back.
pub const RETRACT: &str = "identity.retract";
/// Some identifiers are not the same party as the others.
pub const SEPARATE: &str = "identity.separate";
/// New identity rules.
pub const RULES: &str = "identity.rules";

/// Body of [`MERGE`]: the anchors of both parties.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Merge {
    /// One.
    pub a: String,
    /// The other.
    pub b: String,
    /// Why.
    pub reason: String,
}

/// Body of [`RETRACT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Retract {
    /// The decision.
    pub decision: String,
    /// Why.
    pub reason: String,
}

/// Body of [`SEPARATE`]: keys of the identifiers on both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Separate {
    /// Those that leave.
    pub left: Vec<String>,
    /// Those that stay.
    pub right: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Applies the commands of identity.
pub struct Decide;

impl Handler for Decide {
    fn names(&self) -> &'static [&'static str] {
        &[MERGE, RETRACT, SEPARATE, RULES]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        match command.name.as_str() {
            MERGE => merge(tx, context, command),
            RETRACT => retract(tx, context, command),
            SEPARATE => separate(tx, context, command),
            _ => new_rules(tx, context, command),
        }
    }
}

/// Reads the 26 characters of a key.
///
/// # Errors
/// [`Failure::Invalid`] for anything else.
pub fn key(text: &str) -> kernel::Result<Key> {
    kernel::id::unbase32(text).map(Key).ok_or_else(|| Failure::invalid("key", "26 characters of base 32"))
}

fn body<T: serde::de::DeserializeOwned>(command: &Command) -> kernel::Result<T> {
    serde_json::from_value(command.body.clone()).map_err(|e| Failure::invalid("body", e.to_string()))
}

/// The id of the decision a command makes: the command's own, so that a replay makes the same.
pub fn decision_id(context_secret: &[u8; 32], command: &Command) -> Key {
    Key::of(context_secret, &[b"decision", command.id.as_bytes()])
}

fn merge(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let merge: Merge = body(command)?;
    let ends = nodes(tx, context, &[merge.a, merge.b])?;
    let [a, b] = ends[..] else { return Err(Failure::not_found("identifier")) };
    decide(tx, context, command, Body::Join { a, b }, merge.reason)
}

fn separate(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let separate: Separate = body(command)?;
    let left = nodes(tx, context, &separate.left)?;
    let right = nodes(tx, context, &separate.right)?;
    decide(tx, context, command, Body::Separate { left, right }, separate.reason)
}

fn decide(
    tx: &mut Tx<'_>,
    context: &Context,
    command: &Command,
    body: Body,
    reason: String,
) -> kernel::Result<()> {
    let dirty = BTreeSet::from_iter(body.nodes());
    let decision = Decision {
        id: decision_id(&context.secret, command),
        body,
        actor: command.actor.clone(),
        reason,
        at: command.at(),
        retracted: None,
    };
    decision_put(&context.scope, tx, &decision)?;
    solve(tx, context, &dirty)
}

fn retract(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let retract: Retract = body(command)?;
    let id = key(&retract.decision)?;
    let live = crate::store::decision::decision_live(&context.scope, tx)?;
    let decision = live.into_iter().find(|d| d.id == id).ok_or_else(|| Failure::not_found("decision"))?;
    decision_retract(&context.scope, tx, &id, command.at())?;
    solve(tx, context, &BTreeSet::from_iter(decision.body.nodes()))
}

fn solve(tx: &mut Tx<'_>, context: &Context, dirty: &BTreeSet<NodeNo>) -> kernel::Result<()> {
    let (_, rules) = rules_current(&context.scope, tx)?;
    let identity = Identity { scope: &context.scope, secret: &context.secret, rules: &rules };
    let crowded = &mut Crowded::load(&context.scope, tx)?;
    let resolved = recompute(&identity, tx, &mut Working::default(), dirty, &BTreeSet::new(), crowded)?;
    Ok(regrouped_put(&context.scope, tx, &resolved.regrouped)?)
}

fn nodes(tx: &mut Tx<'_>, context: &Context, keys: &[String]) -> kernel::Result<Vec<NodeNo>> {
    let keys = keys.iter().map(|text| key(text)).collect::<kernel::Result<Vec<_>>>()?;
    let found = node_by_key(&context.scope, tx, &keys)?;
    keys.iter()
        .map(|key| {
            let node = found.iter().find(|node| node.key == *key);
            node.map(|node| node.no).ok_or_else(|| Failure::not_found("identifier"))
        })
        .collect()
}

/// Nodes recomputed together when everything is.
const NODES_AT_ONCE: usize = 2_000;

/// Puts new rules in force and recomputes every party under them.
fn new_rules(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let document: Document = body(command)?;
    let text = serde_json::to_string(&document).map_err(Failure::internal)?;
    let rules = Rules::new(document)?;
    rules_put(&context.scope, tx, &text, &command.actor, command.at())?;
    let identity = Identity { scope: &context.scope, secret: &context.secret, rules: &rules };
    let found = crowded_under(&context.scope, tx, rules.document().neighbours_max)?;
    crowded_clear(&context.scope, tx)?;
    crowded_put(&context.scope, tx, &Vec::from_iter(found))?;
    let mut crowded = Crowded::load(&context.scope, tx)?;
    let mut after = NodeNo(0);
    loop {
        let page = node_page(&context.scope, tx, after, NODES_AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.no;
        let (hard, soft): (Vec<_>, Vec<_>) =
            page.iter().filter(|node| node.era == 0).partition(|node| identity.is_hard(node));
        let numbers = |nodes: Vec<&crate::store::node::Node>| nodes.into_iter().map(|n| n.no).collect();
        let (hard, soft) = (numbers(hard), numbers(soft));
        let resolved = recompute(&identity, tx, &mut Working::default(), &hard, &soft, &mut crowded)?;
        regrouped_put(&context.scope, tx, &resolved.regrouped)?;
    }
}
