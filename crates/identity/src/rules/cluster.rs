//! Which identifiers are one party: constrained Kruskal over one connected neighbourhood.
//!
//! ```text
//! nodes ──eras──▶ vertices ──decisions, newest first──▶ ──edges, best evidence first──▶ clusters
//! ```
//!
//! A union happens only where the result keeps every limit, every separation a person decided and every
//! guard; what is refused is kept with its reason. What a person joined is united whole, and counts neither
//! for limits nor for guards. Edges are taken in the order of their content (rank of
//! their kinds, first seen, evidence), so the answer depends on what was seen and never on its arrival:
//! stream, replay and batch agree, and taking an edge or a decision back is computing again without it.
//! Loading a neighbourhood, and what a party is called, are not decided here.

mod claims;
mod era;
mod order;
mod part;
mod path;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hashbrown::HashMap;
use kernel::{Instant, Key, NodeNo};

use super::definition::{Guard, KindRef, Rules};
use claims::Claims;
use order::Ordered;
use part::{Forest, Shape};
pub use path::Step;

/// Everything that is known about identifiers reachable from one another.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Neighbourhood {
    /// The identifiers, each once, in any order.
    pub nodes: Vec<Node>,
    /// What was seen together, in any order; a pair may have several rows.
    pub edges: Vec<Edge>,
    /// What people and the matcher decided, in any order.
    pub decisions: Vec<Decision>,
    /// Nodes known to be crowded, by index: they link nobody, and not all of their edges need be here.
    pub closed: Vec<usize>,
}

/// One identifier.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// Its number in the store, by which decisions name it. Depends on arrival, so it orders nothing.
    pub no: NodeNo,
    /// The hash of its kind and value: what orders it.
    pub key: Key,
    /// Its kind.
    pub kind: Arc<str>,
    /// The earliest instant it was seen.
    pub first_seen: Instant,
    /// What was seen until this instant links it no longer.
    pub unbound_until: Option<Instant>,
    /// What was said under it that a guard may compare.
    pub claims: Vec<Claim>,
}

/// A value said under an identifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Which guard compares it. A presence's value is the place, and its minute is that of `first`.
    pub field: Guard,
    /// The value.
    pub value: String,
    /// When it was first said.
    pub first: Instant,
    /// When it was last said.
    pub last: Instant,
}

/// Two identifiers seen together, in one bucket of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// One node, as an index into the neighbourhood's.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// When they were first seen together.
    pub first: Instant,
    /// When they were last seen together.
    pub last: Instant,
    /// The message that first showed it.
    pub evidence: Key,
}

/// What a person or the matcher decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Its id.
    pub id: Key,
    /// When it was taken. Of two that contradict, the newer stands.
    pub at: Instant,
    /// What was decided.
    pub kind: Verdict,
}

/// The content of a decision. Nodes that are not in the neighbourhood are passed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Both are one party, whatever limits and guards say.
    Join {
        /// One identifier.
        a: NodeNo,
        /// The other.
        b: NodeNo,
    },
    /// No identifier on the left is one party with any on the right.
    Separate {
        /// One side.
        left: Vec<NodeNo>,
        /// The other.
        right: Vec<NodeNo>,
    },
}

/// An identifier while it was in one pair of hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vertex {
    /// The node, as an index into the neighbourhood's.
    pub node: usize,
    /// 0 for the first holder, or the only one.
    pub era: u16,
    /// Facts under the node from this instant on are this era's; [`Instant`]`(i64::MIN)` for era 0.
    pub from: Instant,
    /// When the identifier was first seen in this era.
    pub first_seen: Instant,
}

/// One party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// The vertex the party is named after: seen first, then of the better kind, then of the lower key.
    pub anchor: usize,
    /// Its vertices, in the order of [`Clusters::vertices`].
    pub members: Vec<usize>,
}

/// Two vertices seen together that stayed apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The vertex of the better kind.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Why.
    pub reason: Reason,
    /// The message that showed them together.
    pub evidence: Key,
}

/// Why two identifiers seen together are not one party.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A person decided so.
    Separated,
    /// The party would have too many identifiers of this kind.
    Limit {
        /// The kind.
        kind: Arc<str>,
    },
    /// One mobile or e-mail address, two given names.
    Name,
    /// Years of birth too far apart.
    BirthYear,
    /// Two operators.
    Operator,
    /// In two places in the same minute.
    Presence,
    /// One of them is seen with everybody.
    SuperConnected,
    /// One of them was detached afterwards.
    Unbound,
}

/// What held two vertices together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The older vertex.
    pub a: usize,
    /// The younger.
    pub b: usize,
    /// The edge or decision, by its index in the neighbourhood.
    pub by: Step,
}

/// The parties of a neighbourhood. Vertices and clusters are in an order that depends on content alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clusters {
    /// Every era of every node, oldest first.
    pub vertices: Vec<Vertex>,
    /// The cluster of each vertex.
    pub cluster_of: Vec<u32>,
    /// The parties, in the order of their anchors.
    pub clusters: Vec<Cluster>,
    /// What was seen together and stayed apart, once for each pair of vertices.
    pub refused: Vec<Refused>,
    /// The unions that were made: a tree for each cluster.
    pub links: Vec<Link>,
    /// The vertices of each node, by era.
    pub eras: Vec<Vec<usize>>,
    /// Nodes seen with too many others, in order.
    pub crowded: Vec<usize>,
}

impl Clusters {
    /// The vertex that facts under `node` at `time` belong to.
    pub fn vertex_at(&self, node: usize, time: Instant) -> usize {
        vertex_at(&self.vertices, &self.eras, node, time)
    }

    /// The cluster that facts under `node` at `time` belong to, as an index into `clusters`.
    pub fn cluster_at(&self, node: usize, time: Instant) -> usize {
        self.cluster_of[self.vertex_at(node, time)] as usize
    }
}

/// The parties of a neighbourhood under the rules.
pub fn solve(neighbourhood: &Neighbourhood, rules: &Rules) -> Clusters {
    let nodes = &neighbourhood.nodes;
    let kinds: Vec<KindRef<'_>> = nodes.iter().map(|node| rules.kind(&node.kind)).collect();
    let claims = Claims::read(nodes, &kinds, rules);
    let crowded = order::crowded(neighbourhood, rules.document().neighbours_max);
    let starts = era::starts(neighbourhood, &kinds, &claims, &crowded, rules);
    let (vertices, eras) = order::vertices(nodes, &kinds, &starts);
    let at = |node: usize, time: Instant| vertex_at(&vertices, &eras, node, time);
    let shape = Shape { nodes, kinds: &kinds, vertices: &vertices, claims: &claims };
    let mut forest = Forest::plant(&shape, &at);
    let numbers: HashMap<NodeNo, usize> = nodes.iter().enumerate().map(|(i, node)| (node.no, i)).collect();
    decide(&neighbourhood.decisions, &numbers, &at, &mut forest);
    let edges = order::edges(neighbourhood, &shape, rules, &at);
    let mut refused: HashMap<(usize, usize), Refused> = HashMap::new();
    for edge in &edges {
        if forest.is_proven(edge.a, edge.b) {
            continue;
        }
        if let Err(reason) = admit(edge, &shape, &crowded, &mut forest) {
            let new = Refused { a: edge.a, b: edge.b, reason, evidence: edge.evidence };
            let kept = refused.entry((edge.a, edge.b)).or_insert_with(|| new.clone());
            // That a pair was detached says less than why what came later did not link it again.
            if kept.reason == Reason::Unbound && new.reason != Reason::Unbound {
                *kept = new;
            }
        }
    }
    let mut refused: Vec<Refused> = refused.into_values().filter(|r| !forest.is_one(r.a, r.b)).collect();
    refused.sort_by_key(|r| (r.a, r.b));
    let (cluster_of, clusters) = forest.clusters();
    let links = forest.into_links();
    let crowded = (0..nodes.len()).filter(|node| crowded[*node]).collect();
    Clusters { vertices, cluster_of, clusters, refused, links, eras, crowded }
}

/// Applies what people decided, newest first, so that of two that contradict the newer stands.
fn decide(
    decisions: &[Decision],
    numbers: &HashMap<NodeNo, usize>,
    at: &dyn Fn(usize, Instant) -> usize,
    forest: &mut Forest<'_>,
) {
    let mut newest_first: Vec<(usize, &Decision)> = decisions.iter().enumerate().collect();
    newest_first.sort_by_key(|(_, decision)| std::cmp::Reverse((decision.at, decision.id)));
    for (index, decision) in newest_first {
        let vertex = |no: &NodeNo| numbers.get(no).map(|node| at(*node, decision.at));
        match &decision.kind {
            Verdict::Join { a, b } => {
                if let (Some(a), Some(b)) = (vertex(a), vertex(b)) {
                    forest.join(a, b, Step::Decision(index));
                }
            }
            Verdict::Separate { left, right } => {
                let side = |list: &[NodeNo]| list.iter().filter_map(vertex).collect::<Vec<_>>();
                forest.separate(&side(left), &side(right));
            }
        }
    }
}

/// Unites the ends of an edge, or says why not.
fn admit(edge: &Ordered, shape: &Shape<'_>, crowded: &[bool], forest: &mut Forest<'_>) -> Result<(), Reason> {
    if [edge.a, edge.b].iter().any(|end| crowded[shape.vertices[*end].node]) {
        return Err(Reason::SuperConnected);
    }
    if edge.is_void {
        return Err(Reason::Unbound);
    }
    for end in [edge.a, edge.b] {
        let node = shape.vertices[end].node;
        if !shape.kinds[node].can_link() {
            return Err(Reason::Limit { kind: shape.nodes[node].kind.clone() });
        }
    }
    forest.unite(edge.a, edge.b, Step::Edge(edge.index))
}

fn vertex_at(vertices: &[Vertex], eras: &[Vec<usize>], node: usize, time: Instant) -> usize {
    let of_node = &eras[node];
    let later = of_node.partition_point(|vertex| vertices[*vertex].from <= time);
    of_node[later.max(1) - 1]
}
