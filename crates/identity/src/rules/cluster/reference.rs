//! The same decision written as a definition: sets, no state, everything recomputed at every step.
//!
//! Slow and plain on purpose. Where it and `solve` disagree, one of them is wrong.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::{DAY, MINUTE};

use super::*;
use crate::rules::names::Name;

/// A vertex by content.
pub(super) type Id = (Key, usize);

/// The clusters as sets, and why each pair that was seen together stayed apart.
pub(super) type Answer = (BTreeSet<BTreeSet<Id>>, BTreeMap<(Id, Id), Reason>);

pub(super) struct Reference<'n> {
    pub(super) all: &'n Neighbourhood,
    pub(super) rules: &'n Rules,
}

impl Reference<'_> {
    pub(super) fn solve(&self) -> Answer {
        let nodes = &self.all.nodes;
        let mut clusters: Vec<BTreeSet<(usize, usize)>> = Vec::new();
        for node in 0..nodes.len() {
            clusters.extend((0..self.starts(node).len()).map(|era| BTreeSet::from([(node, era)])));
        }
        // What evidence alone makes: limits and guards look at nothing else.
        let mut proven = clusters.clone();
        let separations = self.decide(&mut clusters);
        let mut rows: Vec<&Edge> = self.all.edges.iter().collect();
        rows.sort_by_key(|row| {
            let mut ends = [self.order(self.end(row.a, row.first)), self.order(self.end(row.b, row.first))];
            ends.sort();
            let [(kind_a, key_a), (kind_b, key_b)] = ends;
            (kind_a, kind_b, row.first, row.evidence, key_a, key_b, row.last)
        });
        let mut refused: BTreeMap<(Id, Id), Reason> = BTreeMap::new();
        for row in rows {
            let (mut a, mut b) = (self.end(row.a, row.first), self.end(row.b, row.first));
            if self.order(b) < self.order(a) {
                (a, b) = (b, a);
            }
            let (x, y) = (position(&proven, a), position(&proven, b));
            if x == y {
                continue;
            }
            let (p, q) = (position(&clusters, a), position(&clusters, b));
            let is_kept_apart =
                p != q && violates(&separations, &clusters[p].union(&clusters[q]).copied().collect());
            match self.objection(row, a, b, &proven[x], &proven[y], is_kept_apart) {
                None => {
                    unite(&mut proven, x, y);
                    unite(&mut clusters, p, q);
                }
                Some(reason) => {
                    let kept = refused.entry((self.id(a), self.id(b))).or_insert(reason.clone());
                    if *kept == Reason::Unbound {
                        *kept = reason;
                    }
                }
            }
        }
        let sets: BTreeSet<BTreeSet<Id>> =
            clusters.iter().map(|set| set.iter().map(|v| self.id(*v)).collect()).collect();
        refused.retain(|(a, b), _| !sets.iter().any(|set| set.contains(a) && set.contains(b)));
        (sets, refused)
    }

    fn decide(&self, clusters: &mut Vec<BTreeSet<(usize, usize)>>) -> Vec<[BTreeSet<(usize, usize)>; 2]> {
        let mut active: Vec<[BTreeSet<(usize, usize)>; 2]> = Vec::new();
        let mut decisions = self.all.decisions.clone();
        decisions.sort_by_key(|d| (d.at, d.id));
        while let Some(newest) = decisions.pop() {
            let find = |no: &NodeNo| {
                let node = self.all.nodes.iter().position(|n| n.no == *no)?;
                Some(self.end(node, newest.at))
            };
            match &newest.kind {
                Verdict::Join { a, b } => {
                    let (Some(a), Some(b)) = (find(a), find(b)) else { continue };
                    let (x, y) = (position(clusters, a), position(clusters, b));
                    let both: BTreeSet<_> = clusters[x].union(&clusters[y]).copied().collect();
                    if x != y && !violates(&active, &both) {
                        unite(clusters, x, y);
                    }
                }
                Verdict::Separate { left, right } => {
                    let sides =
                        [left.iter().filter_map(find).collect(), right.iter().filter_map(find).collect()];
                    if !clusters.iter().any(|set| violates(std::slice::from_ref(&sides), set)) {
                        active.push(sides);
                    }
                }
            }
        }
        active
    }

    fn objection(
        &self,
        row: &Edge,
        a: (usize, usize),
        b: (usize, usize),
        x: &BTreeSet<(usize, usize)>,
        y: &BTreeSet<(usize, usize)>,
        is_kept_apart: bool,
    ) -> Option<Reason> {
        if self.is_crowded(a.0) || self.is_crowded(b.0) {
            return Some(Reason::SuperConnected);
        }
        if self.is_void(row) {
            return Some(Reason::Unbound);
        }
        if is_kept_apart {
            return Some(Reason::Separated);
        }
        let both: BTreeSet<_> = x.union(y).copied().collect();
        let mut kinds: Vec<_> =
            both.iter().map(|(node, _)| (self.rank(*node), self.all.nodes[*node].kind.clone())).collect();
        kinds.sort();
        for (_, kind) in kinds {
            let Some(limit) = self.rules.kind(&kind).limit else { continue };
            let allowed = self.most(x, &kind, limit).max(self.most(y, &kind, limit)).max(limit.max as usize);
            if self.most(&both, &kind, limit) > allowed {
                return Some(Reason::Limit { kind });
            }
        }
        self.contradiction(x, y, self.is_contact(a.0) || self.is_contact(b.0))
    }

    /// The largest number of identifiers of a kind first seen in one window that opens with one of them.
    fn most(&self, set: &BTreeSet<(usize, usize)>, kind: &str, limit: super::super::Limit) -> usize {
        let mut seen: BTreeMap<usize, Instant> = BTreeMap::new();
        for (node, era) in set.iter().filter(|(node, _)| &*self.all.nodes[*node].kind == kind) {
            let at = if *era == 0 { self.all.nodes[*node].first_seen } else { self.starts(*node)[*era] };
            let kept = seen.entry(*node).or_insert(at);
            *kept = at.min(*kept);
        }
        let within = |open: &Instant| {
            let is_inside = |t: &&Instant| *t >= open && limit.window_micros.is_none_or(|w| t.0 - open.0 < w);
            seen.values().filter(is_inside).count()
        };
        seen.values().map(within).max().unwrap_or(0)
    }

    fn contradiction(
        &self,
        x: &BTreeSet<(usize, usize)>,
        y: &BTreeSet<(usize, usize)>,
        is_shared_contact: bool,
    ) -> Option<Reason> {
        let guards = &self.rules.document().guards;
        let apart = |field: Guard, differ: &dyn Fn(&str, &str) -> bool| {
            let (a, b) = (self.said(x, field), self.said(y, field));
            guards.contains(&field)
                && !a.is_empty()
                && !b.is_empty()
                && !a.iter().any(|v| b.iter().any(|w| !differ(v, w)))
        };
        if is_shared_contact && apart(Guard::Name, &|v, w| Name::parse(v).differs(&Name::parse(w))) {
            return Some(Reason::Name);
        }
        let year = |text: &str| text.parse::<i64>().unwrap();
        if apart(Guard::BirthYear, &|v, w| (year(v) - year(w)).abs() > 2) {
            return Some(Reason::BirthYear);
        }
        if apart(Guard::Operator, &|v, w| v != w) {
            return Some(Reason::Operator);
        }
        let places = |set: &BTreeSet<(usize, usize)>, minute: i64| -> BTreeSet<String> {
            let claims = set.iter().flat_map(|v| self.claims(*v));
            let is_then = |c: &&Claim| c.field == Guard::Presence && c.first.0.div_euclid(MINUTE) == minute;
            claims.filter(is_then).map(|c| c.value.clone()).collect()
        };
        let minutes = x.iter().flat_map(|v| self.claims(*v)).map(|c| c.first.0.div_euclid(MINUTE));
        let is_in_two_places = minutes.into_iter().any(|minute| {
            let (here, there) = (places(x, minute), places(y, minute));
            !here.is_empty() && !there.is_empty() && here.intersection(&there).next().is_none()
        });
        (guards.contains(&Guard::Presence) && is_in_two_places).then_some(Reason::Presence)
    }

    fn said(&self, set: &BTreeSet<(usize, usize)>, field: Guard) -> Vec<String> {
        let values = |is_contact: bool| -> Vec<String> {
            let of = set.iter().filter(|(node, _)| self.is_contact(*node) == is_contact);
            let claims = of.flat_map(|v| self.claims(*v));
            claims.filter(|c| c.field == field).map(|c| c.value.clone()).collect()
        };
        let people = values(false);
        telling(field, if people.is_empty() { values(true) } else { people })
    }

    fn claims(&self, (node, era): (usize, usize)) -> Vec<&Claim> {
        self.all.nodes[node].claims.iter().filter(|c| self.end(node, c.first).1 == era).collect()
    }

    fn is_void(&self, row: &Edge) -> bool {
        let until = |node: usize| self.all.nodes[node].unbound_until.unwrap_or(Instant(i64::MIN));
        let kind = |node: usize| &*self.all.nodes[node].kind;
        let mirrors = |a: usize, b: usize| self.rules.mirror(kind(a)) == Some(kind(b));
        let is_one_thing = mirrors(row.a, row.b) || mirrors(row.b, row.a);
        row.last <= until(row.a).max(until(row.b)) && !(is_one_thing && until(row.a) == until(row.b))
    }

    fn is_crowded(&self, node: usize) -> bool {
        let mut seen: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for row in self.all.edges.iter().filter(|row| row.a != row.b) {
            for (end, other) in [(row.a, row.b), (row.b, row.a)] {
                if end == node {
                    seen.entry(&self.all.nodes[other].kind).or_default().insert(other);
                }
            }
        }
        seen.values().any(|set| set.len() > self.rules.document().neighbours_max as usize)
    }

    /// The starts of the eras: at every sighting after a long silence, ask whether the holder changed.
    fn starts(&self, node: usize) -> Vec<Instant> {
        let mut starts = vec![Instant(i64::MIN)];
        if !self.rules.kind(&self.all.nodes[node].kind).rule.can_change_hands || self.is_crowded(node) {
            return starts;
        }
        let rows = || self.all.edges.iter().filter(|r| r.a != r.b && (r.a == node || r.b == node));
        let claims = &self.all.nodes[node].claims;
        let first_seen = self.all.nodes[node].first_seen;
        let mut spans: Vec<(Instant, Instant)> = rows().map(|r| (r.first, r.last)).collect();
        spans.extend(claims.iter().flat_map(|c| [(c.first, c.first), (c.last, c.last)]));
        spans.push((first_seen, first_seen));
        let silence = i64::from(self.rules.document().recycle_days) * DAY;
        let is_awakening = |at: &Instant| {
            let before = spans.iter().filter(|(first, _)| first < at);
            before.map(|(_, last)| *last).max().is_some_and(|last| at.0 >= last.0 + silence)
        };
        let mut awakenings: Vec<Instant> = spans.iter().map(|s| s.0).filter(is_awakening).collect();
        awakenings.sort();
        awakenings.dedup();
        for (i, at) in awakenings.iter().enumerate() {
            let until = awakenings.get(i + 1).copied().unwrap_or(Instant(i64::MAX));
            let open = *starts.last().unwrap();
            let steady = |from: Instant, to: Instant| -> BTreeSet<usize> {
                let inside = rows().filter(|r| from <= r.first && r.first < to);
                let others = inside.map(|r| if r.a == node { r.b } else { r.a });
                others
                    .filter(|n| {
                        !self.is_crowded(*n)
                            && !self.rules.kind(&self.all.nodes[*n].kind).rule.can_change_hands
                    })
                    .collect()
            };
            let names = |from: Instant, to: Instant| -> Vec<String> {
                let name = |c: &&Claim| c.field == Guard::Name;
                let is_inside = |at: Instant| from <= at && at < to;
                let own = claims.iter().filter(name).filter(|c| is_inside(c.first) || is_inside(c.last));
                let mut found: Vec<String> = own.map(|c| c.value.clone()).collect();
                if found.is_empty() {
                    let theirs = steady(from, to).into_iter().flat_map(|n| self.all.nodes[n].claims.iter());
                    found = theirs.filter(name).map(|c| c.value.clone()).collect();
                }
                telling(Guard::Name, found)
            };
            let (old, new) = (names(open, *at), names(*at, until));
            let agree = |v: &String| new.iter().any(|w| !Name::parse(v).differs(&Name::parse(w)));
            let is_new_name = !old.is_empty() && !new.is_empty() && !old.iter().any(agree);
            if is_new_name && steady(open, *at).is_disjoint(&steady(*at, until)) {
                starts.push(*at);
            }
        }
        starts
    }

    fn end(&self, node: usize, time: Instant) -> (usize, usize) {
        (node, self.starts(node).iter().filter(|from| **from <= time).count() - 1)
    }

    fn order(&self, (node, era): (usize, usize)) -> ((u16, Arc<str>), (Key, usize)) {
        ((self.rank(node), self.all.nodes[node].kind.clone()), (self.all.nodes[node].key, era))
    }

    fn rank(&self, node: usize) -> u16 {
        self.rules.rank(&self.all.nodes[node].kind)
    }

    fn is_contact(&self, node: usize) -> bool {
        self.rules.kind(&self.all.nodes[node].kind).rule.is_shared_contact()
    }

    fn id(&self, (node, era): (usize, usize)) -> Id {
        (self.all.nodes[node].key, era)
    }
}

/// Full names where there are any; all other values as they are.
fn telling(field: Guard, values: Vec<String>) -> Vec<String> {
    let is_full = |v: &&String| field == Guard::Name && Name::parse(v).is_full();
    let full: Vec<String> = values.iter().filter(is_full).cloned().collect();
    if full.is_empty() { values } else { full }
}

fn violates(separations: &[[BTreeSet<(usize, usize)>; 2]], set: &BTreeSet<(usize, usize)>) -> bool {
    separations.iter().any(|sides| sides.iter().all(|side| !side.is_disjoint(set)))
}

fn position(clusters: &[BTreeSet<(usize, usize)>], vertex: (usize, usize)) -> usize {
    clusters.iter().position(|set| set.contains(&vertex)).unwrap()
}

fn unite(clusters: &mut Vec<BTreeSet<(usize, usize)>>, x: usize, y: usize) {
    if x == y {
        return;
    }
    let gone = clusters[y].clone();
    clusters[x].extend(gone);
    clusters.remove(y);
}
