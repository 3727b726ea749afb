//! The rows of one event and bucket, from one file or from the buffer, in the order (party, time, key).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use criteria::path::Path;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use kernel::Key;

use super::few;
use super::load::{self, Asked};
use super::stock::{Rows, Run};
use super::stored::{Place, Stored};
use super::values::Values;
use super::words::Words;
use super::{CHANNEL, EVENT, Job, PROPERTIES, SOURCE, WantedEvent};
use crate::decode::{self, Footer};
use crate::encode::bucket_of;
use crate::error::Result;
use crate::row::Event;
use crate::table::file::{File, week_of};

/// Files of one bucket that are read at once.
const READS: usize = 4;

/// Rows of one event.
pub(crate) struct Piece {
    pub(crate) week: i32,
    pub(crate) rows: Arc<Rows>,
    /// Absent where the order needs none and nobody asked.
    pub(crate) keys: Option<Arc<Vec<Key>>>,
    pub(crate) columns: Vec<Arc<Stored>>,
}

/// A file, its footer, and where in it the wanted rows lie.
pub(super) struct Source {
    pub(super) file: Arc<File>,
    pub(super) footer: Arc<Footer>,
    pub(super) ranges: Vec<Range<usize>>,
}

/// Reads everything of one wanted event in one bucket. Pieces come in the order of their weeks.
pub(super) async fn read(job: &Arc<Job>, bucket: u32, wanted: &WantedEvent) -> Result<Vec<Piece>> {
    let range = job.range(wanted);
    let waiting = waiting(job, bucket, wanted);
    let mut sources: Vec<Source> = Vec::new();
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
            sources.push(Source { file: file.clone(), footer, ranges });
        }
    }
    let mut pieces = if job.parties.is_some() {
        let counts = waiting.iter().map(|(week, rows)| (*week, rows.len())).collect();
        few::read(job, sources, wanted, counts).await?
    } else {
        let mut reads = Vec::with_capacity(sources.len());
        for source in sources {
            let has_keys = wanted.is_keyed || wanted.event.is_none() || per_week[&source.file.week] > 1;
            reads.push(from_file(job, bucket, source, wanted, has_keys).boxed());
        }
        // Several requests under way, because an object store answers each late.
        futures_util::stream::iter(reads).buffered(READS).try_collect().await?
    };
    pieces.extend(waiting.into_iter().map(|(week, rows)| from_rows(job, week, &rows, wanted)));
    // Weeks do not overlap, so this order is nearly the final one.
    pieces.sort_by_key(|piece| piece.week);
    pieces.retain(|piece| !piece.rows.times.is_empty());
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

fn from_rows(job: &Job, week: i32, rows: &[&Event], wanted: &WantedEvent) -> Piece {
    let columns = wanted.columns.iter().map(|path| {
        let text = path.to_string();
        let words = job.words(&text);
        Arc::new(Stored::of(match text.as_str() {
            CHANNEL => Values::from_texts(rows.iter().map(|row| row.channel.as_deref()), &words),
            SOURCE => Values::from_texts(rows.iter().map(|row| Some(&*row.source)), &words),
            EVENT => Values::from_texts(rows.iter().map(|row| Some(&*row.event)), &words),
            PROPERTIES => Values::from_texts(rows.iter().map(|row| Some(&*row.properties)), &words),
            _ if path.is_context() => property(rows.iter().map(|row| &*row.context), path, &words),
            _ => property(rows.iter().map(|row| &*row.properties), path, &words),
        }))
    });
    let columns = columns.collect();
    let parties = rows.iter().map(|row| row.party.0).collect();
    let times = rows.iter().map(|row| row.time.0).collect();
    let keys = Some(Arc::new(rows.iter().map(|row| row.key).collect()));
    Piece { week, rows: Arc::new(Rows { parties, times }), keys, columns }
}

fn property<'a>(objects: impl Iterator<Item = &'a str>, path: &Path, words: &Arc<Words>) -> Values {
    let mut cells = load::Cells::new(path);
    cells.read(objects);
    cells.values(words)
}

async fn from_file(
    job: &Arc<Job>,
    bucket: u32,
    source: Source,
    wanted: &WantedEvent,
    has_keys: bool,
) -> Result<Piece> {
    let Source { file, footer, ranges } = source;
    let id = (file.path.clone(), bucket, wanted.event.clone());
    let mut known = job.stock().get(&id);
    let missing = asked(job, wanted, has_keys, &known);
    if !missing.is_nothing() {
        let order = known.order.clone();
        let fresh = load::load(job, &file, &footer, &ranges, &missing, order).await?;
        job.stock().put(id, &fresh);
        known.take_in(&fresh);
    }
    Ok(filtered(job, &file, wanted, known, has_keys))
}

/// What is not known yet of a run.
pub(super) fn asked<'a>(job: &Job, wanted: &'a WantedEvent, has_keys: bool, run: &Run) -> Asked<'a> {
    let has_nodes = !job.pinned().suppressed.is_empty();
    Asked {
        is_mixed: wanted.event.is_none(),
        has_rows: run.rows.is_none(),
        has_keys: has_keys && run.keys.is_none(),
        has_nodes: has_nodes && run.nodes.is_none(),
        paths: wanted.columns.iter().filter(|path| !run.columns.contains_key(&path.to_string())).collect(),
    }
}

/// The rows of a run that are part of the answer.
pub(super) fn filtered(job: &Job, file: &File, wanted: &WantedEvent, run: Run, has_keys: bool) -> Piece {
    let rows = run.rows.unwrap_or_default();
    let columns: Vec<Arc<Stored>> = wanted
        .columns
        .iter()
        .map(|path| run.columns.get(&path.to_string()).cloned())
        .map(|column| column.unwrap_or_else(|| Arc::new(Stored::Absent)))
        .collect();
    let keys = run.keys.filter(|_| has_keys);
    let range = job.range(wanted);
    let is_whole = range.start <= file.times.0.0 && file.times.1.0 < range.end && job.takes_everybody();
    if is_whole {
        return Piece { week: file.week, rows, keys, columns };
    }
    let node = |row: usize| run.nodes.as_ref().map_or(0, |nodes| nodes[row]);
    let takes = |row: &usize| job.takes(&range, rows.parties[*row], rows.times[*row], node(*row));
    let order: Vec<Place> = (0..rows.times.len()).filter(takes).map(|row| (0, row as u32)).collect();
    if order.len() == rows.times.len() {
        return Piece { week: file.week, rows, keys, columns };
    }
    let at = |(_, row): &Place| *row as usize;
    let kept = Rows {
        parties: order.iter().map(|place| rows.parties[at(place)]).collect(),
        times: order.iter().map(|place| rows.times[at(place)]).collect(),
    };
    let keys = keys.map(|keys| Arc::new(order.iter().map(|place| keys[at(place)]).collect()));
    let columns = columns.iter().map(|column| Arc::new(Stored::gather(&[column], &order))).collect();
    Piece { week: file.week, rows: Arc::new(kept), keys, columns }
}
