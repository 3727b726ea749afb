//! The order in which vertices are numbered and edges are tried. It comes from content alone: kinds,
//! instants and hashes. Store numbers and positions in the input, which depend on arrival, never count.

use kernel::{Instant, Key};

use super::part::Shape;
use super::{Edge, Neighbourhood, Node, Vertex};
use crate::rules::definition::{KindRef, Rules};

/// An edge row between the vertices it belongs to.
pub(super) struct Ordered {
    /// The vertex of the better kind.
    pub(super) a: usize,
    pub(super) b: usize,
    /// Its position in the neighbourhood.
    pub(super) index: usize,
    pub(super) evidence: Key,
    /// Whether an end was detached after it.
    pub(super) is_void: bool,
}

/// The vertices in their canonical order, and those of each node. The least vertex of a cluster is its
/// anchor: seen first, then of the better kind, then of the lower key.
pub(super) fn vertices(
    nodes: &[Node],
    kinds: &[KindRef<'_>],
    starts: &[Vec<Instant>],
) -> (Vec<Vertex>, Vec<Vec<usize>>) {
    let mut vertices: Vec<Vertex> = Vec::with_capacity(nodes.len());
    for (node, starts) in starts.iter().enumerate() {
        for (era, from) in starts.iter().enumerate() {
            let first_seen = if era == 0 { nodes[node].first_seen } else { *from };
            vertices.push(Vertex { node, era: era as u16, from: *from, first_seen });
        }
    }
    let content =
        |v: &Vertex| (v.first_seen, kinds[v.node].rank, &nodes[v.node].kind, nodes[v.node].key, v.era);
    vertices.sort_by(|v, w| content(v).cmp(&content(w)));
    let mut eras: Vec<Vec<usize>> = starts.iter().map(|starts| vec![0; starts.len()]).collect();
    for (number, vertex) in vertices.iter().enumerate() {
        eras[vertex.node][usize::from(vertex.era)] = number;
    }
    (vertices, eras)
}

/// The edges in the order they are tried: best kinds first, then oldest.
pub(super) fn edges(
    neighbourhood: &Neighbourhood,
    shape: &Shape<'_>,
    rules: &Rules,
    at: &dyn Fn(usize, Instant) -> usize,
) -> Vec<Ordered> {
    let nodes = shape.nodes;
    let end = |vertex: usize| {
        let Vertex { node, era, .. } = shape.vertices[vertex];
        ((shape.kinds[node].rank, &nodes[node].kind), nodes[node].key, era)
    };
    let mut ordered = Vec::with_capacity(neighbourhood.edges.len());
    for (index, edge) in neighbourhood.edges.iter().enumerate() {
        let (mut a, mut b) = (at(edge.a, edge.first), at(edge.b, edge.first));
        if a == b {
            continue;
        }
        if end(b) < end(a) {
            (a, b) = (b, a);
        }
        let is_void = is_void(edge, nodes, rules);
        ordered.push(Ordered { a, b, index, evidence: edge.evidence, is_void });
    }
    let content = |o: &Ordered| {
        let ((kind_a, key_a, era_a), (kind_b, key_b, era_b)) = (end(o.a), end(o.b));
        let edge = &neighbourhood.edges[o.index];
        (kind_a, kind_b, edge.first, o.evidence, (key_a, era_a), (key_b, era_b), edge.last)
    };
    ordered.sort_by(|o, p| content(o).cmp(&content(p)));
    ordered
}

/// Whether a detachment has ended what an edge says. An identifier and its mirror are one thing under two
/// names: detached together, they stay together.
fn is_void(edge: &Edge, nodes: &[Node], rules: &Rules) -> bool {
    let (a, b) = (&nodes[edge.a], &nodes[edge.b]);
    let is_ended = |node: &Node| node.unbound_until.is_some_and(|until| edge.last <= until);
    let is_mirror = |of: &Node, other: &Node| rules.mirror(&of.kind) == Some(&*other.kind);
    let stays = a.unbound_until == b.unbound_until && (is_mirror(a, b) || is_mirror(b, a));
    (is_ended(a) || is_ended(b)) && !stays
}

/// Which nodes were ever seen with more than `neighbours_max` identifiers of one kind: a company's hotline,
/// a cashier's own member number. Being so is for good, whatever was detached or changed hands, so that
/// nobody ever has to look behind such a node again.
pub(super) fn crowded(neighbourhood: &Neighbourhood, neighbours_max: u32) -> Vec<bool> {
    let Neighbourhood { nodes, edges, closed, .. } = neighbourhood;
    let mut crowded = vec![false; nodes.len()];
    closed.iter().for_each(|node| crowded[*node] = true);
    if edges.len() <= neighbours_max as usize {
        return crowded;
    }
    let ends =
        edges.iter().filter(|edge| edge.a != edge.b).flat_map(|edge| [(edge.a, edge.b), (edge.b, edge.a)]);
    let mut seen: Vec<(usize, &str, usize)> =
        ends.map(|(node, other)| (node, &*nodes[other].kind, other)).collect();
    seen.sort_unstable();
    seen.dedup();
    for same in seen.chunk_by(|x, y| x.0 == y.0 && x.1 == y.1) {
        crowded[same[0].0] |= same.len() > neighbours_max as usize;
    }
    crowded
}
