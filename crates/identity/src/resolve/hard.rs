//! Hard identifiers: which of them are one person.

use std::collections::{BTreeMap, BTreeSet};

use db::Tx;
use kernel::{Instant, NodeNo, PartyNo};

use super::graph::read_graph;
use super::{Crowded, Identity, Resolved, Working};
use crate::rules::cluster::{self, Clusters, Neighbourhood, Reason};
use crate::store::contested::{self, Contested};
use crate::store::crowded::Via;
use crate::store::decision;
use crate::store::holder::{self, Holder};
use crate::store::node::{self, Node};

pub(super) fn recompute(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    dirty: &BTreeSet<NodeNo>,
    crowded: &mut Crowded,
    resolved: &mut Resolved,
) -> db::Result<()> {
    let decisions = decision::decision_live(identity.scope, tx)?;
    let graph = read_graph(identity, tx, working, dirty, crowded, &decisions)?;
    for part in graph.parts() {
        let neighbourhood = graph.neighbourhood(&part, working, &decisions);
        let clusters = cluster::solve(&neighbourhood, identity.rules);
        let solved = Solved { neighbourhood: &neighbourhood, clusters: &clusters, closed: &graph.closed };
        solved.apply(identity, tx, working, resolved)?;
        let found = clusters.crowded.iter().map(|node| neighbourhood.nodes[*node].no);
        crowded.add(identity.scope, tx, found, Via::Edge)?;
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
        let Self { neighbourhood, clusters, .. } = self;
        let mut numbers = Vec::with_capacity(clusters.vertices.len());
        for vertex in &clusters.vertices {
            let base = neighbourhood.nodes[vertex.node].no;
            numbers.push(match vertex.era {
                0 => base,
                era => era_node(identity, tx, working, base, era, vertex.first_seen)?,
            });
        }
        for cluster in &clusters.clusters {
            let party = working.anchor(identity.scope, tx, numbers[cluster.anchor])?;
            for member in &cluster.members {
                give(working, numbers[*member], party, resolved);
            }
        }
        let mut ended = Vec::new();
        for (node, eras) in clusters.eras.iter().enumerate() {
            let no = neighbourhood.nodes[node].no;
            ended.extend(split(identity, tx, working, no, (eras, clusters, &numbers), resolved)?);
        }
        self.keep_refused(identity, tx, &numbers, &ended)
    }

    /// Keeps what was refused, and nothing that is not any more; `ended` are eras that are no more.
    fn keep_refused(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        numbers: &[NodeNo],
        ended: &[NodeNo],
    ) -> db::Result<()> {
        let mut rows = BTreeMap::new();
        for refused in &self.clusters.refused {
            let (x, y) = (numbers[refused.a], numbers[refused.b]);
            let reason = name(&refused.reason);
            let (a, b) = (x.min(y), x.max(y));
            rows.insert((a, b), Contested { a, b, reason, evidence: refused.evidence });
        }
        let all = self.neighbourhood.nodes.iter().map(|n| n.no).chain(numbers.iter().chain(ended).copied());
        let all = Vec::from_iter(BTreeSet::from_iter(all));
        if all.len() == 1 && rows.is_empty() {
            return Ok(()); // Alone: it never had an edge that could have been refused.
        }
        let mut gone = Vec::new();
        for before in self.refused_before(identity, tx, &all)? {
            let pair = (before.a, before.b);
            match rows.get(&pair) {
                Some(now) if *now == before => drop(rows.remove(&pair)),
                Some(_) => {}
                None => gone.push(pair),
            }
        }
        contested::contested_delete(identity.scope, tx, &gone)?;
        contested::contested_put(identity.scope, tx, &Vec::from_iter(rows.into_values()))
    }

    /// What is stored as refused between `all`: of a closed node others are refused that are not here.
    fn refused_before(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        all: &[NodeNo],
    ) -> db::Result<Vec<Contested>> {
        let (closed, open): (Vec<NodeNo>, Vec<NodeNo>) = all.iter().partition(|no| self.closed.contains(no));
        let mut before = contested::contested_of(identity.scope, tx, &open)?;
        for no in closed {
            before.extend(contested::contested_between(identity.scope, tx, no, all)?);
        }
        Ok(before)
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

/// Writes from when on which era holds a node's facts, if it has more than one. Returns the eras that ended.
fn split(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    no: NodeNo,
    (eras, clusters, numbers): (&[usize], &Clusters, &[NodeNo]),
    resolved: &mut Resolved,
) -> db::Result<Vec<NodeNo>> {
    let is_split = eras.len() > 1;
    let was_split = working.get(no).is_some_and(|node| node.is_split);
    let mut ended = Vec::new();
    if !is_split && !was_split {
        return Ok(ended);
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
        ended.extend(before.iter().filter_map(|row| row.via).filter(|era| !is_kept(era)));
        let holders = before.iter().chain(&rows).filter_map(|row| row.via).chain([no]);
        let parties = working.parties_behind(identity.scope, tx, holders)?;
        resolved.rewritten.extend(&parties);
        resolved.regrouped.extend(parties);
        working.load(identity.scope, tx, &ended)?;
        for era in &ended {
            // Late data did away with this era: nobody has it, and its id leads to the identifier itself.
            working.get_mut(*era).into_iter().for_each(|node| node.party = PartyNo(0));
        }
    }
    working.get_mut(no).into_iter().for_each(|node| node.is_split = is_split);
    Ok(ended)
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
