//! Finds the node each event's facts belong to, and keeps the graph of identifiers and its parties.
//!
//! ```text
//! record → identifiers (normalised) → nodes (found or made) → edges, touches, claims
//!        → what changed in a way that can move somebody → that neighbourhood solved again
//! ```
//!
//! Facts go under the best identifier of the record, whoever it belongs to; so nothing here moves or
//! copies a fact, and an event of a known visitor with nothing new to say touches no row.

use std::collections::BTreeSet;
use std::hash::Hasher;

use db::Tx;
use intake::batch::{Batch, Stage, Subject};
use intake::rules::record::Kind;
use kernel::id::KeyMap;
use kernel::{Instant, NodeNo, PartyNo};

use super::evidence::{End, Evidence};
use super::known::{Cover, Known, Memory};
use super::sighting::{RECYCLED_BUCKET, Seen, Sighting, sight};
use crate::resolve::{Crowded, Identity, Resolved, Working, recompute};
use crate::rules::Rules;
use crate::store::claim::{self, Claim};
use crate::store::contested;
use crate::store::definition::rules_current;
use crate::store::edge::{self, Edge};
use crate::store::node::{self, Node};
use crate::store::touch::{self, Touch};

/// The lock under which one worker at a time changes a workspace's graph (PostgreSQL).
const GRAPH_LOCK: i64 = 0x4752_4150_4800_0000;

/// Keeps the rules and a memory of recent nodes between batches.
#[derive(Default)]
pub struct ResolveIdentity {
    rules: Option<Rules>,
    memory: Memory,
    /// Receive time of the newest event.
    now: Instant,
    /// Whether other workers change the same graph.
    is_shared: bool,
}

/// Nodes whose neighbourhood must be solved again.
#[derive(Default)]
struct Dirty {
    hard: BTreeSet<NodeNo>,
    soft: BTreeSet<NodeNo>,
}

impl Stage for ResolveIdentity {
    fn name(&self) -> &'static str {
        "resolve_identity"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let context = batch.context;
        self.is_shared = context.partitions > 1;
        // Beside other workers every batch may find other rules and detachments than the one before.
        if self.is_shared || self.rules.is_none() {
            self.rules = Some(rules_current(&context.scope, tx)?.1);
            self.memory.detached.extend(contested::contested_detached(&context.scope, tx)?);
            self.memory.crowded = Crowded::load(&context.scope, tx)?;
        }
        self.now = batch.events.iter().map(|e| e.frame.received).max().unwrap_or_default().max(self.now);
        let rules = self.rules.take().expect("just loaded");
        let identity = Identity { scope: &context.scope, secret: &context.secret, rules: &rules };
        let result = self.resolve(&identity, tx, batch);
        self.rules = Some(rules);
        result
    }

    fn rolled_back(&mut self) {
        *self = Self::default();
    }
}

impl ResolveIdentity {
    fn resolve(
        &mut self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        batch: &mut Batch<'_, '_>,
    ) -> kernel::Result<()> {
        let sightings = sightings(identity, batch);
        tx.lock(GRAPH_LOCK | i64::from(identity.scope.workspace.0))?;
        let mut working = Working::default();
        let mut dirty = Dirty::default();
        self.find_or_make(identity, tx, batch, &sightings, &mut working, &mut dirty)?;
        let evidence = self.gather(batch, &sightings, &mut dirty);
        self.keep(identity, tx, &evidence, &mut working, &mut dirty)?;
        let crowded = &mut self.memory.crowded;
        let resolved = recompute(identity, tx, &mut working, &dirty.hard, &dirty.soft, crowded)?;
        self.learn(&resolved);
        batch.regrouped.extend(resolved.regrouped);
        Ok(())
    }

    /// Numbers every identifier of the batch, making nodes for new ones.
    fn find_or_make(
        &mut self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        batch: &Batch<'_, '_>,
        sightings: &[Option<Sighting>],
        working: &mut Working,
        dirty: &mut Dirty,
    ) -> db::Result<()> {
        let mut earliest: KeyMap<(&Seen, Instant)> = KeyMap::default();
        let mut order = Vec::new();
        for (event, sighting) in batch.events.iter().zip(sightings) {
            let (Some(record), Some(sighting)) = (event.live(), sighting) else { continue };
            for seen in sighting.identifiers.iter().chain(&sighting.detached) {
                let slot = earliest.entry(seen.key).or_insert_with(|| {
                    order.push(seen.key);
                    (seen, record.time)
                });
                slot.1 = slot.1.min(record.time);
            }
        }
        let missing: Vec<_> = order.iter().filter(|key| self.memory.node(key).is_none()).copied().collect();
        for node in node::node_by_key(identity.scope, tx, &missing)? {
            let known = Known { no: node.no, first: node.first };
            self.memory.put_node(node.key, known);
            working.insert_stored(node);
        }
        let mut left = missing.iter().filter(|key| self.memory.node(key).is_none()).count();
        for key in order {
            let (seen, at) = earliest[&key];
            let Some(known) = self.memory.node(&key) else {
                let no = working.fresh_node(identity.scope, tx, left)?;
                left -= 1;
                self.memory.put_node(key, Known { no, first: at });
                working.insert_new(fresh(no, seen, at));
                dirty.add(no, seen.is_hard);
                continue;
            };
            if at < known.first {
                known.first = at;
                let no = known.no;
                dirty.add(no, seen.is_hard);
                working.load(identity.scope, tx, &[no])?;
                // Another worker may have seen it earlier still.
                working.get_mut(no).into_iter().for_each(|node| node.first = node.first.min(at));
            }
        }
        Ok(())
    }

    /// Collects the facts of the batch and gives every event its subject.
    fn gather(
        &mut self,
        batch: &mut Batch<'_, '_>,
        sightings: &[Option<Sighting>],
        dirty: &mut Dirty,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        for (event, sighting) in batch.events.iter_mut().zip(sightings) {
            let (Some(at), Some(sighting)) = (event.live().map(|r| r.time), sighting) else { continue };
            let mut ends = Vec::with_capacity(sighting.identifiers.len());
            for seen in &sighting.identifiers {
                ends.extend(self.memory.node(&seen.key).map(|known| End::of(known.no, seen)));
            }
            let Some(subject) = ends.first().copied() else { continue };
            event.subject = Some(Subject { node: subject.no, bucket_micros: subject.bucket_micros });
            for other in &ends[1..] {
                evidence.together(subject, *other, at, event.key);
            }
            for seen in &sighting.detached {
                if let Some(known) = self.memory.node(&seen.key) {
                    evidence.detach(known.no, at);
                    dirty.add(known.no, seen.is_hard);
                }
            }
            for twins in &sighting.twins {
                let ends =
                    twins.each_ref().map(|seen| self.memory.node(&seen.key).map(|k| End::of(k.no, seen)));
                if let [Some(a), Some(b)] = ends {
                    evidence.together(a, b, at, event.key);
                }
            }
            for (field, value) in &sighting.claims {
                ends.iter().filter(|e| e.is_hard).for_each(|e| evidence.claim(e.no, field, value, at));
            }
            if let Some(presence) = sighting.presence.as_ref().filter(|_| subject.is_hard) {
                evidence.claim(subject.no, "presence", presence, at);
            }
        }
        evidence
    }

    /// Writes the facts that are not known yet, and notes what they may move.
    fn keep(
        &mut self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        evidence: &Evidence,
        working: &mut Working,
        dirty: &mut Dirty,
    ) -> db::Result<()> {
        let hard = evidence.hard_edges().filter(|edge| self.is_news(edge, &mut dirty.hard));
        let mut edges: Vec<Edge> = hard.collect();
        edges.extend(evidence.soft_edges().filter(|edge| self.is_news(edge, &mut dirty.soft)));
        edge::edge_merge(identity.scope, tx, &edges)?;
        let touches: Vec<Touch> =
            evidence.touches().filter(|touch| self.is_new_touch(touch, &mut dirty.soft)).collect();
        touch::touch_merge(identity.scope, tx, &touches)?;
        let claims: Vec<Claim> =
            evidence.claims().filter(|claim| self.is_new_claim(claim, &mut dirty.hard)).collect();
        claim::claim_merge(identity.scope, tx, &claims)?;
        let detached: Vec<NodeNo> = evidence.detached.keys().copied().collect();
        self.memory.forget_sole(&detached);
        // Whoever used a device under a detached identifier is not known on it any more.
        let left: Vec<NodeNo> = touch::touch_of_hard(identity.scope, tx, &detached)?
            .into_iter()
            .map(|touch| touch.soft)
            .collect();
        self.memory.forget_sole(&left);
        dirty.soft.extend(left);
        for (no, at) in &evidence.detached {
            self.memory.detached.insert(*no);
            working.load(identity.scope, tx, &[*no])?;
            if let Some(node) = working.get_mut(*no) {
                node.unbound = node.unbound.max(Some(*at));
            }
        }
        Ok(())
    }

    /// Whether an edge says something that is not stored; if it could move somebody, its ends are dirty.
    fn is_news(&mut self, edge: &Edge, dirty: &mut BTreeSet<NodeNo>) -> bool {
        let cover = self.memory.covers_range((edge.a, edge.b, edge.bucket), (edge.first, edge.last));
        let is_revived = [edge.a, edge.b].iter().any(|no| self.memory.detached.contains(no));
        if cover == Cover::New || cover == Cover::Later && (is_revived || self.is_old(edge.last)) {
            dirty.extend([edge.a, edge.b]);
        }
        cover != Cover::Whole
    }

    /// The same for a touch: another hour of the only person ever seen there moves nobody.
    fn is_new_touch(&mut self, touch: &Touch, dirty: &mut BTreeSet<NodeNo>) -> bool {
        let id = (touch.soft, touch.hard, touch.bucket);
        if self.memory.covers_range(id, (touch.first, touch.last)) == Cover::Whole {
            return false;
        }
        // With several workers another one may have seen somebody else there.
        let sole = self.memory.sole(touch.soft).filter(|_| !self.is_shared);
        if !sole.is_some_and(|(hard, since)| hard == touch.hard && since <= touch.first) {
            // From here on somebody else is seen there too, unless solving it again says otherwise.
            self.memory.forget_sole(&[touch.soft]);
            dirty.insert(touch.soft);
        }
        true
    }

    fn is_new_claim(&mut self, claim: &Claim, dirty: &mut BTreeSet<NodeNo>) -> bool {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(claim.field.as_bytes());
        hasher.write(claim.value.as_bytes());
        let cover = self.memory.covers_claim((claim.node, hasher.finish()), (claim.first, claim.last));
        if cover == Cover::New || cover == Cover::Later && self.is_old(claim.last) {
            dirty.insert(claim.node);
        }
        cover != Cover::Whole
    }

    /// Whether something seen at `at` may close a gap in the past by which a recycled number is told.
    /// What is recent cannot: nothing lies after it.
    fn is_old(&self, at: Instant) -> bool {
        self.now.0 - at.0 > RECYCLED_BUCKET
    }

    fn learn(&mut self, resolved: &Resolved) {
        for (soft, sole) in &resolved.sole {
            match sole {
                Some(sole) => self.memory.put_sole(*soft, *sole),
                None => self.memory.forget_sole(&[*soft]),
            }
        }
    }
}

/// What each event that is still going on says; one with a wrong identifier, or without any, is put aside.
fn sightings(identity: &Identity<'_>, batch: &mut Batch<'_, '_>) -> Vec<Option<Sighting>> {
    let mut sightings = Vec::with_capacity(batch.events.len());
    for event in batch.events.iter_mut() {
        let Some(record) = event.live().filter(|record| record.kind != Kind::Item) else {
            sightings.push(None);
            continue;
        };
        let sighting = match sight(identity.rules, identity.secret, record) {
            Ok(sighting) if sighting.identifiers.is_empty() => {
                event.reject("identity", "", "no usable identifier: all are blocked values");
                None
            }
            Ok(sighting) => Some(sighting),
            Err((kind, reason)) => {
                event.reject("identity", &kind, format!("{kind}: {reason}"));
                None
            }
        };
        sightings.push(sighting);
    }
    sightings
}

fn fresh(no: NodeNo, seen: &Seen, at: Instant) -> Node {
    Node {
        no,
        key: seen.key,
        kind: seen.kind.to_string(),
        value: seen.value.clone(),
        era: 0,
        first: at,
        unbound: None,
        party: PartyNo(0),
        anchor: None,
        is_split: false,
    }
}

impl Dirty {
    fn add(&mut self, no: NodeNo, is_hard: bool) {
        if is_hard {
            self.hard.insert(no)
        } else {
            self.soft.insert(no)
        };
    }
}
