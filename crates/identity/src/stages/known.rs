//! What the worker remembers between batches, so that an event of a known visitor reads nothing.
//!
//! Facts only ever grow, so a remembered one is never wrong; on a rollback everything is forgotten.

use std::collections::{HashMap, HashSet};

use kernel::id::KeyMap;
use kernel::{Instant, Key, NodeNo};

use crate::resolve::Crowded;

/// Nodes remembered; at twice as many the older half is forgotten.
const NODES_MAX: usize = 400_000;
/// Edges, touches and claims remembered, likewise.
const FACTS_MAX: usize = 400_000;

/// A node as far as the hot path needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) no: NodeNo,
    pub(super) first: Instant,
}

/// Two generations: what is used moves to the young one, what is not is forgotten with the old one.
struct Cache<M> {
    young: M,
    old: M,
}

/// From when to when something is known to have been seen.
type Ranges<K> = HashMap<K, (Instant, Instant)>;

/// The worker's memory.
#[derive(Default)]
pub(super) struct Memory {
    nodes: Cache<KeyMap<Known>>,
    ranges: Cache<Ranges<(NodeNo, NodeNo, i64)>>,
    claims: Cache<Ranges<(NodeNo, u64)>>,
    soles: Cache<HashMap<NodeNo, (NodeNo, Instant)>>,
    /// Nodes everybody is seen with: nothing is looked for behind them.
    pub(super) crowded: Crowded,
    /// Nodes with an edge that a detachment made void: a later sighting revives it.
    pub(super) detached: HashSet<NodeNo>,
}

impl<M: Default> Default for Cache<M> {
    fn default() -> Self {
        Self { young: M::default(), old: M::default() }
    }
}

impl Memory {
    pub(super) fn node(&mut self, key: &Key) -> Option<&mut Known> {
        if !self.nodes.young.contains_key(key) {
            let known = self.nodes.old.remove(key)?;
            self.put_node(*key, known);
        }
        self.nodes.young.get_mut(key)
    }

    pub(super) fn put_node(&mut self, key: Key, known: Known) {
        if self.nodes.young.len() >= NODES_MAX {
            self.nodes.old = std::mem::take(&mut self.nodes.young);
        }
        self.nodes.young.insert(key, known);
    }

    /// The only hard node ever seen on a soft one, and since when, if that is remembered.
    pub(super) fn sole(&self, soft: NodeNo) -> Option<(NodeNo, Instant)> {
        self.soles.young.get(&soft).or_else(|| self.soles.old.get(&soft)).copied()
    }

    pub(super) fn put_sole(&mut self, soft: NodeNo, sole: (NodeNo, Instant)) {
        if self.soles.young.len() >= FACTS_MAX {
            self.soles.old = std::mem::take(&mut self.soles.young);
        }
        self.soles.young.insert(soft, sole);
    }

    /// Forgets who is alone on these soft nodes: something was detached.
    pub(super) fn forget_sole(&mut self, soft: &[NodeNo]) {
        for no in soft {
            self.soles.young.remove(no);
            self.soles.old.remove(no);
        }
    }

    /// Whether the range of an edge or touch is known to cover this one; remembers the union.
    pub(super) fn covers_range(&mut self, id: (NodeNo, NodeNo, i64), range: (Instant, Instant)) -> Cover {
        cover(&mut self.ranges, id, range)
    }

    /// The same for a claim, which is told by a hash of field and value.
    pub(super) fn covers_claim(&mut self, id: (NodeNo, u64), range: (Instant, Instant)) -> Cover {
        cover(&mut self.claims, id, range)
    }
}

/// How much of a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// Nothing new.
    Whole,
    /// It lasted longer than known.
    Later,
    /// It is not remembered, or began no later.
    New,
}

fn cover<K: std::hash::Hash + Eq + Copy>(
    cache: &mut Cache<Ranges<K>>,
    id: K,
    range: (Instant, Instant),
) -> Cover {
    let known = cache.young.get(&id).copied().or_else(|| cache.old.remove(&id));
    let union = known.map_or(range, |k| (k.0.min(range.0), k.1.max(range.1)));
    if cache.young.len() >= FACTS_MAX {
        cache.old = std::mem::take(&mut cache.young);
    }
    cache.young.insert(id, union);
    match known {
        // What begins at the same instant may be the lesser evidence, which the store decides.
        Some(known) if known.0 >= range.0 => Cover::New,
        Some(known) if known == union => Cover::Whole,
        Some(_) => Cover::Later,
        None => Cover::New,
    }
}
