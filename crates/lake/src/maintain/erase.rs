//! Erasure: the rows of some nodes leave every buffer and every file of the current version.
//!
//! The caller suppresses the nodes first, so nobody reads the rows while files are rewritten. What is
//! left afterwards lies in files of older versions, and is gone with the next vacuum that keeps none.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Int64Type;

use super::Done;
use super::compact::complete;
use crate::append::Chunk;
use crate::decode;
use crate::encode::{self, Effort};
use crate::error::{Error, Result};
use crate::row::Event;
use crate::table::file::{File, Level, event_path};
use crate::table::schema;
use crate::table::{Change, Table};

/// Rewrites every file of `events` that has a row of one of `nodes`, in one commit.
pub(crate) async fn erase(
    table: &Arc<Table>,
    flushing: &tokio::sync::Mutex<()>,
    nodes: &HashSet<u64>,
    done: &mut Done,
) -> Result<()> {
    let files = {
        // Between two flushes, so that no file is under way with rows that are still to be erased.
        let _turn = flushing.lock().await;
        let mut live = table.live.write();
        for chunk in &mut live.chunks {
            if chunk.events.iter().any(|event| nodes.contains(&event.node.0)) {
                *chunk = Arc::new(without(chunk, nodes));
            }
        }
        live.files.clone()
    };
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    for file in files.iter() {
        if !contains(table, file, nodes).await? {
            continue;
        }
        if let Some(made) = rewrite(table, file, nodes).await? {
            let path = event_path(file.week, file.bucket, &table.fresh());
            adds.push(table.put_file(path, file.week, made, false).await?);
        }
        removes.push(file.clone());
    }
    if removes.is_empty() {
        return Ok(());
    }
    done.files_replaced += removes.len();
    done.files_written += adds.len();
    table.commit(Change { operation: "DELETE", adds, removes, ..Change::default() }, |_| {}).await?;
    Ok(())
}

fn without(chunk: &Chunk, nodes: &HashSet<u64>) -> Chunk {
    let events: Vec<Event> = chunk.events.iter().filter(|e| !nodes.contains(&e.node.0)).cloned().collect();
    let bytes = size_of::<Chunk>() + events.iter().map(Event::bytes).sum::<usize>();
    Chunk { partition: chunk.partition, position: chunk.position, events, bytes }
}

/// Whether a file has a row of one of `nodes`. Only pages that may have one are read.
async fn contains(table: &Table, file: &File, nodes: &HashSet<u64>) -> Result<bool> {
    let may_have = |low, high| nodes.iter().any(|node| (low..=high).contains(&node.cast_signed()));
    let all = std::iter::once(0..file.rows as usize).collect();
    let ranges = decode::footer(table, file).await?.pages("node_no", all, &may_have);
    if ranges.is_empty() {
        return Ok(false);
    }
    let batches = decode::batches(table, file, &["node_no"], Some(ranges)).await?;
    Ok(batches
        .iter()
        .any(|batch| node_column(batch).values().iter().any(|n| nodes.contains(&n.cast_unsigned()))))
}

/// The file without the rows of `nodes`, `None` if nothing is left. The order stays.
async fn rewrite(table: &Arc<Table>, file: &File, nodes: &HashSet<u64>) -> Result<Option<encode::Made>> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let parts = decode::batches(table, file, &names, None).await?;
    let mut inexact: BTreeSet<String> = decode::footer(table, file).await?.inexact.clone();
    let (table, nodes, level) = (table.clone(), nodes.clone(), file.level);
    let made = tokio::task::spawn_blocking(move || {
        let mut kept = Vec::with_capacity(parts.len());
        for part in &parts {
            let mask: BooleanArray = node_column(part)
                .values()
                .iter()
                .map(|n| Some(!nodes.contains(&n.cast_unsigned())))
                .collect();
            kept.push(filter_record_batch(&complete(part, &table.columns, &mut inexact)?, &mask)?);
        }
        let batch = concat_batches(&schema::arrow_schema(&table.columns), &kept)?;
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let effort = if level == Level::Compacted { Effort::Tight } else { Effort::Fast };
        encode::make(&batch, effort, &inexact).map(Some)
    });
    made.await.map_err(|e| Error::Storage(format!("erasure stopped: {e}")))?
}

fn node_column(batch: &RecordBatch) -> &arrow::array::PrimitiveArray<Int64Type> {
    batch.column_by_name("node_no").expect("every file of `events` has it").as_primitive()
}
