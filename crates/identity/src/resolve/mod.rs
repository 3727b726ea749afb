//! Clustering with its effects: reads the neighbourhood of what changed, solves it, writes what moved.
//!
//! Called by the pipeline for the nodes a batch touched, by a decision for the nodes it names, and by
//! a change of rules for all. Whatever the occasion, the result is that of solving the whole graph:
//! a neighbourhood is everything reachable over edges and decisions, so nothing outside can matter.

mod crowded;
mod graph;
mod hard;
mod soft;
mod working;

use std::collections::BTreeSet;

use db::Tx;
use kernel::{Key, NodeNo, PartyNo, Scope};

use crate::rules::Rules;
use crate::store::moved::moved_put;
use crate::store::node::{Node, node_key};
pub use crowded::Crowded;
pub use graph::{load_neighbourhood, load_part};
pub use working::Working;

/// What recomputation needs to know of a workspace.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The workspace.
    pub scope: &'a Scope,
    /// Its secret.
    pub secret: &'a [u8; 32],
    /// The rules in force.
    pub rules: &'a Rules,
}

impl Identity<'_> {
    /// The key of an identifier.
    pub fn key(&self, kind: &str, value: &str, era: u16) -> Key {
        node_key(self.secret, kind, value, era)
    }

    /// Whether a node's kind is proof of a person.
    pub fn is_hard(&self, node: &Node) -> bool {
        self.rules.kind(&node.kind).is_hard()
    }
}

/// What a recomputation found, for the caches of the caller.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Soft nodes, and the one hard node that alone uses them and their group, if so, since when.
    pub sole: Vec<(NodeNo, Option<(NodeNo, kernel::Instant)>)>,
    /// Hard nodes whose party changed.
    pub moved: Vec<NodeNo>,
    /// Parties that have other facts than before because nodes came or went; some may be no more.
    pub regrouped: BTreeSet<PartyNo>,
    /// Those of them that have facts which counted as another's before, or had some that do now.
    pub rewritten: BTreeSet<PartyNo>,
}

/// Recomputes the parties around `hard` and the holders of `soft`. Nothing is looked for behind what is
/// crowded; what turns out to be so is added.
///
/// # Errors
/// As the database says.
pub fn recompute(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    hard: &BTreeSet<NodeNo>,
    soft: &BTreeSet<NodeNo>,
    crowded: &mut Crowded,
) -> db::Result<Resolved> {
    let mut resolved = Resolved::default();
    let mut soft = soft.clone();
    if !hard.is_empty() {
        hard::recompute(identity, tx, working, hard, crowded, &mut resolved)?;
        soft.extend(soft::shared_by(identity, tx, &resolved.moved, crowded)?);
    }
    if !soft.is_empty() {
        soft::recompute(identity, tx, working, &soft, crowded, &mut resolved)?;
    }
    working.write(identity.scope, tx, &mut resolved)?;
    moved_put(identity.scope, tx, &resolved.rewritten)?;
    Ok(resolved)
}
