//! Sorted compaction of `events`: flushed files become one file per (week, bucket).
//!
//! The running week is compacted when it has too many flushed files, a closed week once. A late
//! event is flushed into its own week, which is then simply not compact any more. One bucket is in
//! memory at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use kernel::time::DAY;

use super::{Done, Policy};
use crate::decode;
use crate::encode::{self, Effort};
use crate::error::{Error, Result};
use crate::row::Column;
use crate::table::file::{File, Level, event_path, week_start};
use crate::table::schema;
use crate::table::{Change, Table};

/// Compacts what is due.
pub(crate) async fn compact(table: &Arc<Table>, policy: &Policy, done: &mut Done) -> Result<()> {
    let now = table.context.clock.now();
    for (week, files) in weeks(table) {
        let is_closed = week_start(week).plus(7 * DAY).plus(policy.week_closed_after) <= now;
        if let Some(inputs) = due(files, is_closed, policy) {
            compact_week(table, week, inputs, done).await?;
        }
    }
    Ok(())
}

/// The files of the current version, by week.
pub(super) fn weeks(table: &Table) -> BTreeMap<i32, Vec<Arc<File>>> {
    let mut weeks: BTreeMap<i32, Vec<Arc<File>>> = BTreeMap::new();
    let files = table.live.read().files.clone();
    for file in files.iter() {
        weeks.entry(file.week).or_default().push(file.clone());
    }
    weeks
}

/// Files of a table without weeks that are left alone from this size on.
const PLAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Joins the small files of a table other than `events`, in the order they came.
pub(crate) async fn compact_plain(table: &Arc<Table>, policy: &Policy, done: &mut Done) -> Result<()> {
    let files = table.live.read().files.clone();
    let small: Vec<_> = files.iter().filter(|file| file.size < PLAIN_BYTES_MAX).cloned().collect();
    if small.len() <= policy.flushed_max.max(1) {
        return Ok(());
    }
    let schema = schema::arrow_schema(&table.columns);
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let mut parts = Vec::new();
    for file in &small {
        for batch in decode::batches(table, file, &names, None).await? {
            let plain = batch.columns().iter().zip(schema.fields()).map(|(a, f)| cast(a, f.data_type()));
            parts.push(RecordBatch::try_new(schema.clone(), plain.collect::<Result<Vec<_>, _>>()?)?);
        }
    }
    let made = encode::make(&concat_batches(&schema, &parts)?, Effort::Tight, &BTreeSet::new())?;
    let path = format!("part-{}.parquet", table.fresh());
    let adds = vec![table.put_file(path, 0, made, true).await?];
    done.files_replaced += small.len();
    done.files_written += 1;
    let change =
        Change { operation: "OPTIMIZE", adds, removes: small, is_rearrangement: true, ..Change::default() };
    table.commit(change, |_| {}).await?;
    Ok(())
}

/// The files of a week that should be rewritten now, if any.
fn due(files: Vec<Arc<File>>, is_closed: bool, policy: &Policy) -> Option<Vec<Arc<File>>> {
    let mut compacted: BTreeMap<u32, usize> = BTreeMap::new();
    for bucket in files.iter().filter_map(|f| f.bucket) {
        *compacted.entry(bucket).or_default() += 1;
    }
    let flushed = files.iter().filter(|f| f.level == Level::Flushed).count();
    let most = compacted.values().copied().max().unwrap_or(0);
    if is_closed {
        return (flushed > 0 || most > 1).then_some(files);
    }
    if flushed <= policy.flushed_max {
        return None;
    }
    let takes_all = most >= policy.compacted_max;
    Some(files.into_iter().filter(|f| takes_all || f.level == Level::Flushed).collect())
}

async fn compact_week(table: &Arc<Table>, week: i32, inputs: Vec<Arc<File>>, done: &mut Done) -> Result<()> {
    let mut buckets = BTreeSet::new();
    for file in &inputs {
        buckets.extend(decode::footer(table, file).await?.runs.iter().map(|run| run.bucket));
    }
    let mut adds = Vec::new();
    for bucket in buckets {
        let (parts, mut inexact) = read_bucket(table, &inputs, bucket).await?;
        let columns = table.columns.clone();
        let made = tokio::task::spawn_blocking(move || {
            let batch = merge(&parts, &columns, &mut inexact)?;
            encode::make(&batch, Effort::Tight, &inexact)
        });
        let made = made.await.map_err(|e| Error::Storage(format!("compaction stopped: {e}")))??;
        let path = event_path(week, Some(bucket), &table.fresh());
        adds.push(table.put_file(path, week, made, true).await?);
    }
    done.files_replaced += inputs.len();
    done.files_written += adds.len();
    let change =
        Change { operation: "OPTIMIZE", adds, removes: inputs, is_rearrangement: true, ..Change::default() };
    table.commit(change, |_| {}).await?;
    Ok(())
}

/// All rows of a bucket, and the hot columns that are inexact in some file.
async fn read_bucket(
    table: &Table,
    inputs: &[Arc<File>],
    bucket: u32,
) -> Result<(Vec<RecordBatch>, BTreeSet<String>)> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let (mut parts, mut inexact) = (Vec::new(), BTreeSet::new());
    for file in inputs {
        let footer = decode::footer(table, file).await?;
        let ranges: Vec<_> =
            footer.runs.iter().filter(|r| r.bucket == bucket).map(decode::Run::range).collect();
        if !ranges.is_empty() {
            inexact.extend(footer.inexact.iter().cloned());
            parts.extend(decode::batches(table, file, &names, Some(ranges)).await?);
        }
    }
    Ok((parts, inexact))
}

/// One batch of all `parts`, in file order, with every column of the table.
pub(super) fn merge(
    parts: &[RecordBatch],
    columns: &[Column],
    inexact: &mut BTreeSet<String>,
) -> Result<RecordBatch> {
    let mut whole = Vec::with_capacity(parts.len());
    for part in parts {
        whole.push(complete(part, columns, inexact)?);
    }
    let batch = concat_batches(&schema::arrow_schema(columns), &whole)?;
    let order = order(&batch)?;
    Ok(take_record_batch(&batch, &order)?)
}

/// `part` with plain column types, and hot columns that its file did not have yet.
pub(super) fn complete(
    part: &RecordBatch,
    columns: &[Column],
    inexact: &mut BTreeSet<String>,
) -> Result<RecordBatch> {
    let hot = schema::hot_columns(columns);
    let absent: Vec<Column> =
        hot.iter().filter(|c| part.column_by_name(&c.name).is_none()).cloned().collect();
    let mut fresh = BTreeMap::new();
    if !absent.is_empty() {
        let texts =
            part.column_by_name("properties").ok_or_else(|| no_column("properties"))?.as_string::<i32>();
        let arrays = encode::hot_arrays(texts.iter().map(Option::unwrap_or_default), &absent, inexact);
        fresh.extend(absent.iter().map(|c| c.name.as_str()).zip(arrays));
    }
    let arrays = columns.iter().map(|column| match part.column_by_name(&column.name) {
        Some(array) => Ok(cast(array, &schema::arrow_type(column.kind))?),
        None => fresh.remove(column.name.as_str()).ok_or_else(|| no_column(&column.name)),
    });
    let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
    Ok(RecordBatch::try_new(schema::arrow_schema(columns), arrays)?)
}

/// The permutation that sorts by (event, party, time, key). Inputs are sorted runs, which a stable
/// sort finds and merges.
fn order(batch: &RecordBatch) -> Result<UInt32Array> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| no_column(name));
    let events =
        cast(column("event")?, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))?;
    let events = events.as_dictionary::<Int32Type>();
    let words = events.values().as_string::<i32>();
    let mut sorted: Vec<usize> = (0..words.len()).collect();
    sorted.sort_by_key(|i| words.value(*i));
    let mut ranks = vec![0u32; words.len()];
    for (rank, word) in (0..).zip(sorted) {
        ranks[word] = rank;
    }
    let parties = column("party_no")?.as_primitive::<Int32Type>().values();
    let times = column("time")?.as_primitive::<TimestampMicrosecondType>().values();
    let keys = column("event_id")?.as_binary::<i32>();
    let codes = events.keys().values();
    let rows = u32::try_from(batch.num_rows())
        .map_err(|_| Error::Limit { limit: "rows of one bucket and week", max: u64::from(u32::MAX) })?;
    let mut order: Vec<(u32, i32, i64, u32)> = (0..rows)
        .map(|row| {
            let i = row as usize;
            (ranks[codes[i] as usize], parties[i], times[i], row)
        })
        .collect();
    order.sort_by(|a, b| {
        (a.0, a.1, a.2)
            .cmp(&(b.0, b.1, b.2))
            .then_with(|| keys.value(a.3 as usize).cmp(keys.value(b.3 as usize)))
    });
    Ok(order.into_iter().map(|(.., row)| row).collect::<Vec<u32>>().into())
}

fn no_column(name: &str) -> Error {
    Error::Unreadable(format!("a file of `events` has no column `{name}`"))
}
