//! Events of the log as rows of the lake.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use db::Tx;
use identity::party::party_no_at;
use identity::store::node::{Node, node_by_no};
use insight::store::lake_feed::{Fed, Feed};
use intake::rules::frame::Frame;
use intake::rules::record::{self, Record};
use kernel::{Failure, Instant, NodeNo, PartyNo, Scope};
use lake::Event;
use log::{Entry, Log, Offset};
use serde_json::Value;
use workspace::Workspace;

use crate::applier::event_key;

/// Entries and bytes read from the log at a time.
const READ: (usize, usize) = (2_000, 8 << 20);

/// The events of a batch.
///
/// # Errors
/// As the database or the log says.
pub(super) fn events(
    workspace: &Workspace,
    pool: &db::Pool,
    scope: &Scope,
    log: &dyn Log,
    feed: &Feed,
) -> kernel::Result<Vec<Event>> {
    let mut names = Names::default();
    let mut events = Vec::with_capacity(feed.events.len());
    let mut by_entry = feed.events.chunk_by(|a, b| a.offset == b.offset).peekable();
    pool.read(|tx| {
        let mut at = Offset(feed.from);
        while by_entry.peek().is_some() {
            let entries = log.read(at, READ.0, READ.1).map_err(Failure::internal)?;
            let Some(last) = entries.last() else {
                return Err(Failure::internal(format!("the log ends before entry {}", feed.to)));
            };
            at = last.offset;
            for entry in &entries {
                let Some(fed) = by_entry.next_if(|fed| fed[0].offset == entry.offset.0) else { continue };
                events.extend(read(workspace, entry, fed, &mut names)?);
            }
        }
        let rows: Vec<(NodeNo, Instant)> = events.iter().map(|event| (event.node, event.time)).collect();
        for (event, party) in events.iter_mut().zip(owners(scope, tx, &rows)?) {
            event.party = party;
        }
        Ok(())
    })?;
    Ok(events)
}

/// Whose events are, by the node and the time of each; under 0 those of nodes that are nobody's.
///
/// # Errors
/// As the database says.
pub(super) fn owners(
    scope: &Scope,
    tx: &mut Tx<'_>,
    rows: &[(NodeNo, Instant)],
) -> kernel::Result<Vec<PartyNo>> {
    let numbers: BTreeSet<NodeNo> = rows.iter().map(|(node, _)| *node).collect();
    let found = node_by_no(scope, tx, &Vec::from_iter(numbers))?;
    let nodes: HashMap<NodeNo, Node> = found.into_iter().map(|node| (node.no, node)).collect();
    let owner = |(no, time): &(NodeNo, Instant)| {
        nodes.get(no).map_or(Ok(PartyNo(0)), |node| party_no_at(scope, tx, node, *time))
    };
    rows.iter().map(owner).collect()
}

/// Texts that come again and again, each kept once.
#[derive(Default)]
struct Names(HashMap<String, Arc<str>>);

impl Names {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(text);
        self.0.insert(text.to_owned(), Arc::clone(&name));
        name
    }
}

fn read(workspace: &Workspace, entry: &Entry, fed: &[Fed], names: &mut Names) -> kernel::Result<Vec<Event>> {
    let frame = Frame::decode(&entry.body).map_err(Failure::internal)?;
    let mut rows = Vec::with_capacity(fed.len());
    for fed in fed {
        let record = record::decode(&frame, fed.index as usize).map_err(Failure::internal)?;
        let properties = properties(&record, frame.events[fed.index as usize])?;
        let context = record.context.as_deref().unwrap_or_default();
        rows.push(Event {
            party: PartyNo(0),
            node: fed.node,
            time: record.time,
            key: event_key(&workspace.secret, frame.source, record.message_id.as_bytes()),
            event: names.get(&record.event),
            channel: channel(context).map(|channel| names.get(&channel)),
            source: names.get(&frame.source.0.to_string()),
            context: context.into(),
            properties,
        });
    }
    Ok(rows)
}

/// The properties; for a description of a person, its traits.
fn properties(record: &Record<'_>, raw: &[u8]) -> kernel::Result<Box<str>> {
    if let Some(properties) = record.properties {
        return Ok(properties.into());
    }
    let (properties, _) = insight::timeline::payload(record, raw)?;
    Ok(if properties.is_null() { "{}".into() } else { properties.to_string().into() })
}

fn channel(context: &str) -> Option<String> {
    if !context.contains("\"channel\"") {
        return None;
    }
    let context: Value = serde_json::from_str(context).ok()?;
    context["channel"].as_str().map(str::to_owned)
}
