//! What other identity rules would do, found out without doing it.
//!
//! Solves every neighbourhood under the new rules in memory and compares the parties with those that
//! are. Applying the rules recomputes with the same code, so it gives exactly what was reported.

use std::collections::{BTreeMap, BTreeSet};

use db::Tx;
use kernel::{NodeNo, PartyId, PartyNo};
use serde::Serialize;
use utoipa::ToSchema;

use crate::resolve::{Crowded, Identity, load_part};
use crate::rules::cluster;
use crate::store::crowded::crowded_under;
use crate::store::node::{Node, node_anchors, node_page};

/// Parties listed in a report of each sort.
const LISTED_MAX: usize = 100;
/// Largest parties listed.
const LARGEST_MAX: usize = 10;
/// Nodes read at a time.
const NODES_AT_ONCE: usize = 2_000;

/// What would change.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = DryRunReport)]
pub struct Report {
    /// Persons and businesses known by hard identifiers now.
    pub parties_before: u64,
    /// And under the new rules.
    pub parties_after: u64,
    /// Parties that would become one with others.
    pub merges: u64,
    /// Parties that would fall apart.
    pub splits: u64,
    /// Parties that take part in a merge or a split.
    pub affected_parties: u64,
    /// Which parties would become one, the first hundred.
    pub merged: Vec<Vec<String>>,
    /// Which parties would fall apart, and into how many, the first hundred.
    pub split: Vec<Split>,
    /// Numbers of identifiers of the largest parties under the new rules, largest first.
    pub largest: Vec<u64>,
}

/// A party that would fall apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct Split {
    /// Its id.
    pub party: String,
    /// Into how many.
    pub parts: u64,
}

/// Compares the parties under `identity.rules`, which are not in force, with those that are.
///
/// # Errors
/// As the database says.
pub fn dry_run(identity: &Identity<'_>, tx: &mut Tx<'_>) -> kernel::Result<Report> {
    let mut seen: BTreeSet<NodeNo> = BTreeSet::new();
    let mut tally = Tally::default();
    let found = crowded_under(identity.scope, tx, identity.rules.document().neighbours_max)?;
    let crowded: Crowded = found.into_iter().collect();
    let mut after = NodeNo(0);
    loop {
        let page = node_page(identity.scope, tx, after, NODES_AT_ONCE)?;
        let Some(last) = page.last() else { break };
        after = last.no;
        let start: BTreeSet<NodeNo> = page
            .iter()
            .filter(|node| node.era == 0 && identity.is_hard(node) && !seen.contains(&node.no))
            .map(|node| node.no)
            .collect();
        for (neighbourhood, nodes) in load_part(identity, tx, &start, &crowded)? {
            if nodes.iter().any(|node| seen.contains(&node.no)) {
                continue;
            }
            seen.extend(nodes.iter().map(|node| node.no));
            tally.add(&neighbourhood, &nodes, &cluster::solve(&neighbourhood, identity.rules));
        }
    }
    tally.report(identity, tx)
}

/// Old parties and new clusters, and how they overlap.
#[derive(Default)]
struct Tally {
    before: BTreeSet<PartyNo>,
    clusters: u64,
    merged: Vec<BTreeSet<PartyNo>>,
    parts: BTreeMap<PartyNo, u64>,
    sizes: Vec<u64>,
}

impl Tally {
    fn add(&mut self, of: &cluster::Neighbourhood, nodes: &[Node], clusters: &cluster::Clusters) {
        let party: BTreeMap<NodeNo, PartyNo> = nodes.iter().map(|n| (n.no, n.party)).collect();
        for cluster in &clusters.clusters {
            // Later eras of a recycled identifier have no party of their own to compare with.
            let members = cluster.members.iter().map(|vertex| clusters.vertices[*vertex]);
            let old: BTreeSet<PartyNo> = members
                .filter(|vertex| vertex.era == 0)
                .filter_map(|vertex| party.get(&of.nodes[vertex.node].no).copied())
                .collect();
            self.clusters += 1;
            self.sizes.push(cluster.members.len() as u64);
            self.before.extend(&old);
            for party in &old {
                *self.parts.entry(*party).or_default() += 1;
            }
            if old.len() > 1 {
                self.merged.push(old);
            }
        }
    }

    fn report(mut self, identity: &Identity<'_>, tx: &mut Tx<'_>) -> kernel::Result<Report> {
        self.sizes.sort_unstable_by(|a, b| b.cmp(a));
        self.sizes.truncate(LARGEST_MAX);
        let split: Vec<(PartyNo, u64)> = self.parts.into_iter().filter(|(_, parts)| *parts > 1).collect();
        let mut affected: BTreeSet<PartyNo> = self.merged.iter().flatten().copied().collect();
        let merges = affected.len() as u64;
        affected.extend(split.iter().map(|(party, _)| party));
        let listed: Vec<PartyNo> = affected.iter().copied().take(20 * LISTED_MAX).collect();
        let anchors = node_anchors(identity.scope, tx, &listed)?;
        let ids: BTreeMap<PartyNo, String> =
            anchors.into_iter().map(|node| (node.party, PartyId(node.key).to_string())).collect();
        let id = |party: &PartyNo| ids.get(party).cloned();
        let mut merged: Vec<Vec<String>> =
            self.merged.iter().take(LISTED_MAX).map(|group| group.iter().filter_map(id).collect()).collect();
        merged.iter_mut().for_each(|group| group.sort_unstable());
        let listed_split = split.iter().take(LISTED_MAX);
        Ok(Report {
            parties_before: self.before.len() as u64,
            parties_after: self.clusters,
            merges,
            splits: split.len() as u64,
            affected_parties: affected.len() as u64,
            merged,
            split: listed_split.filter_map(|(p, n)| Some(Split { party: id(p)?, parts: *n })).collect(),
            largest: self.sizes,
        })
    }
}
