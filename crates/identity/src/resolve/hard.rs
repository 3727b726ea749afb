//! Hard identifiers: which of them are one person.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::Tx;
use kernel::{Instant, NodeNo, PartyNo};

use super::graph::read_graph;
use super::{Identity, Resolved, Working};
use crate::rules::cluster::{self, Clusters, Neighbourhood, Reason};
use crate::store::contested::{self, Contested};
use crate::store::decision;
use crate::store::holder::{self, Holder};
use crate::store::node::{self, Node};

pub(super) fn recompute(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    dirty: &BTreeSet<NodeNo>,
    crowded: &dyn Fn(NodeNo) -> bool,
    resolved: &mut Resolved,
) -> db::Result<()> {
    let decisions = decision::decision_live(identity.scope, tx)?;
    let graph = read_graph(identity, tx, working, dirty, crowded, &decisions)?;
    for part in graph.parts() {
        let neighbourhood = graph.neighbourhood(&part, working, &decisions);
        let clusters = cluster::solve(&neighbourhood, identity.rules);
        let solved = Solved { neighbourhood: &neighbourhood, clusters: &clusters, closed: &graph.closed };
        solved.apply(identity, tx, working, resolved)?;
    }
    Ok(())
}

/// A neighbourhood and what became of it.
struct Solved<'a> {
    neighbourhood: &'a Neighbourhood,
    clusters: &'a Clusters,
    closed: &'a BTreeSet<NodeNo>,
}

impl Solved<'_> {
    /// Gives every vertex the party of its cluster, splits nodes that changed hands, keeps what was refused.
    fn apply(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        working: &mut Working,
        resolved: &mut Resolved,
    ) -> db::Result<()> {
        let Self { neighbourhood, clusters, closed } = self;
        let mut numbers = Vec::with_capacity(clusters.vertices.len());
        for vertex in &clusters.vertices {
            let base = neighbourhood.nodes[vertex.node].no;
            numbers.push(match vertex.era {
                era if era > 0 && !closed.contains(&base) => {
                    era_node(identity, tx, working, base, era, vertex.first_seen)?
                }
                _ => base,
            });
        }
        for cluster in &clusters.clusters {
            let party = working.anchor(identity.scope, tx, numbers[cluster.anchor])?;
            for member in &cluster.members {
                give(working, numbers[*member], party, resolved);
            }
        }
        for (node, eras) in clusters.eras.iter().enumerate() {
            let no = neighbourhood.nodes[node].no;
            if !closed.contains(&no) {
                split(identity, tx, working, no, eras, clusters, &numbers)?;
            }
        }
        self.keep_refused(identity, tx, &numbers, resolved)
    }

    fn keep_refused(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        numbers: &[NodeNo],
        resolved: &mut Resolved,
    ) -> db::Result<()> {
        let mut rows = BTreeMap::new();
        for refused in &self.clusters.refused {
            let (x, y) = (numbers[refused.a], numbers[refused.b]);
            let is_closed = self.closed.contains(&x) || self.closed.contains(&y);
            let reason = if is_closed { name(&Reason::SuperConnected) } else { name(&refused.reason) };
            let (a, b) = (x.min(y), x.max(y));
            rows.insert((a, b), Contested { a, b, reason, evidence: refused.evidence });
        }
        let rows: Vec<Contested> = rows.into_values().collect();
        let open = self.neighbourhood.nodes.iter().map(|n| n.no).chain(numbers.iter().copied());
        let open = open.filter(|no| !self.closed.contains(no));
        let mut open: Vec<NodeNo> = BTreeSet::from_iter(open).into_iter().collect();
        if open.len() == 1 && rows.is_empty() {
            open.clear(); // Alone: it never had an edge that could have been refused.
        }
        let mut before = contested::contested_of(identity.scope, tx, &open)?;
        before.sort_unstable_by_key(|row| (row.a, row.b));
        if before != rows {
            contested::contested_replace(identity.scope, tx, &open, &rows)?;
        }
        let neighbours_max = identity.rules.document().neighbours_max as usize;
        resolved.crowded.extend(crowded_ends(self.neighbourhood, self.clusters, neighbours_max));
        Ok(())
    }
}

fn give(working: &mut Working, no: NodeNo, party: PartyNo, resolved: &mut Resolved) {
    if let Some(node) = working.get_mut(no)
        && node.party != party
    {
        if node.party.0 != 0 {
            resolved.moved.push(no);
        }
        node.party = party;
    }
}

/// The node that stands for a later holder of a recycled identifier.
fn era_node(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    base: NodeNo,
    era: u16,
    first: Instant,
) -> db::Result<NodeNo> {
    let Some(of) = working.get(base).cloned() else {
        return Err(db::Error::Other("an era of a node that is not loaded".into()));
    };
    let key = identity.key(&of.kind, &of.value, era);
    if working.by_key(&key).is_none() {
        for node in node::node_by_key(identity.scope, tx, &[key])? {
            working.insert_stored(node);
        }
    }
    if let Some(no) = working.by_key(&key).map(|node| node.no) {
        working.get_mut(no).into_iter().for_each(|node| node.first = first);
        return Ok(no);
    }
    let no = working.fresh_node(identity.scope, tx, 1)?;
    let fresh = Node {
        no,
        key,
        era,
        first,
        unbound: None,
        party: PartyNo(0),
        anchor: None,
        is_split: false,
        kind: of.kind,
        value: of.value,
    };
    working.insert_new(fresh);
    Ok(no)
}

/// Writes from when on which era holds a node's facts, if it has more than one.
fn split(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    no: NodeNo,
    eras: &[usize],
    clusters: &Clusters,
    numbers: &[NodeNo],
) -> db::Result<()> {
    let is_split = eras.len() > 1;
    let was_split = working.get(no).is_some_and(|node| node.is_split);
    if !is_split && !was_split {
        return Ok(());
    }
    let rows: Vec<Holder> = eras
        .iter()
        .filter(|_| is_split)
        .map(|vertex| {
            let era = clusters.vertices[*vertex];
            Holder { node: no, from: era.from, via: (era.era > 0).then(|| numbers[*vertex]) }
        })
        .collect();
    let before = holder::holder_of(identity.scope, tx, &[no])?;
    if before != rows {
        holder::holder_replace(identity.scope, tx, &[no], &rows)?;
        let is_kept = |era: &NodeNo| rows.iter().any(|row| row.via == Some(*era));
        let ended: Vec<NodeNo> =
            before.iter().filter_map(|row| row.via).filter(|era| !is_kept(era)).collect();
        working.load(identity.scope, tx, &ended)?;
        contested::contested_replace(identity.scope, tx, &ended, &[])?;
        for era in ended {
            // Late data did away with this era: nobody has it, and its id leads to the identifier itself.
            working.get_mut(era).into_iter().for_each(|node| node.party = PartyNo(0));
        }
    }
    working.get_mut(no).into_iter().for_each(|node| node.is_split = is_split);
    Ok(())
}

/// The end of each super-connected pair that has more such pairs than allowed: the one to blame.
fn crowded_ends(neighbourhood: &Neighbourhood, clusters: &Clusters, neighbours_max: usize) -> Vec<NodeNo> {
    let mut degree: HashMap<usize, usize> = HashMap::new();
    let pairs = clusters.refused.iter().filter(|r| r.reason == Reason::SuperConnected);
    for end in pairs.flat_map(|r| [r.a, r.b]) {
        *degree.entry(clusters.vertices[end].node).or_default() += 1;
    }
    let crowded = degree.iter().filter(|(_, pairs)| **pairs > neighbours_max);
    let mut ends: Vec<NodeNo> = crowded.map(|(node, _)| neighbourhood.nodes[*node].no).collect();
    ends.sort_unstable();
    ends
}

/// The public name of a reason.
pub(crate) fn name(reason: &Reason) -> String {
    match reason {
        Reason::Separated => "separated".to_owned(),
        Reason::Limit { kind } => format!("limit:{kind}"),
        Reason::Name => "name".to_owned(),
        Reason::BirthYear => "birth_year".to_owned(),
        Reason::Operator => "operator".to_owned(),
        Reason::Presence => "presence".to_owned(),
        Reason::SuperConnected => "super_connected".to_owned(),
        Reason::Unbound => "unbound".to_owned(),
    }
}
