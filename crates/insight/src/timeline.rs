//! The timeline of a party, newest first, page by page.

use db::Tx;
use identity::party::Party;
use intake::rules::frame::{Frame, Protocol};
use intake::rules::record::{self, Kind, Record};
use kernel::{Failure, Instant, Key, NodeNo, Scope, SourceNo};
use serde_json::Value;

use crate::profile::{covers, spans};
use crate::rules::chunk::{self, Stored};
use crate::store::timeline::{self, ChunkHead};

/// An event of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The message id it was sent with.
    pub id: String,
    /// Its name.
    pub event: String,
    /// What kind of message it was.
    pub kind: Kind,
    /// When it happened.
    pub time: Instant,
    /// When it was received.
    pub received: Instant,
    /// Who sent it.
    pub source: SourceNo,
    /// The node it lies under.
    pub node: NodeNo,
    /// Its properties (for a description of a person: the traits; for a 神策 profile call: its operands).
    pub properties: Value,
    /// Its context, if it has one.
    pub context: Value,
    /// The message exactly as it was sent.
    pub message: Value,
    /// The language it was sent in.
    pub protocol: Protocol,
    /// Breaks ties of time.
    pub key: Key,
}

/// Which events to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only events of these names; all if empty.
    pub events: Vec<String>,
    /// Not before.
    pub from: Option<Instant>,
    /// Before.
    pub to: Option<Instant>,
}

/// A place in a timeline: everything strictly older comes next.
pub type Position = (Instant, Key);

/// A page of events older than `before`, and whether there are more.
///
/// # Errors
/// As the database says.
pub fn page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    party: &Party,
    filter: &Filter,
    before: Option<Position>,
    limit: usize,
) -> kernel::Result<(Vec<Item>, bool)> {
    let spans = spans(&party.members);
    let numbers: Vec<NodeNo> = party.members.iter().map(|m| m.node.no).collect();
    let mut heads = timeline::chunk_heads(scope, tx, &numbers)?;
    heads.retain(|head| {
        before.is_none_or(|(time, _)| head.first <= time)
            && filter.from.is_none_or(|from| head.last >= from)
            && filter.to.is_none_or(|to| head.first < to)
    });
    heads.sort_by_key(|head| head.last);
    let mut found: Vec<Item> = Vec::new();
    while let Some(head) = heads.pop() {
        let is_wanted = |e: &Stored| {
            spans.get(&head.node).is_some_and(|spans| covers(spans, e.time))
                && before.is_none_or(|before| (e.time, e.key) < before)
                && filter.from.is_none_or(|from| e.time >= from)
                && filter.to.is_none_or(|to| e.time < to)
        };
        found.extend(read(scope, tx, &head, filter, is_wanted)?);
        found.sort_by_key(|item| std::cmp::Reverse((item.time, item.key)));
        // What is left in other chunks is older than what fills the page already.
        let is_full = found.get(limit).is_some_and(|item| heads.last().is_none_or(|h| h.last < item.time));
        if is_full {
            break;
        }
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok((found, has_more))
}

fn read(
    scope: &Scope,
    tx: &mut Tx<'_>,
    head: &ChunkHead,
    filter: &Filter,
    is_wanted: impl Fn(&Stored) -> bool,
) -> kernel::Result<Vec<Item>> {
    let events = chunk::decode(&timeline::chunk_body(scope, tx, head.node, head.no)?)?;
    let mut items = Vec::new();
    for stored in events.iter().filter(|e| is_wanted(e)) {
        let item = item(head.node, stored)?;
        if filter.events.is_empty() || filter.events.contains(&item.event) {
            items.push(item);
        }
    }
    Ok(items)
}

/// Reads an event back as the pipeline read it.
fn item(node: NodeNo, stored: &Stored) -> kernel::Result<Item> {
    let head = Frame::decode(&stored.head).map_err(Failure::internal)?;
    let frame = Frame { first: stored.index, events: vec![&stored.raw], ..head };
    let record = record::decode(&frame, 0).map_err(Failure::internal)?;
    let (properties, context) = payload(&record, &stored.raw)?;
    Ok(Item {
        message: serde_json::from_slice(&stored.raw).map_err(Failure::internal)?,
        id: record.message_id.into_owned(),
        event: record.event.into_owned(),
        kind: record.kind,
        time: stored.time,
        received: frame.received,
        source: frame.source,
        node,
        properties: if properties.is_null() { Value::Object(Default::default()) } else { properties },
        context,
        protocol: frame.protocol,
        key: stored.key,
    })
}

/// The properties of an event (for a description of a person: the traits; for a 神策 profile call: its
/// operands) and its context.
///
/// # Errors
/// [`Failure::Internal`] for bytes that are not JSON.
pub fn payload(record: &Record<'_>, raw: &[u8]) -> kernel::Result<(Value, Value)> {
    let parse = |raw: &str| serde_json::from_str(raw).unwrap_or(Value::Null);
    let properties = match record.properties {
        Some(raw) => parse(raw),
        None => {
            let mut message: Value = serde_json::from_slice(raw).map_err(Failure::internal)?;
            let said = ["traits", "properties"].into_iter().find(|field| message.get(field).is_some());
            said.map_or(Value::Null, |field| message[field].take())
        }
    };
    Ok((properties, record.context.as_deref().map_or(Value::Null, parse)))
}
