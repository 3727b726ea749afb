//! Rows whose party is another by now get its number, and the place that goes with it.
//!
//! Identifiers come to other people when somebody logs in late, when people are merged and when a merge is
//! undone. Until their rows are rewritten a question has to look such people up elsewhere, one by one. Weeks
//! that hold no such row are left alone; each other week is rewritten like a compaction, in a commit of its
//! own, so that work that was broken off is not lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int32Array, PrimitiveArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use kernel::{Instant, NodeNo, PartyNo};

use super::Done;
use super::compact::{complete, merge, weeks};
use crate::decode;
use crate::encode::{self, Effort, bucket_of};
use crate::error::{Error, Result};
use crate::scan::PartySet;
use crate::table::file::{File, event_path};
use crate::table::{Change, Table};

/// Whose events are by now, told the node and the time of each, in their order. Called on a thread that may wait.
pub type Owners =
    Arc<dyn Fn(&[(NodeNo, Instant)]) -> std::result::Result<Vec<PartyNo>, String> + Send + Sync>;

/// Rows of a file by their place, with the party they have now.
type Strays = BTreeMap<usize, u32>;

/// Rewrites the weeks of `events` that have a row of `parties` which is somebody else's by now.
pub(crate) async fn restamp(
    table: &Arc<Table>,
    parties: &PartySet,
    owners: &Owners,
    done: &mut Done,
) -> Result<()> {
    for (week, files) in weeks(table) {
        let mut sources = Vec::with_capacity(files.len());
        for file in files {
            let strays = strays(table, &file, parties, owners).await?;
            sources.push((file, strays));
        }
        if sources.iter().any(|(_, strays)| !strays.is_empty()) {
            rewrite(table, week, sources, done).await?;
        }
    }
    Ok(())
}

/// The rows of `parties` in a file that are somebody else's by now.
async fn strays(table: &Arc<Table>, file: &Arc<File>, parties: &PartySet, owners: &Owners) -> Result<Strays> {
    let may_have = |low, high| parties.meets(low, high);
    let all = std::iter::once(0..file.rows as usize).collect();
    let ranges = decode::footer(table, file).await?.pages("party_no", all, &may_have);
    if ranges.is_empty() {
        return Ok(Strays::new());
    }
    let batches =
        decode::batches(table, file, &["party_no", "time", "node_no"], Some(ranges.clone())).await?;
    let mut places = ranges.into_iter().flatten();
    let (mut rows, mut known) = (Vec::new(), Vec::new());
    for batch in &batches {
        let (numbers, nodes) = (parties_of(batch)?, column::<Int64Type>(batch, "node_no")?.values());
        let times = column::<TimestampMicrosecondType>(batch, "time")?.values();
        for (row, place) in (0..batch.num_rows()).zip(&mut places) {
            let party = numbers[row].cast_unsigned();
            if parties.contains(party) {
                known.push((place, party));
                rows.push((NodeNo(nodes[row].cast_unsigned()), Instant(times[row])));
            }
        }
    }
    let owners = owners.clone();
    let asked = tokio::task::spawn_blocking(move || owners(&rows));
    let asked = asked.await.map_err(stopped)?.map_err(Error::Storage)?;
    if asked.len() != known.len() {
        return Err(Error::Storage("owners were not told for every row".into()));
    }
    let strays = known.into_iter().zip(asked).filter(|((_, party), now)| *party != now.0);
    Ok(strays.map(|((place, _), now)| (place, now.0)).collect())
}

/// Writes a week anew, one bucket after the other.
async fn rewrite(
    table: &Arc<Table>,
    week: i32,
    sources: Vec<(Arc<File>, Strays)>,
    done: &mut Done,
) -> Result<()> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let (mut buckets, mut inexact, mut moved) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (file, strays) in &sources {
        let footer = decode::footer(table, file).await?;
        buckets.extend(footer.runs.iter().map(|run| run.bucket));
        inexact.extend(footer.inexact.iter().cloned());
        buckets.extend(strays.values().map(|party| bucket_of(*party, table.buckets)));
        done.rows_restamped += strays.len() as u64;
        if !strays.is_empty() {
            let places = strays.keys().map(|place| *place..*place + 1).collect();
            let mut parties = strays.values().copied();
            for part in decode::batches(table, file, &names, Some(places)).await? {
                let part = complete(&part, &table.columns, &mut inexact)?;
                let numbers: Vec<u32> = parties.by_ref().take(part.num_rows()).collect();
                moved.push(stamped(&part, &numbers, table.buckets)?);
            }
        }
    }
    let mut adds = Vec::new();
    for bucket in buckets {
        let mut parts = Vec::new();
        for (file, strays) in &sources {
            let ranges = stays(&decode::footer(table, file).await?.runs, bucket, strays);
            if !ranges.is_empty() {
                parts.extend(decode::batches(table, file, &names, Some(ranges)).await?);
            }
        }
        for part in &moved {
            let buckets = column::<Int32Type>(part, "bucket")?.values();
            let mask: BooleanArray = buckets.iter().map(|b| Some(b.cast_unsigned() == bucket)).collect();
            parts.push(filter_record_batch(part, &mask)?);
        }
        let (columns, mut inexact) = (table.columns.clone(), inexact.clone());
        let made = tokio::task::spawn_blocking(move || {
            let batch = merge(&parts, &columns, &mut inexact)?;
            (batch.num_rows() > 0).then(|| encode::make(&batch, Effort::Tight, &inexact)).transpose()
        });
        if let Some(made) = made.await.map_err(stopped)?? {
            let path = event_path(week, Some(bucket), &table.fresh());
            adds.push(table.put_file(path, week, made, false).await?);
        }
    }
    let removes: Vec<_> = sources.into_iter().map(|(file, _)| file).collect();
    done.files_replaced += removes.len();
    done.files_written += adds.len();
    table.commit(Change { operation: "UPDATE", adds, removes, ..Change::default() }, |_| {}).await?;
    Ok(())
}

/// Where the rows of a bucket lie that stay.
fn stays(runs: &[decode::Run], bucket: u32, strays: &Strays) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for run in runs.iter().filter(|run| run.bucket == bucket) {
        let Range { mut start, end } = run.range();
        for (stray, _) in strays.range(start..end) {
            ranges.push(start..*stray);
            start = stray + 1;
        }
        ranges.push(start..end);
    }
    ranges.retain(|range| !range.is_empty());
    ranges
}

/// The rows under the numbers of other parties.
fn stamped(part: &RecordBatch, parties: &[u32], buckets: u32) -> Result<RecordBatch> {
    let mut columns = part.columns().to_vec();
    let numbers =
        |of: &dyn Fn(u32) -> u32| Int32Array::from_iter_values(parties.iter().map(|p| of(*p).cast_signed()));
    for (column, field) in columns.iter_mut().zip(part.schema().fields()) {
        match field.name().as_str() {
            "party_no" => *column = Arc::new(numbers(&|party| party)),
            "bucket" => *column = Arc::new(numbers(&|party| bucket_of(party, buckets))),
            _ => {}
        }
    }
    Ok(RecordBatch::try_new(part.schema(), columns)?)
}

fn parties_of(batch: &RecordBatch) -> Result<&[i32]> {
    Ok(column::<Int32Type>(batch, "party_no")?.values())
}

fn column<'a, T: arrow::datatypes::ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>> {
    let array = batch.column_by_name(name).and_then(|array| array.as_primitive_opt::<T>());
    array.ok_or_else(|| Error::Unreadable(format!("a file of `events` has no column `{name}`")))
}

fn stopped(error: tokio::task::JoinError) -> Error {
    Error::Storage(format!("restamping stopped: {error}"))
}
