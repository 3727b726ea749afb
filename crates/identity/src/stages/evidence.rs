//! Gathers what a batch's sightings say, each fact once: edges, touches, claims, detachments.

use std::collections::BTreeMap;

use kernel::{Instant, Key, NodeNo};

use super::sighting::Seen;
use crate::store::claim::Claim;
use crate::store::edge::Edge;
use crate::store::touch::Touch;

/// A node of a record that was found or made.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) no: NodeNo,
    pub(super) is_hard: bool,
    pub(super) bucket_micros: i64,
}

impl End {
    pub(super) fn of(no: NodeNo, seen: &Seen) -> Self {
        Self { no, is_hard: seen.is_hard, bucket_micros: seen.bucket_micros }
    }
}

/// When something was first and last seen, and the first event that showed it.
type Range = (Instant, Instant, Key);

/// The facts of a batch.
#[derive(Default)]
pub(super) struct Evidence {
    hard_edges: BTreeMap<(NodeNo, NodeNo, i64), Range>,
    soft_edges: BTreeMap<(NodeNo, NodeNo, i64), Range>,
    touches: BTreeMap<(NodeNo, NodeNo, i64), Range>,
    claims: BTreeMap<(NodeNo, &'static str, String), (Instant, Instant)>,
    pub(super) detached: BTreeMap<NodeNo, Instant>,
}

impl Evidence {
    /// Two identifiers on one record; `a` is the one the record is about.
    pub(super) fn together(&mut self, a: End, b: End, at: Instant, event: Key) {
        let range = (at, at, event);
        match (a.is_hard, b.is_hard) {
            (true, false) => widen(&mut self.touches, (b.no, a.no, bucket(b.bucket_micros, at)), range),
            (true, true) => {
                let width = a.bucket_micros.max(b.bucket_micros);
                widen(&mut self.hard_edges, (a.no, b.no, bucket(width, at)), range);
            }
            (false, _) => widen(&mut self.soft_edges, (a.no, b.no, 0), range),
        }
    }

    /// Something said about the holder of `node`.
    pub(super) fn claim(&mut self, node: NodeNo, field: &'static str, value: &str, at: Instant) {
        let slot = self.claims.entry((node, field, value.to_owned())).or_insert((at, at));
        *slot = (slot.0.min(at), slot.1.max(at));
    }

    /// `node` no longer belongs to those it was seen with until `at`.
    pub(super) fn detach(&mut self, node: NodeNo, at: Instant) {
        let until = self.detached.entry(node).or_insert(at);
        *until = (*until).max(at);
    }

    pub(super) fn hard_edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.hard_edges.iter().map(edge)
    }

    pub(super) fn soft_edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.soft_edges.iter().map(edge)
    }

    pub(super) fn touches(&self) -> impl Iterator<Item = Touch> + '_ {
        self.touches.iter().map(|(&(soft, hard, bucket), &(first, last, evidence))| Touch {
            soft,
            hard,
            bucket,
            first,
            last,
            evidence,
        })
    }

    pub(super) fn claims(&self) -> impl Iterator<Item = Claim> + '_ {
        self.claims.iter().map(|((node, field, value), &(first, last))| Claim {
            node: *node,
            field: (*field).to_owned(),
            value: value.clone(),
            first,
            last,
        })
    }
}

fn edge((id, range): (&(NodeNo, NodeNo, i64), &Range)) -> Edge {
    let (&(a, b, bucket), &(first, last, evidence)) = (id, range);
    Edge { a, b, bucket, first, last, evidence }
}

fn bucket(width: i64, at: Instant) -> i64 {
    if width == 0 { 0 } else { at.0.div_euclid(width) }
}

fn widen<K: Ord>(map: &mut BTreeMap<K, Range>, id: K, range: Range) {
    let slot = map.entry(id).or_insert(range);
    if (range.0, range.2) < (slot.0, slot.2) {
        (slot.0, slot.2) = (range.0, range.2);
    }
    slot.1 = slot.1.max(range.1);
}
