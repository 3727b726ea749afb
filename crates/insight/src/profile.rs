//! The profile of a party: the fields that count, and how much is known.

use std::collections::{BTreeMap, HashMap};

use db::Tx;
use identity::party::{Member, Party, Span};
use kernel::{Instant, NodeNo, Scope, SourceNo};

use crate::rules::chunk;
use crate::rules::survivorship::{Fact, Weight, Winner, fold};
use crate::store::{timeline, trait_fact};

/// What is known of a party.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The fields, each with where its value comes from.
    pub traits: BTreeMap<String, Winner>,
    /// Events on its timeline.
    pub event_count: u64,
    /// Time of the first event.
    pub first_seen: Option<Instant>,
    /// Time of the last event.
    pub last_seen: Option<Instant>,
}

/// How much each source's word weighs.
pub type Weights = HashMap<SourceNo, Weight>;

/// Reads the profile of a party.
///
/// # Errors
/// As the database says.
pub fn profile(scope: &Scope, tx: &mut Tx<'_>, party: &Party, weights: &Weights) -> kernel::Result<Profile> {
    let traits = traits(scope, tx, party, weights)?;
    let (event_count, first_seen, last_seen) = activity(scope, tx, &party.members)?;
    Ok(Profile { traits, event_count, first_seen, last_seen })
}

/// The fields of a party that count, without its activity.
///
/// # Errors
/// As the database says.
pub fn traits(
    scope: &Scope,
    tx: &mut Tx<'_>,
    party: &Party,
    weights: &Weights,
) -> db::Result<BTreeMap<String, Winner>> {
    let facts = facts(scope, tx, party)?;
    Ok(fold(&facts, &|source| weights.get(&source).copied().unwrap_or_default()))
}

/// Everything said about the party's fields while its nodes were its own.
fn facts(scope: &Scope, tx: &mut Tx<'_>, party: &Party) -> db::Result<Vec<Fact>> {
    let spans = spans(&party.members);
    let numbers: Vec<NodeNo> = party.members.iter().map(|m| m.node.no).collect();
    let mut facts = trait_fact::fact_of(scope, tx, &numbers)?;
    facts.retain(|fact| spans.get(&fact.node).is_some_and(|spans| covers(spans, fact.at)));
    Ok(facts)
}

fn activity(
    scope: &Scope,
    tx: &mut Tx<'_>,
    members: &[Member],
) -> kernel::Result<(u64, Option<Instant>, Option<Instant>)> {
    let numbers: Vec<NodeNo> = members.iter().map(|m| m.node.no).collect();
    let spans = spans(members);
    let (mut count, mut first, mut last) = (0, None, None);
    let mut add = |n: u64, from: Instant, to: Instant| {
        count += n;
        first = Some(first.map_or(from, |f: Instant| f.min(from)));
        last = last.max(Some(to));
    };
    for head in timeline::chunk_heads(scope, tx, &numbers)? {
        let Some(spans) = spans.get(&head.node) else { continue };
        if spans.iter().any(|(from, to)| *from <= head.first && head.last < *to) {
            add(head.count, head.first, head.last);
        } else if spans.iter().any(|(from, to)| *from <= head.last && head.first < *to) {
            for event in chunk::decode(&timeline::chunk_body(scope, tx, head.node, head.no)?)? {
                if covers(spans, event.time) {
                    add(1, event.time, event.time);
                }
            }
        }
    }
    Ok((count, first, last))
}

/// The stretches of time of each node.
pub(crate) fn spans(members: &[Member]) -> HashMap<NodeNo, &[Span]> {
    members.iter().map(|m| (m.node.no, m.spans.as_slice())).collect()
}

/// Whether an instant lies in one of them.
pub(crate) fn covers(spans: &[Span], at: Instant) -> bool {
    spans.iter().any(|(from, to)| *from <= at && at < *to)
}
