//! Soft identifiers: whom a device or cookie serves, and which of them are one anonymous visitor.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use db::Tx;
use kernel::{Instant, NodeNo};

use super::{Crowded, Identity, Resolved, Working};
use crate::rules::cluster::{self, Neighbourhood};
use crate::rules::holder::{self as rules, Group};
use crate::store::crowded::Via;
use crate::store::edge;
use crate::store::holder::{self, Holder};
use crate::store::touch::{self, Touch};

/// Soft nodes read around one. A device with more cookies than this is not one visitor.
const GROUP_NODES_MAX: usize = 500;

pub(super) fn recompute(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    dirty: &BTreeSet<NodeNo>,
    crowded: &mut Crowded,
    resolved: &mut Resolved,
) -> db::Result<()> {
    let (nodes, neighbourhood) = read_group(identity, tx, working, dirty, crowded)?;
    let touches = read_touches(identity, tx, working, &nodes, crowded)?;
    let groups = cluster::solve(&neighbourhood, identity.rules);
    crowded.add(identity.scope, tx, groups.crowded.iter().map(|node| nodes[*node]), Via::Edge)?;
    for cluster in &groups.clusters {
        let node = |vertex: usize| nodes[groups.vertices[vertex].node];
        let party = working.anchor(identity.scope, tx, node(cluster.anchor))?;
        for member in &cluster.members {
            working.get_mut(node(*member)).into_iter().for_each(|n| n.party = party);
        }
    }
    let shared: Vec<bool> = nodes.iter().map(|no| crowded.is_shared(*no)).collect();
    let group = Group { nodes: &neighbourhood.nodes, groups: &groups, touches: &touches, shared: &shared };
    write_holders(identity, tx, working, &nodes, &group, resolved)
}

fn write_holders(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    nodes: &[NodeNo],
    group: &Group<'_>,
    resolved: &mut Resolved,
) -> db::Result<()> {
    let mut before: HashMap<NodeNo, Vec<Holder>> = HashMap::new();
    for row in holder::holder_of(identity.scope, tx, nodes)? {
        before.entry(row.node).or_default().push(row);
    }
    let (mut replaced, mut rows, mut users, mut moved) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, no) in nodes.iter().enumerate() {
        let kind = identity.rules.kind(&group.nodes[i].kind);
        let holdings = rules::holdings(&group.touches_of(i, identity.rules), &kind, identity.rules);
        let is_split = holdings.iter().any(|h| h.holder.is_some());
        let now: Vec<Holder> = holdings
            .iter()
            .filter(|_| is_split)
            .map(|h| Holder { node: *no, from: h.from, via: h.holder })
            .collect();
        let before = before.get(no).map_or(&[][..], Vec::as_slice);
        if before != now {
            replaced.push(*no);
            let holders = before.iter().chain(&now).filter_map(|row| row.via);
            if working.is_stored(*no) {
                moved.extend(holders.clone().chain([*no]));
            }
            users.extend(holders);
            rows.extend(now);
        }
        working.get_mut(*no).into_iter().for_each(|node| node.is_split = is_split);
        resolved.sole.push((*no, sole(group, i)));
    }
    holder::holder_replace(identity.scope, tx, &replaced, &rows)?;
    users.extend(&replaced);
    resolved.regrouped.extend(working.parties_behind(identity.scope, tx, users)?);
    resolved.rewritten.extend(working.parties_behind(identity.scope, tx, moved)?);
    Ok(())
}

/// The one hard node seen on it and on its whole group, and since when: until another one comes, nothing can
/// change. Those of the group that were never touched themselves live by the touches of the others.
fn sole(group: &Group<'_>, node: usize) -> Option<(NodeNo, Instant)> {
    let first = group.touches[node].iter().min()?;
    let members = &group.groups.clusters[group.groups.cluster_at(node, Instant(i64::MIN))].members;
    let mut touches = members.iter().flat_map(|vertex| &group.touches[group.groups.vertices[*vertex].node]);
    touches.all(|touch| touch.node == first.node).then_some((first.node, first.at))
}

/// The soft nodes reachable over edges from `dirty`, in order, and what is known of them.
fn read_group(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    dirty: &BTreeSet<NodeNo>,
    crowded: &Crowded,
) -> db::Result<(Vec<NodeNo>, Neighbourhood)> {
    let mut seen = dirty.clone();
    let mut frontier: Vec<NodeNo> = dirty.iter().copied().collect();
    let mut rows = BTreeMap::new();
    while !frontier.is_empty() && seen.len() < dirty.len() + GROUP_NODES_MAX {
        let mut next = BTreeSet::new();
        frontier.retain(|no| !crowded.links_nobody(*no));
        for row in edge::edge_of(identity.scope, tx, &frontier)? {
            next.extend([row.a, row.b]);
            rows.insert((row.a, row.b, row.bucket), row);
        }
        frontier = next.into_iter().filter(|no| seen.insert(*no)).collect();
    }
    let nodes: Vec<NodeNo> = seen.into_iter().collect();
    working.load(identity.scope, tx, &nodes)?;
    let index = |no: NodeNo| nodes.binary_search(&no).ok();
    let edges = rows.values().filter_map(|row| {
        let (a, b) = (index(row.a)?, index(row.b)?);
        Some(cluster::Edge { a, b, first: row.first, last: row.last, evidence: row.evidence })
    });
    let neighbourhood = Neighbourhood {
        edges: edges.collect(),
        nodes: nodes.iter().filter_map(|no| working.get(*no)).map(bare).collect(),
        closed: (0..nodes.len()).filter(|i| crowded.links_nobody(nodes[*i])).collect(),
        decisions: Vec::new(),
    };
    Ok((nodes, neighbourhood))
}

/// The touches of each node as the rules want them; an unbound identifier starts anew. Those of a node that
/// too many used are not here.
fn read_touches(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    nodes: &[NodeNo],
    crowded: &mut Crowded,
) -> db::Result<Vec<Vec<rules::Touch>>> {
    let own: Vec<NodeNo> = nodes.iter().copied().filter(|no| !crowded.is_shared(*no)).collect();
    let mut rows = touch::touch_of_soft(identity.scope, tx, &own)?;
    let hard: BTreeSet<NodeNo> = rows.iter().map(|t| t.hard).collect();
    working.load(identity.scope, tx, &Vec::from_iter(hard))?;
    crowded.add(identity.scope, tx, used_by_too_many(identity, working, &rows), Via::Touch)?;
    rows.retain(|row| !crowded.is_shared(row.soft));
    let mut touches = vec![Vec::new(); nodes.len()];
    for row in &rows {
        let (Ok(i), Some(hard)) = (nodes.binary_search(&row.soft), working.get(row.hard)) else {
            continue;
        };
        let detached = [hard.unbound, working.get(row.soft).and_then(|n| n.unbound)];
        if detached.iter().flatten().any(|until| row.last <= *until) {
            continue;
        }
        let at = |at: Instant| rules::Touch {
            at,
            rank: identity.rules.rank(&hard.kind),
            key: hard.key,
            node: row.hard,
            party: u64::from(hard.party.0),
        };
        touches[i].push(at(row.first));
        if row.last != row.first {
            touches[i].push(at(row.last));
        }
    }
    Ok(touches)
}

/// Soft nodes touched by more identifiers of one kind than a crowded one: a shop's tablet, a demo phone.
fn used_by_too_many(identity: &Identity<'_>, working: &Working, rows: &[Touch]) -> BTreeSet<NodeNo> {
    let users = rows.iter().filter_map(|row| Some((row.soft, &*working.get(row.hard)?.kind, row.hard)));
    let users: BTreeSet<(NodeNo, &str, NodeNo)> = users.collect();
    let mut counts: BTreeMap<(NodeNo, &str), usize> = BTreeMap::new();
    users.into_iter().for_each(|(soft, kind, _)| *counts.entry((soft, kind)).or_default() += 1);
    let max = identity.rules.document().neighbours_max as usize;
    counts.into_iter().filter(|(_, users)| *users > max).map(|((soft, _), _)| soft).collect()
}

/// Soft nodes whose being shared may have changed because the parties of `moved` did.
pub(super) fn shared_by(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    moved: &[NodeNo],
    crowded: &Crowded,
) -> db::Result<BTreeSet<NodeNo>> {
    let touched: Vec<Touch> = touch::touch_of_hard(identity.scope, tx, moved)?;
    let touched = touched.iter().map(|t| t.soft).filter(|soft| !crowded.is_shared(*soft));
    let soft: BTreeSet<NodeNo> = touched.collect();
    let mut users: HashMap<NodeNo, BTreeSet<NodeNo>> = HashMap::new();
    for touch in touch::touch_of_soft(identity.scope, tx, &Vec::from_iter(soft))? {
        users.entry(touch.soft).or_default().insert(touch.hard);
    }
    Ok(users.into_iter().filter(|(_, hard)| hard.len() > 1).map(|(soft, _)| soft).collect())
}

fn bare(node: &crate::store::node::Node) -> cluster::Node {
    cluster::Node {
        no: node.no,
        key: node.key,
        kind: Arc::from(node.kind.as_str()),
        first_seen: node.first,
        unbound_until: node.unbound,
        claims: Vec::new(),
    }
}
