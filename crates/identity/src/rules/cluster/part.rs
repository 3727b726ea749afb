//! The growing clusters: two union-finds whose every part knows what it may not take in.
//!
//! What evidence alone holds together is *proven*; a proven part carries its identifiers by limited kind
//! and what it said, which limits and guards compare. With what people joined it makes the *whole*
//! parties, which carry the sides they are on in separations. A join says nothing about the evidence, so
//! it must not keep an identifier from the person it belongs to: two parties that were joined are exactly
//! the two they were before. Sets merge small into large, so a neighbourhood costs about what its edges
//! cost to sort.

use std::cmp::Reverse;

use kernel::Instant;

use super::claims::{Claims, Said};
use super::path::Step;
use super::{Cluster, Link, Node, Reason, Vertex};
use crate::rules::definition::{KindRef, Limit};

/// What the forest stands on.
pub(super) struct Shape<'n> {
    pub(super) nodes: &'n [Node],
    pub(super) kinds: &'n [KindRef<'n>],
    pub(super) vertices: &'n [Vertex],
    pub(super) claims: &'n Claims,
}

/// What holds together by evidence, while it grows.
#[derive(Default)]
struct Part {
    counted: Vec<Counted>,
    said: Said,
}

/// The identifiers of one kind in one part.
#[derive(Clone)]
struct Counted {
    /// A node of the kind, standing for it.
    sample: usize,
    seen: Vec<(Instant, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// All parts.
pub(super) struct Forest<'n> {
    shape: &'n Shape<'n>,
    proven: Sets,
    /// Of the roots of proven parts.
    parts: Vec<Part>,
    whole: Sets,
    /// Of the roots of whole parties.
    sides: Vec<Vec<(usize, Side)>>,
    separations: usize,
    links: Vec<Link>,
}

/// Disjoint sets of vertices.
struct Sets {
    parent: Vec<usize>,
    size: Vec<u32>,
}

impl Sets {
    fn singles(count: usize) -> Self {
        Self { parent: (0..count).collect(), size: vec![1; count] }
    }

    fn root(&self, mut vertex: usize) -> usize {
        // Union by size keeps every path logarithmic, so there is nothing to compress.
        while self.parent[vertex] != vertex {
            vertex = self.parent[vertex];
        }
        vertex
    }

    /// Unites two sets: the root that stays and the one that is gone, or nothing if they are one.
    fn unite(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (mut large, mut small) = (self.root(a), self.root(b));
        if large == small {
            return None;
        }
        if (self.size[large], Reverse(large)) < (self.size[small], Reverse(small)) {
            (large, small) = (small, large);
        }
        self.parent[small] = large;
        self.size[large] += self.size[small];
        Some((large, small))
    }
}

impl<'n> Forest<'n> {
    /// Every vertex alone; a claim goes to the era in which it was first made.
    pub(super) fn plant(shape: &'n Shape<'n>, at: &dyn Fn(usize, Instant) -> usize) -> Self {
        let single = |vertex: &Vertex| {
            let kind = &shape.kinds[vertex.node];
            let counted = Counted { sample: vertex.node, seen: vec![(vertex.first_seen, vertex.node)] };
            let counted = if kind.limit.is_some() { vec![counted] } else { Vec::new() };
            Part { counted, ..Part::default() }
        };
        let mut parts: Vec<Part> = shape.vertices.iter().map(single).collect();
        for (number, node) in shape.nodes.iter().enumerate() {
            for (index, claim) in node.claims.iter().enumerate() {
                let said = &mut parts[at(number, claim.first)].said;
                shape.claims.file(number, index, claim, said);
            }
        }
        let count = parts.len();
        Self {
            shape,
            proven: Sets::singles(count),
            parts,
            whole: Sets::singles(count),
            sides: vec![Vec::new(); count],
            separations: 0,
            links: Vec::new(),
        }
    }

    /// Whether both vertices are of one party.
    pub(super) fn is_one(&self, a: usize, b: usize) -> bool {
        self.whole.root(a) == self.whole.root(b)
    }

    /// Whether evidence alone makes them one.
    pub(super) fn is_proven(&self, a: usize, b: usize) -> bool {
        self.proven.root(a) == self.proven.root(b)
    }

    /// Unites two parties because somebody decided so; only a newer separation is stronger.
    pub(super) fn join(&mut self, a: usize, b: usize, by: Step) {
        if !self.is_separated(a, b) {
            self.merge(a, b, by);
        }
    }

    /// Keeps two sets of vertices apart from now on, unless newer joins have already made them one.
    pub(super) fn separate(&mut self, left: &[usize], right: &[usize]) {
        if left.iter().any(|a| right.iter().any(|b| self.is_one(*a, *b))) {
            return;
        }
        let number = self.separations;
        self.separations += 1;
        for (vertices, side) in [(left, Side::Left), (right, Side::Right)] {
            for vertex in vertices {
                let sides = &mut self.sides[self.whole.root(*vertex)];
                sides.push((number, side));
                tidy(sides);
            }
        }
    }

    /// Unites two different proven parts because their ends were seen together, or says why not.
    pub(super) fn unite(&mut self, a: usize, b: usize, by: Step) -> Result<(), Reason> {
        if self.is_separated(a, b) {
            return Err(Reason::Separated);
        }
        let (x, y) = (self.proven.root(a), self.proven.root(b));
        if let Some(sample) = self.exceeded(x, y) {
            return Err(Reason::Limit { kind: self.shape.nodes[sample].kind.clone() });
        }
        let is_contact =
            |vertex: usize| self.shape.kinds[self.shape.vertices[vertex].node].rule.is_shared_contact();
        let is_shared_contact = is_contact(a) || is_contact(b);
        let (of_x, of_y) = (&self.parts[x].said, &self.parts[y].said);
        if let Some(reason) = self.shape.claims.contradiction(of_x, of_y, is_shared_contact) {
            return Err(reason);
        }
        self.prove(a, b);
        self.merge(a, b, by);
        Ok(())
    }

    /// The cluster of each vertex and the clusters, in the order of their anchors.
    pub(super) fn clusters(&self) -> (Vec<u32>, Vec<Cluster>) {
        let mut clusters: Vec<Cluster> = Vec::new();
        let mut cluster_of_root = vec![u32::MAX; self.parts.len()];
        let mut cluster_of = Vec::with_capacity(self.parts.len());
        for vertex in 0..self.parts.len() {
            let number = &mut cluster_of_root[self.whole.root(vertex)];
            if *number == u32::MAX {
                *number = clusters.len() as u32;
                clusters.push(Cluster { anchor: vertex, members: Vec::new() });
            }
            clusters[*number as usize].members.push(vertex);
            cluster_of.push(*number);
        }
        (cluster_of, clusters)
    }

    /// The unions made.
    pub(super) fn into_links(self) -> Vec<Link> {
        self.links
    }

    fn is_separated(&self, a: usize, b: usize) -> bool {
        let (few, many) = (&self.sides[self.whole.root(a)], &self.sides[self.whole.root(b)]);
        few.iter().any(|(n, side)| many.iter().any(|(m, other)| n == m && side != other))
    }

    /// A node of the first kind of which the united part would have too many.
    fn exceeded(&self, x: usize, y: usize) -> Option<usize> {
        let (of_x, of_y) = (&self.parts[x].counted, &self.parts[y].counted);
        let mut exceeded: Vec<usize> = Vec::new();
        for mine in of_x {
            let Some(theirs) = of_y.iter().find(|c| self.is_same_kind(c.sample, mine.sample)) else {
                continue;
            };
            let Some(limit) = self.shape.kinds[mine.sample].limit else { continue };
            let both: Vec<_> = mine.seen.iter().chain(&theirs.seen).copied().collect();
            if crowd(both, limit) > limit.max as usize {
                exceeded.push(mine.sample);
            }
        }
        exceeded.into_iter().min_by_key(|n| (self.shape.kinds[*n].rank, &self.shape.nodes[*n].kind))
    }

    fn is_same_kind(&self, a: usize, b: usize) -> bool {
        self.shape.nodes[a].kind == self.shape.nodes[b].kind
    }

    /// Unites what evidence holds together.
    fn prove(&mut self, a: usize, b: usize) {
        let Some((large, small)) = self.proven.unite(a, b) else { return };
        let gone = std::mem::take(&mut self.parts[small]);
        for theirs in gone.counted {
            let same =
                self.parts[large].counted.iter().position(|c| self.is_same_kind(c.sample, theirs.sample));
            match same {
                Some(i) => self.parts[large].counted[i].seen.extend(theirs.seen),
                None => self.parts[large].counted.push(theirs),
            }
        }
        self.parts[large].said.absorb(gone.said);
    }

    /// Unites parties.
    fn merge(&mut self, a: usize, b: usize, by: Step) {
        let Some((large, small)) = self.whole.unite(a, b) else { return };
        let gone = std::mem::take(&mut self.sides[small]);
        self.sides[large].extend(gone);
        tidy(&mut self.sides[large]);
        self.links.push(Link { a: a.min(b), b: a.max(b), by });
    }
}

fn tidy(sides: &mut Vec<(usize, Side)>) {
    sides.sort_unstable();
    sides.dedup();
}

/// The most identifiers that were first seen within one window. Two eras of one number count once.
fn crowd(mut seen: Vec<(Instant, usize)>, limit: Limit) -> usize {
    seen.sort_unstable_by_key(|(time, node)| (*node, *time));
    seen.dedup_by_key(|(_, node)| *node);
    let Some(window) = limit.window_micros else {
        return seen.len();
    };
    seen.sort_unstable();
    let mut from = 0;
    let mut most = 0;
    for (to, (time, _)) in seen.iter().enumerate() {
        while time.0.saturating_sub(seen[from].0.0) >= window {
            from += 1;
        }
        most = most.max(to - from + 1);
    }
    most
}
