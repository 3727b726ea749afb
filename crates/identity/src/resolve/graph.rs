//! The part of the graph of hard identifiers around some nodes, read from the tables and cut into what
//! can be solved alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use db::Tx;
use kernel::{Instant, NodeNo, time};

use super::{Crowded, Identity, Working};
use crate::rules::Guard;
use crate::rules::cluster::{self, Neighbourhood, Verdict};
use crate::store::claim::{self, Claim};
use crate::store::decision::{self, Body, Decision};
use crate::store::edge::{self, Edge};
use crate::store::node::Node;

/// Nodes read for one recomputation. Beyond, what is still reachable keeps its party: a graph this
/// connected is the work of an identifier that should be blocked, and shows up as contested.
const NEIGHBOURHOOD_NODES_MAX: usize = 20_000;

/// Everything reachable from one node, as the rules want it: for explanations.
///
/// # Errors
/// As the database says.
pub fn load_neighbourhood(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    from: NodeNo,
) -> db::Result<(Neighbourhood, Working)> {
    let mut working = Working::default();
    let decisions = decision::decision_live(identity.scope, tx)?;
    let start = BTreeSet::from([from]);
    let crowded = Crowded::load(identity.scope, tx)?;
    let graph = read_graph(identity, tx, &mut working, &start, &crowded, &decisions)?;
    let part = graph.parts().into_iter().find(|part| part.contains(&from)).unwrap_or_default();
    Ok((graph.neighbourhood(&part, &working, &decisions), working))
}

/// The neighbourhoods of some nodes, each with its nodes as they are stored: for reports. `crowded` is all
/// that is under the rules asked about.
///
/// # Errors
/// As the database says.
pub fn load_part(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    start: &BTreeSet<NodeNo>,
    crowded: &Crowded,
) -> db::Result<Vec<(Neighbourhood, Vec<Node>)>> {
    let mut working = Working::default();
    let decisions = decision::decision_live(identity.scope, tx)?;
    let graph = read_graph(identity, tx, &mut working, start, crowded, &decisions)?;
    let parts = graph.parts().into_iter().map(|part| {
        let nodes = part.iter().filter_map(|no| working.get(*no)).cloned().collect();
        (graph.neighbourhood(&part, &working, &decisions), nodes)
    });
    Ok(parts.collect())
}

/// The part of the graph around some nodes.
pub(super) struct Graph {
    nodes: BTreeSet<NodeNo>,
    /// Nodes known to be crowded: they link nobody, and nothing was looked for behind them.
    pub(super) closed: BTreeSet<NodeNo>,
    edges: Vec<Edge>,
    claims: HashMap<NodeNo, Vec<Claim>>,
    /// Pairs that decisions put into one neighbourhood although no edge does.
    ties: Vec<(NodeNo, NodeNo)>,
}

pub(super) fn read_graph(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    start: &BTreeSet<NodeNo>,
    crowded: &Crowded,
    decisions: &[Decision],
) -> db::Result<Graph> {
    let mut seen = start.clone();
    let mut frontier: Vec<NodeNo> = start.iter().copied().collect();
    let mut edges: BTreeMap<(NodeNo, NodeNo, i64), Edge> = BTreeMap::new();
    let mut ties = Vec::new();
    while !frontier.is_empty() && seen.len() < NEIGHBOURHOOD_NODES_MAX {
        let mut next = BTreeSet::new();
        // What a person decided holds for crowded ones too.
        for decision in decisions {
            let named = decision.body.nodes();
            if named.iter().any(|no| frontier.binary_search(no).is_ok()) {
                ties.extend(named.windows(2).map(|pair| (pair[0], pair[1])));
                next.extend(named);
            }
        }
        frontier.retain(|no| !crowded.links_nobody(*no));
        for edge in edge::edge_of(identity.scope, tx, &frontier)? {
            next.extend([edge.a, edge.b]);
            edges.insert((edge.a, edge.b, edge.bucket), edge);
        }
        frontier = next.into_iter().filter(|no| seen.insert(*no)).collect();
    }
    let numbers: Vec<NodeNo> = seen.iter().copied().collect();
    let closed: Vec<NodeNo> = seen.iter().copied().filter(|no| crowded.links_nobody(*no)).collect();
    if closed.len() > 1 {
        let between = edge::edge_between(identity.scope, tx, &closed)?;
        edges.extend(between.into_iter().map(|edge| ((edge.a, edge.b, edge.bucket), edge)));
    }
    working.load(identity.scope, tx, &numbers)?;
    let mut claims: HashMap<NodeNo, Vec<Claim>> = HashMap::new();
    for claim in claim::claim_of(identity.scope, tx, &numbers)? {
        claims.entry(claim.node).or_default().push(claim);
    }
    let closed = closed.into_iter().collect();
    Ok(Graph { nodes: seen, closed, edges: edges.into_values().collect(), claims, ties })
}

impl Graph {
    /// Its connected parts: what can be solved alone.
    pub(super) fn parts(&self) -> Vec<BTreeSet<NodeNo>> {
        let mut neighbours: HashMap<NodeNo, Vec<NodeNo>> = HashMap::new();
        let pairs = self.edges.iter().map(|e| (e.a, e.b)).chain(self.ties.iter().copied());
        for (a, b) in pairs {
            neighbours.entry(a).or_default().push(b);
            neighbours.entry(b).or_default().push(a);
        }
        let mut seen = BTreeSet::new();
        let mut parts = Vec::new();
        for start in &self.nodes {
            let mut part = BTreeSet::new();
            let mut stack = vec![*start];
            while let Some(no) = stack.pop() {
                if seen.insert(no) {
                    part.insert(no);
                    stack.extend(neighbours.get(&no).into_iter().flatten());
                }
            }
            if !part.is_empty() {
                parts.push(part);
            }
        }
        parts
    }

    pub(super) fn neighbourhood(
        &self,
        part: &BTreeSet<NodeNo>,
        working: &Working,
        decisions: &[Decision],
    ) -> Neighbourhood {
        let numbers: Vec<NodeNo> = part.iter().copied().collect();
        let index = |no: NodeNo| numbers.binary_search(&no).ok();
        let nodes = numbers.iter().filter_map(|no| working.get(*no)).map(|n| self.node(n)).collect();
        let edges = self.edges.iter().filter_map(|e| {
            let (a, b) = (index(e.a)?, index(e.b)?);
            Some(cluster::Edge { a, b, first: e.first, last: e.last, evidence: e.evidence })
        });
        let decisions = decisions.iter().filter(|d| d.body.nodes().iter().any(|no| part.contains(no)));
        let closed = self.closed.iter().filter_map(|no| index(*no)).collect();
        let decisions = decisions.map(verdict).collect();
        Neighbourhood { nodes, edges: edges.collect(), decisions, closed }
    }

    fn node(&self, node: &Node) -> cluster::Node {
        let claims = self.claims.get(&node.no).into_iter().flatten();
        cluster::Node {
            no: node.no,
            key: node.key,
            kind: Arc::from(node.kind.as_str()),
            first_seen: node.first,
            unbound_until: node.unbound,
            claims: claims.filter_map(guarded).collect(),
        }
    }
}

/// A stored claim as a guard reads it. A presence is stored as `minute|place`.
fn guarded(claim: &Claim) -> Option<cluster::Claim> {
    let (field, value) = match claim.field.as_str() {
        "name" => (Guard::Name, claim.value.clone()),
        "birth_year" => (Guard::BirthYear, claim.value.clone()),
        "operator" => (Guard::Operator, claim.value.clone()),
        "presence" => {
            let (minute, place) = claim.value.split_once('|')?;
            let at = Instant(minute.parse::<i64>().ok()?.checked_mul(time::MINUTE)?);
            let value = place.to_owned();
            return Some(cluster::Claim { field: Guard::Presence, value, first: at, last: at });
        }
        _ => return None,
    };
    Some(cluster::Claim { field, value, first: claim.first, last: claim.last })
}

fn verdict(decision: &Decision) -> cluster::Decision {
    let kind = match &decision.body {
        Body::Join { a, b } => Verdict::Join { a: *a, b: *b },
        Body::Separate { left, right } => Verdict::Separate { left: left.clone(), right: right.clone() },
    };
    cluster::Decision { id: decision.id, at: decision.at, kind }
}
