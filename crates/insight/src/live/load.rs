//! Reads one party as a program wants it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use criteria::timeline::Owned;
use criteria::{Facts, Program};
use db::Tx;
use identity::party::{Party, party};
use identity::resolve::Identity;
use intake::rules::frame::Frame;
use intake::rules::record;
use kernel::{Failure, Instant, Key, NodeNo, PartyNo, SourceNo};
use serde_json::{Value, json};

use crate::profile::{Weights, covers, spans, traits};
use crate::rules::chunk::{Packed, Row};
use crate::store::tag::TagNo;
use crate::store::tag_assignment::assignment_of;
use crate::store::timeline::chunk_each;
use crate::timeline::payload;

/// What a program needs to know of a party.
pub struct Loaded {
    /// The party's number.
    pub no: PartyNo,
    /// The key of its public id.
    pub key: Key,
    /// When it was first seen: the earliest that is its own.
    pub first_seen: Instant,
    /// What it did.
    pub timeline: Owned,
    /// What else is known of it, but its audiences and tags.
    pub facts: Facts,
    /// What people, systems and jobs said of it, if that was asked for.
    pub assigned: Vec<Assigned>,
}

/// What somebody said of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The key of the identifier it was said of.
    pub node: Key,
    /// The tag.
    pub tag: TagNo,
    /// 0 for somebody's word; else the run of a job.
    pub run: u64,
    /// When, and what breaks ties.
    pub said: (Instant, Key),
    /// The value, as JSON; nothing if it is taken back.
    pub value: Option<String>,
    /// When it goes by itself.
    pub expires: Option<Instant>,
    /// Where it comes from.
    pub source: String,
}

impl Loaded {
    /// Reads again what is said about it.
    ///
    /// # Errors
    /// As the database says.
    pub(super) fn describe(
        &mut self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        program: &Program,
        weights: &Weights,
    ) -> kernel::Result<()> {
        let party = party(identity, tx, self.no)?;
        self.facts = facts(identity, tx, program, &party, weights)?;
        Ok(())
    }
}

/// Reads a party; `None` if nothing belongs to that number any more.
///
/// # Errors
/// As the database says, or damaged data.
pub fn load(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    program: &Program,
    weights: &Weights,
    at: (PartyNo, Instant),
) -> kernel::Result<Option<Loaded>> {
    load_with(identity, tx, (program, false), weights, at)
}

/// The same, with what was said of it if that is asked for.
///
/// # Errors
/// As the database says, or damaged data.
pub fn load_with(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    (program, is_assigned): (&Program, bool),
    weights: &Weights,
    (no, as_of): (PartyNo, Instant),
) -> kernel::Result<Option<Loaded>> {
    let party = match party(identity, tx, no) {
        Ok(party) if has_own(&party) => party,
        Ok(_) | Err(Failure::NotFound { .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let timeline = timeline(identity, tx, program, &party, as_of)?;
    let facts = facts(identity, tx, program, &party, weights)?;
    let assigned = if is_assigned { assigned(identity, tx, &party)? } else { Vec::new() };
    let first_seen = first_seen(&party);
    Ok(Some(Loaded { no, key: party.id.0, first_seen, timeline, facts, assigned }))
}

/// What was said of a party under identifiers while they were its own.
fn assigned(identity: &Identity<'_>, tx: &mut Tx<'_>, party: &Party) -> db::Result<Vec<Assigned>> {
    let spans = spans(&party.members);
    let keys: HashMap<NodeNo, Key> =
        party.members.iter().map(|member| (member.node.no, member.node.key)).collect();
    let nodes: Vec<NodeNo> = party.members.iter().map(|member| member.node.no).collect();
    let mut rows = assignment_of(identity.scope, tx, &nodes)?;
    rows.retain(|row| spans.get(&row.node).is_some_and(|spans| covers(spans, row.at)));
    let assigned = rows.into_iter().map(|row| Assigned {
        node: keys.get(&row.node).copied().unwrap_or(row.key),
        tag: row.tag,
        run: row.run,
        said: (row.at, row.key),
        value: row.value,
        expires: row.expires,
        source: row.source,
    });
    Ok(assigned.collect())
}

/// Whether anything was ever seen of it before others held what it has.
pub(super) fn has_own(party: &Party) -> bool {
    let mut own = party.members.iter().filter(|member| member.node.party == party.no);
    own.any(|member| covers(&member.spans, member.node.first))
}

/// The earliest instant at which an identifier was seen while it was the party's.
fn first_seen(party: &Party) -> Instant {
    let seen = party.members.iter().filter_map(|member| {
        let spans = member.spans.iter().filter(|(_, until)| member.node.first < *until);
        spans.map(|(from, _)| member.node.first.max(*from)).min()
    });
    seen.min().unwrap_or_default()
}

fn facts(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    program: &Program,
    party: &Party,
    weights: &Weights,
) -> kernel::Result<Facts> {
    let mut facts = Facts::default();
    if program.needs().traits.is_empty() {
        return Ok(facts);
    }
    let winners = traits(identity.scope, tx, party, weights)?;
    for name in &program.needs().traits {
        if let Some(winner) = winners.get(&**name) {
            facts.set_trait(name, &winner.value);
            let (at, source) = (winner.from.at.to_string(), winner.from.source.0);
            facts.set_provenance(name, json!({ "time": at, "source": source }));
        }
    }
    Ok(facts)
}

fn timeline(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    program: &Program,
    party: &Party,
    as_of: Instant,
) -> kernel::Result<Owned> {
    let mut timeline = Owned::new(program);
    let runs = 0..program.needs().events.len();
    let Some(since) = runs.map(|run| program.earliest(run, as_of).unwrap_or(Instant(i64::MIN))).min() else {
        return Ok(timeline);
    };
    let spans = spans(&party.members);
    let nodes: Vec<NodeNo> = party.members.iter().map(|member| member.node.no).collect();
    let mut damage = None;
    chunk_each(identity.scope, tx, &nodes, since, &mut |node, body| {
        let held = spans.get(&node).copied().unwrap_or_default();
        let is_wanted = |time: Instant| time >= since && covers(held, time);
        if let Err(failure) = add(program, &mut timeline, body, &is_wanted) {
            damage = Some(failure);
        }
        Ok(())
    })?;
    damage.map_or_else(|| Ok(timeline), Err)
}

/// Adds the events of a chunk that a program looks at. A chunk without any is not unpacked.
fn add(
    program: &Program,
    timeline: &mut Owned,
    body: &[u8],
    is_wanted: &dyn Fn(Instant) -> bool,
) -> kernel::Result<()> {
    let chunk = Packed::open(body)?;
    let names: Vec<bool> = chunk.names.iter().map(|name| program.wants(name)).collect();
    let wanted: Vec<&Row> = chunk.rows.iter().filter(|row| names[row.name] && is_wanted(row.time)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if !wanted.iter().any(|row| reads(program, chunk.names[row.name])) {
        // When it happened is all that is asked for.
        let none = Value::Null;
        for row in wanted {
            timeline.insert(program, (chunk.names[row.name], row.time, row.key), &none, &none);
        }
        return Ok(());
    }
    told(&chunk, &wanted, &mut |row, _, properties, context| {
        timeline.insert(program, (chunk.names[row.name], row.time, row.key), &properties, &context);
    })
}

/// Unpacks rows of a chunk: hands over each with the source it came through, its properties and its context.
pub(super) fn told(
    chunk: &Packed<'_>,
    wanted: &[&Row],
    take: &mut dyn FnMut(&Row, SourceNo, Value, Value),
) -> kernel::Result<()> {
    let payload_bytes = chunk.unpack()?;
    let heads = chunk.heads(&payload_bytes)?;
    let mut frames: HashMap<usize, Frame<'_>> = HashMap::new();
    for row in wanted {
        let head = match frames.entry(row.head) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Frame::decode(heads[row.head]).map_err(Failure::internal)?),
        };
        let raw = row.raw(&payload_bytes);
        let frame = Frame { first: row.index, events: vec![raw], ..head.clone() };
        let record = record::decode(&frame, 0).map_err(Failure::internal)?;
        let (properties, context) = payload(&record, raw)?;
        take(row, frame.source, properties, context);
    }
    Ok(())
}

/// Whether a program asks for properties of events of this name.
fn reads(program: &Program, event: &str) -> bool {
    let runs = program.run(event).into_iter().chain(program.run("*"));
    runs.into_iter().any(|run| !program.needs().events[run].properties.is_empty())
}
