//! The rows of one event and bucket, from one file or from the buffer, each in order by itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use criteria::path::Path;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use kernel::Key;
use serde_json::Value as Json;

use super::values::Values;
use super::{CHANNEL, EVENT, Job, PROPERTIES, SOURCE, WantedEvent};
use crate::decode::{self, Footer};
use crate::encode::bucket_of;
use crate::error::{Error, Result};
use crate::pick::{first_member, pick};
use crate::row::{Column, Event, Kind};
use crate::table::file::{File, week_of};

/// Files of one bucket that are read at once.
const READS: usize = 4;

/// Rows in the order (party, time, key), unless they are of several events.
pub(crate) struct Piece {
    pub(crate) week: i32,
    pub(crate) is_sorted: bool,
    pub(crate) parties: Vec<u32>,
    pub(crate) times: Vec<i64>,
    /// Empty where the order needs none and nobody asked.
    pub(crate) keys: Vec<Key>,
    pub(crate) columns: Vec<Values>,
}

/// Reads everything of one wanted event in one bucket.
pub(super) async fn read(job: &Arc<Job>, bucket: u32, wanted: &WantedEvent) -> Result<Vec<Piece>> {
    let range = job.range(wanted);
    let waiting = waiting(job, bucket, wanted);
    let mut sources: Vec<(Arc<File>, Vec<Range<usize>>)> = Vec::new();
    let mut per_week: BTreeMap<i32, usize> = BTreeMap::new();
    for week in waiting.keys() {
        per_week.insert(*week, 1);
    }
    let pinned = job.pinned();
    for file in pinned.files.iter() {
        let is_early = file.times.0.0 >= range.end;
        let is_late = file.times.1.0 < range.start;
        if is_early || is_late || file.bucket.is_some_and(|b| b != bucket) {
            continue;
        }
        let footer = decode::footer(&pinned.table, file).await?;
        let is_wanted = |run: &&decode::Run| {
            run.bucket == bucket && wanted.event.as_ref().is_none_or(|event| *event == run.event)
        };
        let ranges: Vec<_> = footer.runs.iter().filter(is_wanted).map(decode::Run::range).collect();
        if !ranges.is_empty() {
            *per_week.entry(file.week).or_default() += 1;
            sources.push((file.clone(), ranges));
        }
    }
    let mut pieces = Vec::with_capacity(sources.len() + waiting.len());
    let mut reads = Vec::with_capacity(sources.len());
    for (file, ranges) in sources {
        let has_keys = wanted.is_keyed || wanted.event.is_none() || per_week[&file.week] > 1;
        reads.push(from_file(job, file, ranges, wanted, has_keys).boxed());
    }
    // Several requests under way, because an object store answers each late.
    let read: Vec<Piece> = futures_util::stream::iter(reads).buffered(READS).try_collect().await?;
    pieces.extend(read);
    pieces.extend(waiting.into_iter().map(|(week, rows)| from_rows(week, &rows, wanted)));
    // Weeks do not overlap, so this order is nearly the final one.
    pieces.sort_by_key(|piece| piece.week);
    pieces.retain(|piece| !piece.times.is_empty());
    Ok(pieces)
}

/// The buffered rows, by week.
fn waiting<'a>(job: &'a Job, bucket: u32, wanted: &WantedEvent) -> BTreeMap<i32, Vec<&'a Event>> {
    let (pinned, range) = (job.pinned(), job.range(wanted));
    let buckets = pinned.table.buckets;
    let mut weeks: BTreeMap<i32, Vec<&Event>> = BTreeMap::new();
    for event in pinned.chunks.iter().flat_map(|chunk| &chunk.events) {
        if bucket_of(event.party.0, buckets) == bucket
            && wanted.event.as_ref().is_none_or(|name| *name == event.event)
            && job.takes(&range, event.party.0, event.time.0, event.node.0)
        {
            weeks.entry(week_of(event.time)).or_default().push(event);
        }
    }
    for rows in weeks.values_mut() {
        rows.sort_unstable_by_key(|row| (row.party, row.time, row.key));
    }
    weeks
}

fn from_rows(week: i32, rows: &[&Event], wanted: &WantedEvent) -> Piece {
    let columns = wanted.columns.iter().map(|path| match path.to_string().as_str() {
        CHANNEL => Values::from_texts(rows.iter().map(|row| row.channel.as_deref())),
        SOURCE => Values::from_texts(rows.iter().map(|row| Some(&*row.source))),
        EVENT => Values::from_texts(rows.iter().map(|row| Some(&*row.event))),
        PROPERTIES => Values::from_texts(rows.iter().map(|row| Some(&*row.properties))),
        _ if path.is_context() => property(rows.iter().map(|row| &*row.context), path),
        _ => property(rows.iter().map(|row| &*row.properties), path),
    });
    Piece {
        week,
        is_sorted: true,
        parties: rows.iter().map(|row| row.party.0).collect(),
        times: rows.iter().map(|row| row.time.0).collect(),
        keys: rows.iter().map(|row| row.key).collect(),
        columns: columns.collect(),
    }
}

/// What `path` finds in each of `objects`, the properties or the contexts of events. Only the member
/// it begins with is parsed; what it finds there is criteria's to say, as in the stream.
fn property<'a>(objects: impl Iterator<Item = &'a str>, path: &Path) -> Values {
    let text = path.to_string();
    let inner = if path.is_context() { text.split_once('.').map_or("", |(_, inner)| inner) } else { &text };
    let (name, _) = first_member(inner);
    let mut member = [None];
    let mut object = serde_json::Map::new();
    let rows = objects.map(|text| {
        pick(text, &[name], &mut member);
        let mut values = Vec::new();
        let Some(json) = member[0].and_then(|raw| serde_json::from_str(raw.get()).ok()) else {
            return values;
        };
        object.insert(name.to_owned(), json);
        let whole = Json::Object(std::mem::take(&mut object));
        path.read_event(&whole, &whole, |value| values.push(value));
        values
    });
    if path.is_many() {
        Values::from_many(rows.collect())
    } else {
        Values::from_cells(rows.map(|mut v| v.pop()).collect())
    }
}

/// Where a wanted column of a file comes from.
enum Origin<'a> {
    Column(String),
    /// The properties as they are.
    Whole,
    Object(&'static str, &'a Path),
}

fn origin<'a>(path: &'a Path, footer: &Footer, hot: &[Column]) -> Origin<'a> {
    let text = path.to_string();
    // A hot column answers for its property only where it holds every value of it; one of instants
    // never, because the property is text to a rule.
    let is_hot = |column: &Column| column.name == text && column.kind != Kind::Time && footer.holds(&text);
    match text.as_str() {
        CHANNEL => Origin::Column("channel".into()),
        SOURCE => Origin::Column("source".into()),
        EVENT => Origin::Column("event".into()),
        PROPERTIES => Origin::Whole,
        _ if hot.iter().any(is_hot) => Origin::Column(text),
        _ if path.is_context() => Origin::Object("context", path),
        _ => Origin::Object("properties", path),
    }
}

async fn from_file(
    job: &Arc<Job>,
    file: Arc<File>,
    ranges: Vec<Range<usize>>,
    wanted: &WantedEvent,
    has_keys: bool,
) -> Result<Piece> {
    let table = &job.pinned().table;
    let footer = decode::footer(table, &file).await?;
    let hot = crate::table::schema::hot_columns(&table.columns);
    let origins: Vec<Origin<'_>> = wanted.columns.iter().map(|path| origin(path, &footer, hot)).collect();
    let mut names = vec!["party_no", "time"];
    names.extend(has_keys.then_some("event_id"));
    names.extend((!job.pinned().suppressed.is_empty()).then_some("node_no"));
    names.extend(origins.iter().map(|origin| match origin {
        Origin::Column(name) => name.as_str(),
        Origin::Whole => "properties",
        Origin::Object(name, _) => name,
    }));
    let (is_sorted, range) = (ranges.len() == 1, job.range(wanted));
    let batches = decode::batches(table, &file, &names, Some(ranges)).await?;
    let (mut parties, mut times, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    let mut parts: Vec<Vec<Values>> = wanted.columns.iter().map(|_| Vec::new()).collect();
    for batch in &batches {
        let kept = kept(job, &range, batch)?;
        let (party, time) = (party_column(batch)?, time_column(batch)?);
        parties.extend(kept.iter().map(|row| party[*row].cast_unsigned()));
        times.extend(kept.iter().map(|row| time[*row]));
        if has_keys {
            let ids = column(batch, "event_id")?.as_binary::<i32>();
            for row in &kept {
                let key = Key::from_slice(ids.value(*row));
                keys.push(key.ok_or_else(|| {
                    Error::Unreadable(format!("`{}` has a key of another length", file.path))
                })?);
            }
        }
        for (origin, parts) in origins.iter().zip(&mut parts) {
            parts.push(match origin {
                Origin::Column(name) => Values::from_array(column(batch, name)?, &kept),
                Origin::Whole => {
                    let texts = column(batch, "properties")?.as_string::<i32>();
                    Values::from_texts(kept.iter().map(|row| Some(texts.value(*row))))
                }
                Origin::Object(name, path) => {
                    let texts = column(batch, name)?.as_string::<i32>();
                    property(kept.iter().map(|row| texts.value(*row)), path)
                }
            });
        }
    }
    let columns = parts.into_iter().map(join).collect();
    Ok(Piece { week: file.week, is_sorted, parties, times, keys, columns })
}

/// The parts of a column one after another.
fn join(mut parts: Vec<Values>) -> Values {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let order: Vec<(u32, u32)> = (0u32..)
        .zip(&parts)
        .flat_map(|(part, values)| (0..values.len() as u32).map(move |row| (part, row)))
        .collect();
    Values::gather(parts, &order)
}

/// The rows of a batch that are part of the answer.
fn kept(job: &Job, range: &Range<i64>, batch: &RecordBatch) -> Result<Vec<usize>> {
    let (parties, times) = (party_column(batch)?, time_column(batch)?);
    let nodes = batch.column_by_name("node_no").map(|c| c.as_primitive::<Int64Type>().values());
    let node = |row: usize| nodes.map_or(0, |nodes| nodes[row].cast_unsigned());
    let rows = 0..batch.num_rows();
    Ok(rows.filter(|row| job.takes(range, parties[*row].cast_unsigned(), times[*row], node(*row))).collect())
}

fn party_column(batch: &RecordBatch) -> Result<&[i32]> {
    Ok(column(batch, "party_no")?.as_primitive::<Int32Type>().values())
}

fn time_column(batch: &RecordBatch) -> Result<&[i64]> {
    Ok(column(batch, "time")?.as_primitive::<TimestampMicrosecondType>().values())
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    let array = batch.column_by_name(name);
    array
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::Unreadable(format!("a file of `events` has no column `{name}`")))
}
