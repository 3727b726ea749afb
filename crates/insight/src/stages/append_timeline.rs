//! Adds each event to the timeline of its node, and keeps the number of a node's chunks low.
//!
//! A batch writes one chunk for each node it has events of. Sixteen small chunks of a node are merged
//! into a medium one, sixteen medium ones into a large one: each event is rewritten at most twice.

use std::collections::{BTreeMap, HashMap};

use db::Tx;
use intake::batch::{Batch, Stage};
use intake::rules::frame::Frame;
use kernel::{NodeNo, Scope};

use crate::rules::chunk::{self, Piece, Stored, head_of};
use crate::store::timeline::{self, Chunk, ChunkHead};

/// Chunks of one size that are merged into one of the next.
const MERGE_CHUNKS: usize = 16;
/// Events from which on a chunk is medium, and large.
const MEDIUM_EVENTS: u64 = 16;
const LARGE_EVENTS: u64 = 256;
/// Nodes whose chunks are counted between merges.
const COUNTED_NODES_MAX: usize = 1_000_000;

/// Counts the chunks it wrote for each node.
#[derive(Default)]
pub struct AppendTimeline {
    written: HashMap<NodeNo, u8>,
}

impl Stage for AppendTimeline {
    fn name(&self) -> &'static str {
        "append_timeline"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let heads = heads(batch);
        let by_node = events_by_node(batch, &heads);
        let scope = &batch.context.scope;
        // Numbers are unique across partitions too: both may have events of one node.
        let no = (batch.no << 8 | u64::from(batch.context.partition & 0xff)) as i64;
        let chunks: Vec<Chunk> = by_node.into_iter().map(|(node, events)| pack(node, no, events)).collect();
        timeline::chunk_append(scope, tx, &chunks)?;
        for node in chunks.iter().map(|c| c.head.node) {
            let written = self.written.entry(node).or_default();
            *written += 1;
            if usize::from(*written) >= MERGE_CHUNKS {
                self.written.remove(&node);
                merge(scope, tx, node)?;
            }
        }
        if self.written.len() > COUNTED_NODES_MAX {
            self.written.clear();
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.written.clear();
    }
}

/// The head of every request in the batch, made once each.
fn heads(batch: &Batch<'_, '_>) -> HashMap<*const Frame<'static>, Vec<u8>> {
    let mut heads = HashMap::new();
    for event in batch.events.iter() {
        heads.entry(id(event.frame)).or_insert_with(|| head_of(event.frame));
    }
    heads
}

/// A frame is told by where it is; it does not move while its batch lasts.
fn id(frame: &Frame<'_>) -> *const Frame<'static> {
    std::ptr::from_ref(frame).cast()
}

fn events_by_node<'e>(
    batch: &'e Batch<'_, '_>,
    heads: &'e HashMap<*const Frame<'static>, Vec<u8>>,
) -> BTreeMap<NodeNo, Vec<Piece<'e>>> {
    let mut by_node: BTreeMap<NodeNo, Vec<Piece<'e>>> = BTreeMap::new();
    for event in batch.events.iter() {
        if let (Some(record), Some(subject)) = (event.live(), event.subject) {
            by_node.entry(subject.node).or_default().push(Piece {
                time: record.time,
                key: event.key,
                index: event.frame.first + event.index as u32,
                event: &record.event,
                head: heads.get(&id(event.frame)).map_or(&[], Vec::as_slice),
                raw: event.raw(),
            });
        }
    }
    by_node
}

fn pack(node: NodeNo, no: i64, mut events: Vec<Piece<'_>>) -> Chunk {
    events.sort_by_key(|e| (e.time, e.key));
    let time = |event: Option<&Piece<'_>>| event.map_or_else(Default::default, |e| e.time);
    let (first, last) = (time(events.first()), time(events.last()));
    let head = ChunkHead { node, no, first, last, count: events.len() as u64 };
    Chunk { head, body: chunk::encode(&events) }
}

/// Merges the chunks of a node that have become many, size by size.
fn merge(scope: &Scope, tx: &mut Tx<'_>, node: NodeNo) -> kernel::Result<()> {
    for sizes in [0..MEDIUM_EVENTS, MEDIUM_EVENTS..LARGE_EVENTS] {
        let heads = timeline::chunk_heads(scope, tx, &[node])?;
        let mut numbers: Vec<i64> = heads.iter().filter(|h| sizes.contains(&h.count)).map(|h| h.no).collect();
        if numbers.len() < MERGE_CHUNKS {
            continue;
        }
        numbers.sort_unstable();
        let mut events = Vec::new();
        for no in &numbers {
            events.extend(chunk::decode(&timeline::chunk_body(scope, tx, node, *no)?)?);
        }
        timeline::chunk_remove(scope, tx, node, &numbers)?;
        let pieces = events.iter().map(Stored::piece).collect();
        timeline::chunk_append(scope, tx, &[pack(node, numbers[0], pieces)])?;
    }
    Ok(())
}
