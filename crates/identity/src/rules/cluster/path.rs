//! Why two identifiers are one party: the chain of evidence between them.

use std::collections::VecDeque;

use super::Clusters;

/// One link of a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// An edge, by its index in the neighbourhood.
    Edge(usize),
    /// A decision, by its index in the neighbourhood.
    Decision(usize),
}

impl Clusters {
    /// The unions that lead from vertex `a` to vertex `b`; empty for a vertex and itself, `None` for
    /// vertices of two clusters. The unions form trees, so there is one such path at most.
    pub fn path(&self, a: usize, b: usize) -> Option<Vec<Step>> {
        if self.cluster_of[a] != self.cluster_of[b] {
            return None;
        }
        let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); self.vertices.len()];
        for (number, link) in self.links.iter().enumerate() {
            neighbours[link.a].push(number);
            neighbours[link.b].push(number);
        }
        // Searched from the end, so that the way back reads from `a` to `b`.
        let mut came_by: Vec<Option<usize>> = vec![None; self.vertices.len()];
        let mut queue = VecDeque::from([b]);
        while let Some(vertex) = queue.pop_front() {
            for &number in &neighbours[vertex] {
                let next = self.other_end(number, vertex);
                if next != b && came_by[next].is_none() {
                    came_by[next] = Some(number);
                    queue.push_back(next);
                }
            }
        }
        let mut path = Vec::new();
        let mut vertex = a;
        while let Some(number) = came_by[vertex].filter(|_| vertex != b) {
            path.push(self.links[number].by);
            vertex = self.other_end(number, vertex);
        }
        Some(path)
    }

    fn other_end(&self, link: usize, vertex: usize) -> usize {
        let link = &self.links[link];
        if link.a == vertex { link.b } else { link.a }
    }
}
