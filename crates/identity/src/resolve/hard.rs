//! Hard identifiers: which of them are one person.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use db::Tx;
use kernel::{Instant, NodeNo, PartyNo, time};

use super::{Identity, Resolved, Working};
use crate::rules::Guard;
use crate::rules::cluster::{self, Clusters, Neighbourhood, Reason, Verdict};
use crate::store::claim::{self, Claim};
use crate::store::contested::{self, Contested};
use crate::store::decision::{self, Body, Decision};
use crate::store::edge::{self, Edge};
use crate::store::holder::{self, Holder};
use crate::store::node::{self, Node};

/// Nodes read for one recomputation. Beyond, what is still reachable keeps its party: a graph this
/// connected is the work of an identifier that should be blocked, and shows up as contested.
const NEIGHBOURHOOD_NODES_MAX: usize = 20_000;

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
    let graph = read_graph(identity, tx, &mut working, &start, &|_| false, &decisions)?;
    let part = graph.parts().into_iter().find(|part| part.contains(&from)).unwrap_or_default();
    Ok((graph.neighbourhood(&part, &working, &decisions), working))
}

/// The neighbourhoods of some nodes, each with its nodes as they are stored: for reports.
///
/// # Errors
/// As the database says.
pub fn load_part(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    start: &BTreeSet<NodeNo>,
) -> db::Result<Vec<(Neighbourhood, Vec<Node>)>> {
    let mut working = Working::default();
    let decisions = decision::decision_live(identity.scope, tx)?;
    let graph = read_graph(identity, tx, &mut working, start, &|_| false, &decisions)?;
    let parts = graph.parts().into_iter().map(|part| {
        let nodes = part.iter().filter_map(|no| working.get(*no)).cloned().collect();
        (graph.neighbourhood(&part, &working, &decisions), nodes)
    });
    Ok(parts.collect())
}

/// The part of the graph around some nodes.
struct Graph {
    nodes: BTreeSet<NodeNo>,
    /// Nodes known to be crowded: they link nobody, and nothing was looked for behind them.
    closed: BTreeSet<NodeNo>,
    edges: Vec<Edge>,
    claims: HashMap<NodeNo, Vec<Claim>>,
    /// Pairs that decisions put into one neighbourhood although no edge does.
    ties: Vec<(NodeNo, NodeNo)>,
}

fn read_graph(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    working: &mut Working,
    start: &BTreeSet<NodeNo>,
    crowded: &dyn Fn(NodeNo) -> bool,
    decisions: &[Decision],
) -> db::Result<Graph> {
    let mut seen = start.clone();
    let mut frontier: Vec<NodeNo> = start.iter().copied().filter(|no| !crowded(*no)).collect();
    let mut edges: BTreeMap<(NodeNo, NodeNo, i64), Edge> = BTreeMap::new();
    let mut ties = Vec::new();
    while !frontier.is_empty() && seen.len() < NEIGHBOURHOOD_NODES_MAX {
        let mut next = BTreeSet::new();
        for edge in edge::edge_of(identity.scope, tx, &frontier)? {
            next.extend([edge.a, edge.b]);
            edges.insert((edge.a, edge.b, edge.bucket), edge);
        }
        for decision in decisions {
            let named = decision.body.nodes();
            if named.iter().any(|no| frontier.binary_search(no).is_ok() || start.contains(no)) {
                ties.extend(named.windows(2).map(|pair| (pair[0], pair[1])));
                next.extend(named);
            }
        }
        frontier = next.into_iter().filter(|no| seen.insert(*no) && !crowded(*no)).collect();
    }
    let numbers: Vec<NodeNo> = seen.iter().copied().collect();
    working.load(identity.scope, tx, &numbers)?;
    let mut claims: HashMap<NodeNo, Vec<Claim>> = HashMap::new();
    for claim in claim::claim_of(identity.scope, tx, &numbers)? {
        claims.entry(claim.node).or_default().push(claim);
    }
    let closed = seen.iter().copied().filter(|no| crowded(*no)).collect();
    Ok(Graph { nodes: seen, closed, edges: edges.into_values().collect(), claims, ties })
}

impl Graph {
    /// Its connected parts: what can be solved alone.
    fn parts(&self) -> Vec<BTreeSet<NodeNo>> {
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

    fn neighbourhood(
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
        Neighbourhood { nodes, edges: edges.collect(), decisions: decisions.map(verdict).collect() }
    }

    fn node(&self, node: &Node) -> cluster::Node {
        let claims = self.claims.get(&node.no).into_iter().flatten();
        cluster::Node {
            no: node.no,
            key: node.key,
            kind: Arc::from(node.kind.as_str()),
            first_seen: node.first,
            // Not all edges of a closed node are here, so it cannot show that it is crowded.
            unbound_until: if self.closed.contains(&node.no) {
                Some(Instant(i64::MAX))
            } else {
                node.unbound
            },
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
