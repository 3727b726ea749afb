//! When an identifier that can change hands did: a recycled mobile number starts a new life.
//!
//! ```text
//! 王伟 ●──●─●        (≥ recycle_days of silence)        ●──● 李芳     two eras
//! 王伟 ●──●─●        (≥ recycle_days of silence)        ●──● 王先生   one
//! 王伟 ●──●─● u-1    (≥ recycle_days of silence)    u-1 ●──● 李芳     one: the account came along
//! ```
//!
//! Silence alone proves nothing, and neither does a new name alone: both together do, unless a hard
//! identifier that does not itself change hands was seen on both sides. What is crowded proves nothing either
//! way, and has one era itself: of what links nobody it does not matter who holds it.

use std::collections::BTreeSet;

use kernel::Instant;
use kernel::time::DAY;

use super::Neighbourhood;
use super::claims::Claims;
use crate::rules::definition::{KindRef, Rules};

/// A stretch without a long silence.
struct Stretch {
    first: Instant,
    last: Instant,
    names: BTreeSet<u32>,
    /// The steady identifiers seen with it.
    neighbours: BTreeSet<usize>,
}

/// The starts of the eras of each node; the first is always the beginning of time.
pub(super) fn starts(
    neighbourhood: &Neighbourhood,
    kinds: &[KindRef<'_>],
    claims: &Claims,
    crowded: &[bool],
    rules: &Rules,
) -> Vec<Vec<Instant>> {
    let silence = i64::from(rules.document().recycle_days) * DAY;
    let mut sightings: Vec<Vec<Stretch>> = kinds.iter().map(|_| Vec::new()).collect();
    let can_change_hands = |node: usize| kinds[node].rule.can_change_hands && !crowded[node];
    for edge in &neighbourhood.edges {
        for (node, other) in [(edge.a, edge.b), (edge.b, edge.a)] {
            if can_change_hands(node) && node != other {
                let is_steady = !kinds[other].rule.can_change_hands && !crowded[other];
                let neighbours = is_steady.then_some(other).into_iter().collect();
                sightings[node].push(Stretch {
                    first: edge.first,
                    last: edge.last,
                    names: BTreeSet::new(),
                    neighbours,
                });
            }
        }
    }
    for (number, node) in neighbourhood.nodes.iter().enumerate() {
        if !can_change_hands(number) {
            continue;
        }
        let silent = || (BTreeSet::new(), BTreeSet::new());
        // A claim is stored once with its first and last instant; what lies between may be silence.
        for (claim, name) in node.claims.iter().zip(claims.names_of(number)) {
            for at in [claim.first, claim.last] {
                let (mut names, neighbours) = silent();
                names.extend(name);
                sightings[number].push(Stretch { first: at, last: at, names, neighbours });
            }
        }
        let (names, neighbours) = silent();
        sightings[number].push(Stretch { first: node.first_seen, last: node.first_seen, names, neighbours });
    }
    sightings.into_iter().map(|seen| split(stretches(seen, silence), claims)).collect()
}

/// Joins sightings to stretches wherever less than `silence` lies between them.
fn stretches(mut sightings: Vec<Stretch>, silence: i64) -> Vec<Stretch> {
    sightings.sort_by_key(|s| (s.first, s.last));
    let mut joined: Vec<Stretch> = Vec::new();
    for next in sightings {
        match joined.last_mut() {
            Some(open) if next.first < open.last.plus(silence) => absorb(open, next),
            _ => joined.push(next),
        }
    }
    joined
}

/// Cuts where the holder changed.
fn split(stretches: Vec<Stretch>, claims: &Claims) -> Vec<Instant> {
    let mut starts = vec![Instant(i64::MIN)];
    let mut era: Option<Stretch> = None;
    for next in stretches {
        let Some(open) = &mut era else {
            era = Some(next);
            continue;
        };
        let is_new_name = claims.names_conflict(&names(open, claims), &names(&next, claims));
        if is_new_name && open.neighbours.is_disjoint(&next.neighbours) {
            starts.push(next.first);
            era = Some(next);
        } else {
            absorb(open, next);
        }
    }
    starts
}

/// The names said under the identifier itself, or else those of the identifiers it was seen with.
fn names(stretch: &Stretch, claims: &Claims) -> BTreeSet<u32> {
    if !stretch.names.is_empty() {
        return stretch.names.clone();
    }
    stretch.neighbours.iter().flat_map(|node| claims.names_of(*node).flatten()).collect()
}

fn absorb(open: &mut Stretch, next: Stretch) {
    open.last = open.last.max(next.last);
    open.names.extend(next.names);
    open.neighbours.extend(next.neighbours);
}
