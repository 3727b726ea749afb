//! Whom a device or a cookie serves, at every instant.
//!
//! ```text
//!        touches:            A        A                 B
//!  facts go to:  nobody │ A … A A … A A A A A A A│ B B B B B B B B …
//!                       └ A's first − backfill    └ B's first − backfill, but after A's last
//! ```
//!
//! An anonymous fact belongs to whoever is known next on the identifier, if that is soon enough, or else
//! to whoever was known last. One used by too many people within its window is shared and links nobody.
//! Holders are hard nodes, not parties: a later merge moves their facts without touching this mapping.

#[cfg(test)]
mod tests;

use hashbrown::HashMap;
use kernel::time::DAY;
use kernel::{Instant, Key, NodeNo};

use super::cluster::{Clusters, Node};
use super::definition::{KindRef, Rules};

/// A known person seen on a soft identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Touch {
    /// When.
    pub at: Instant,
    /// The rank of the hard node's kind: of several on one record the best holds.
    pub rank: u16,
    /// The hard node's key, which decides between equals.
    pub key: Key,
    /// The hard node.
    pub node: NodeNo,
    /// Which party that is: any token that is equal exactly for equal parties.
    pub party: u64,
}

/// From an instant on, whose facts those under a soft identifier are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// The first instant of it.
    pub from: Instant,
    /// The hard node, or nobody.
    pub holder: Option<NodeNo>,
}

/// Whom a soft identifier of `kind` served, in the order of time. The first holding starts with time
/// itself, so there is an answer for every instant.
pub fn holdings(touches: &[Touch], kind: &KindRef<'_>, rules: &Rules) -> Vec<Holding> {
    let mut list = vec![Holding { from: Instant(i64::MIN), holder: None }];
    if !kind.can_link() || is_shared(touches, kind) {
        return list;
    }
    let mut sorted = touches.to_vec();
    sorted.sort_unstable();
    sorted.dedup_by_key(|touch| touch.at);
    let backfill = i64::from(rules.document().backfill_days) * DAY;
    let mut free_from = Instant(i64::MIN);
    for touch in sorted {
        let from = free_from.max(touch.at.plus(-backfill));
        if list.last().is_some_and(|last| last.holder != Some(touch.node)) {
            // Only the holding of nobody can start at the same instant, at the beginning of time.
            list.pop_if(|last| last.from == from);
            list.push(Holding { from, holder: Some(touch.node) });
        }
        free_from = touch.at.plus(1);
    }
    list
}

/// Whether more people used it within its window than its kind allows.
pub fn is_shared(touches: &[Touch], kind: &KindRef<'_>) -> bool {
    let Some(limit) = kind.limit else {
        return false;
    };
    let mut seen: Vec<(Instant, u64)> = touches.iter().map(|touch| (touch.at, touch.party)).collect();
    seen.sort_unstable();
    let mut present: HashMap<u64, usize> = HashMap::new();
    let mut oldest = 0;
    for (at, party) in &seen {
        *present.entry(*party).or_default() += 1;
        while limit.window_micros.is_some_and(|window| at.0.saturating_sub(seen[oldest].0.0) >= window) {
            let left = present.entry(seen[oldest].1).or_default();
            *left -= 1;
            if *left == 0 {
                present.remove(&seen[oldest].1);
            }
            oldest += 1;
        }
        if present.len() > limit.max as usize {
            return true;
        }
    }
    false
}

/// Who held it at `time`.
pub fn holder_at(holdings: &[Holding], time: Instant) -> Option<NodeNo> {
    let later = holdings.partition_point(|holding| holding.from <= time);
    holdings[..later].last().and_then(|holding| holding.holder)
}

/// Soft identifiers, their groups, and who was seen on each.
#[derive(Clone, Copy, Debug)]
pub struct Group<'g> {
    /// The soft nodes.
    pub nodes: &'g [Node],
    /// Their groups: what clustering makes of those seen together. The anchor of one is its oldest member.
    pub groups: &'g Clusters,
    /// The touches of each node.
    pub touches: &'g [Vec<Touch>],
    /// Which nodes are known to be used by too many: their touches need not be here.
    pub shared: &'g [bool],
}

impl Group<'_> {
    /// The touches that decide about `node`: its own, or for one without any those of its group. A shared
    /// device in the group tells nothing about the others, and they nothing about it.
    pub fn touches_of(&self, node: usize, rules: &Rules) -> Vec<Touch> {
        if self.shared[node] || !self.touches[node].is_empty() {
            return self.touches[node].clone();
        }
        let group = &self.groups.clusters[self.groups.cluster_at(node, Instant(i64::MIN))];
        let mut all = Vec::new();
        for member in group.members.iter().map(|vertex| self.groups.vertices[*vertex].node) {
            let touches = &self.touches[member];
            if !is_shared(touches, &rules.kind(&self.nodes[member].kind)) {
                all.extend_from_slice(touches);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}
