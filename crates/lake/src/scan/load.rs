//! Columns of one run out of its file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use criteria::path::Path;
use criteria::value::Value;
use kernel::Key;
use serde_json::Value as Json;

use super::stock::{Rows, Run};
use super::stored::{Place, Stored};
use super::values::Values;
use super::words::Words;
use super::{CHANNEL, EVENT, Job, PROPERTIES, PartySet, SOURCE};
use crate::decode::{self, Footer};
use crate::error::{Error, Result};
use crate::pick::{first_member, pick};
use crate::row::{Column, Kind};
use crate::table::file::File;

/// What is to be decoded.
pub(super) struct Asked<'a> {
    /// Whether the rows are of events of several names, each in an order of its own.
    pub(super) is_mixed: bool,
    pub(super) has_rows: bool,
    pub(super) has_keys: bool,
    pub(super) has_nodes: bool,
    pub(super) paths: Vec<&'a Path>,
}

impl Asked<'_> {
    pub(super) fn is_nothing(&self) -> bool {
        !self.has_rows && !self.has_keys && !self.has_nodes && self.paths.is_empty()
    }
}

/// Where a wanted column of a file comes from.
enum Origin {
    Column(String),
    /// The properties as they are.
    Whole,
    Object(&'static str),
}

fn origin(path: &Path, footer: &Footer, hot: &[Column]) -> Origin {
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
        _ if path.is_context() => Origin::Object("context"),
        _ => Origin::Object("properties"),
    }
}

impl Origin {
    fn name(&self) -> &str {
        match self {
            Self::Column(name) => name,
            Self::Whole => "properties",
            Self::Object(name) => name,
        }
    }
}

/// The parts of `ranges` in which rows of some parties lie.
pub(super) async fn narrow(
    job: &Job,
    file: &File,
    ranges: Vec<Range<usize>>,
    parties: &PartySet,
) -> Result<Vec<Range<usize>>> {
    let table = &job.pinned().table;
    let may_have = |low, high| parties.meets(low, high);
    let ranges = decode::footer(table, file).await?.pages("party_no", ranges, &may_have);
    if ranges.is_empty() {
        return Ok(ranges);
    }
    let batches = decode::batches(table, file, &["party_no"], Some(ranges.clone())).await?;
    let mut rows = Vec::new();
    for batch in &batches {
        rows.extend_from_slice(party_column(batch)?);
    }
    let mut places = ranges.into_iter().flatten();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (party, place) in rows.into_iter().zip(&mut places) {
        if parties.contains(party.cast_unsigned()) {
            match found.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                _ => found.push(place..place + 1),
            }
        }
    }
    Ok(found)
}

/// Decodes what is asked for of the rows of `ranges`. `order` is that of the rows, if it is known already.
pub(super) async fn load(
    job: &Job,
    file: &File,
    footer: &Footer,
    ranges: &[Range<usize>],
    asked: &Asked<'_>,
    order: Option<Arc<Vec<u32>>>,
) -> Result<Run> {
    let table = &job.pinned().table;
    let hot = crate::table::schema::hot_columns(&table.columns);
    let origins: Vec<Origin> = asked.paths.iter().map(|path| origin(path, footer, hot)).collect();
    let mut names = Vec::new();
    names.extend(asked.has_rows.then_some(["party_no", "time"]).into_iter().flatten());
    names.extend(asked.has_keys.then_some("event_id"));
    names.extend(asked.has_nodes.then_some("node_no"));
    names.extend(origins.iter().map(Origin::name));
    let batches = if ranges.is_empty() {
        Vec::new()
    } else {
        decode::batches(table, file, &names, Some(ranges.to_vec())).await?
    };
    let (mut rows, mut keys, mut nodes) = (Rows::default(), Vec::new(), Vec::new());
    let mut columns: Vec<Growing> =
        asked.paths.iter().zip(&origins).map(|(path, o)| Growing::new(job, path, o)).collect();
    for batch in &batches {
        if asked.has_rows {
            rows.parties.extend(party_column(batch)?.iter().map(|party| party.cast_unsigned()));
            rows.times.extend_from_slice(time_column(batch)?);
        }
        if asked.has_keys {
            let ids = column(batch, "event_id")?.as_binary::<i32>();
            for id in ids.iter() {
                let key = id.and_then(Key::from_slice);
                keys.push(key.ok_or_else(|| {
                    Error::Unreadable(format!("`{}` has a key of another length", file.path))
                })?);
            }
        }
        if asked.has_nodes {
            let numbers = column(batch, "node_no")?.as_primitive::<Int64Type>().values();
            nodes.extend(numbers.iter().map(|node| node.cast_unsigned()));
        }
        for (origin, growing) in origins.iter().zip(&mut columns) {
            growing.read(column(batch, origin.name())?);
        }
    }
    let columns = asked.paths.iter().zip(columns).map(|(path, growing)| (path.to_string(), growing.finish()));
    let run = Run {
        rows: asked.has_rows.then(|| Arc::new(rows)),
        order,
        keys: asked.has_keys.then(|| Arc::new(keys)),
        nodes: asked.has_nodes.then(|| Arc::new(nodes)),
        columns: columns.map(|(path, column)| (path, Arc::new(column))).collect(),
    };
    Ok(if asked.is_mixed { sorted(run) } else { run })
}

/// Rows of several events in the order of one run.
fn sorted(run: Run) -> Run {
    let order = match (&run.order, &run.rows, &run.keys) {
        (Some(order), ..) => order.clone(),
        (None, Some(rows), keys) => {
            let mut order: Vec<u32> = (0..rows.times.len() as u32).collect();
            order.sort_by_key(|row| {
                let row = *row as usize;
                (rows.parties[row], rows.times[row], keys.as_ref().map(|keys| keys[row]))
            });
            Arc::new(order)
        }
        // The order comes with the rows, and these are always read first.
        (None, None, _) => return run,
    };
    let places: Vec<Place> = order.iter().map(|row| (0, *row)).collect();
    fn pick<T: Copy>(list: &[T], order: &[u32]) -> Vec<T> {
        order.iter().map(|row| list[*row as usize]).collect()
    }
    let rows = run.rows.map(|rows| {
        Arc::new(Rows { parties: pick(&rows.parties, &order), times: pick(&rows.times, &order) })
    });
    let columns = run.columns.into_iter().map(|(path, column)| {
        let column = Stored::gather(&[&column], &places);
        (path, Arc::new(column))
    });
    Run {
        rows,
        keys: run.keys.map(|keys| Arc::new(pick(&keys, &order))),
        nodes: run.nodes.map(|nodes| Arc::new(pick(&nodes, &order))),
        columns: columns.collect(),
        order: Some(order),
    }
}

/// A column that grows batch by batch.
enum Growing {
    Parts(Vec<Values>, Arc<Words>),
    Texts(Vec<Values>, Arc<Words>),
    Cells(Cells, Arc<Words>),
}

impl Growing {
    fn new(job: &Job, path: &Path, origin: &Origin) -> Self {
        let words = job.words(&path.to_string());
        match origin {
            Origin::Column(_) => Self::Parts(Vec::new(), words),
            Origin::Whole => Self::Texts(Vec::new(), words),
            Origin::Object(_) => Self::Cells(Cells::new(path), words),
        }
    }

    fn read(&mut self, array: &dyn Array) {
        match self {
            Self::Parts(parts, words) => {
                let all: Vec<usize> = (0..array.len()).collect();
                parts.push(Values::from_array(array, &all, words));
            }
            Self::Texts(parts, words) => {
                parts.push(Values::from_texts(array.as_string::<i32>().iter(), words));
            }
            Self::Cells(cells, _) => {
                let texts = array.as_string::<i32>();
                cells.read(texts.iter().map(Option::unwrap_or_default));
            }
        }
    }

    fn finish(self) -> Stored {
        Stored::of(match self {
            Self::Parts(parts, _) | Self::Texts(parts, _) => Values::join(parts),
            Self::Cells(cells, words) => cells.values(&words),
        })
    }
}

/// What a path finds in the properties or the contexts of events. Only the member it begins with is parsed;
/// what it finds there is criteria's to say, as in the stream.
pub(super) struct Cells {
    path: Path,
    name: String,
    found: Vec<Vec<Value>>,
}

impl Cells {
    pub(super) fn new(path: &Path) -> Self {
        let text = path.to_string();
        let inner =
            if path.is_context() { text.split_once('.').map_or("", |(_, inner)| inner) } else { &text };
        Self { path: path.clone(), name: first_member(inner).0.to_owned(), found: Vec::new() }
    }

    pub(super) fn read<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        let mut object = serde_json::Map::new();
        for text in objects {
            let mut member = [None];
            pick(text, &[self.name.as_str()], &mut member);
            let mut values = Vec::new();
            if let Some(json) = member[0].and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                object.insert(self.name.clone(), json);
                let whole = Json::Object(std::mem::take(&mut object));
                self.path.read_event(&whole, &whole, |value| values.push(value));
            }
            self.found.push(values);
        }
    }

    pub(super) fn values(self, words: &Arc<Words>) -> Values {
        if self.path.is_many() {
            return Values::from_many(self.found);
        }
        Values::from_cells(self.found.into_iter().map(|mut values| values.pop()).collect(), words)
    }
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
