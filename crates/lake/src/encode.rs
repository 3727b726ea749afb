//! Rows to Parquet files: order, encodings, and the index of runs in the footer.
//!
//! A file of `events` is sorted by (bucket, event, party, time, key). Its footer lists where each
//! (bucket, event) begins, so that a question reads exactly its rows and never decodes the columns
//! that selected them. A hot column that could not hold some value of its property exactly is named
//! in the footer as inexact; questions then read the property itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Decimal128Builder, Int32Builder, Int64Builder,
    RecordBatch, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use kernel::Instant;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::pick::pick;
use crate::row::{Cell, Column, DECIMAL_SCALE, Event, Kind};
use crate::table::file::Stats;
use crate::table::schema::{self, DECIMAL_DIGITS};

/// Footer key of the runs: a JSON list of `[bucket, event, first row, rows]`.
pub(crate) const RUNS_KEY: &str = "headwater.runs";
/// Footer key of the inexact hot columns: a JSON list of names.
pub(crate) const INEXACT_KEY: &str = "headwater.inexact";
/// Rows of a row group; a question reads whole pages, so this bounds memory while writing.
const GROUP_ROWS: usize = 256 * 1024;
/// Rows of a page, the least a question decodes.
const PAGE_ROWS: usize = 8 * 1024;

/// Bytes of a page of a wide column: what reading one row's properties costs.
const PAGE_BYTES: usize = 128 * 1024;

/// Digits that a floating point number, as which JSON is read, holds exactly.
const JSON_DIGITS: u32 = 15;

/// How much work a file is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Soon to be compacted.
    Fast,
    /// To be kept.
    Tight,
}

/// A file in memory.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stats: Stats,
}

/// The bucket of a party: the same for events, parties and audiences.
pub(crate) fn bucket_of(party: u32, buckets: u32) -> u32 {
    party % buckets
}

/// Sorts `rows` into file order. All are of one week.
pub(crate) fn sort(rows: &mut [&Event], buckets: u32) {
    let mut names: Vec<&str> = rows.iter().map(|r| &*r.event).collect::<BTreeSet<_>>().into_iter().collect();
    names.sort_unstable();
    let ranks: HashMap<&str, u32> = names.iter().zip(0..).map(|(name, rank)| (*name, rank)).collect();
    rows.sort_by_cached_key(|r| (bucket_of(r.party.0, buckets), ranks[&*r.event], r.party, r.time, r.key));
}

/// The rows as columns, and the hot columns that are inexact.
pub(crate) fn event_batch(
    rows: &[&Event],
    columns: &[Column],
    buckets: u32,
) -> Result<(RecordBatch, BTreeSet<String>)> {
    let hot = schema::hot_columns(columns);
    let mut inexact = BTreeSet::new();
    let texts = rows.iter().map(|r| &*r.properties);
    let mut hot_arrays = hot_arrays(texts, hot, &mut inexact).into_iter();
    let too_many = || Error::Limit { limit: "parties of a workspace", max: i32::MAX as u64 };
    let small = |value: u32| i32::try_from(value).map_err(|_| too_many());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        arrays.push(match column.name.as_str() {
            "bucket" => {
                let buckets = rows.iter().map(|r| bucket_of(r.party.0, buckets) as i32);
                Arc::new(arrow::array::Int32Array::from_iter_values(buckets))
            }
            "event" => Arc::new(arrow::array::StringArray::from_iter_values(rows.iter().map(|r| &*r.event))),
            "party_no" => {
                let parties = rows.iter().map(|r| small(r.party.0)).collect::<Result<Vec<_>>>()?;
                Arc::new(arrow::array::Int32Array::from(parties))
            }
            "time" => {
                let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.time.0));
                Arc::new(times.with_timezone("UTC"))
            }
            "node_no" => Arc::new(arrow::array::Int64Array::from_iter_values(
                rows.iter().map(|r| r.node.0.cast_signed()),
            )),
            "channel" => {
                Arc::new(rows.iter().map(|r| r.channel.as_deref()).collect::<arrow::array::StringArray>())
            }
            "source" => {
                Arc::new(arrow::array::StringArray::from_iter_values(rows.iter().map(|r| &*r.source)))
            }
            "event_id" => Arc::new(arrow::array::BinaryArray::from_iter_values(rows.iter().map(|r| r.key.0))),
            "context" => {
                Arc::new(arrow::array::StringArray::from_iter_values(rows.iter().map(|r| &*r.context)))
            }
            "properties" => {
                Arc::new(arrow::array::StringArray::from_iter_values(rows.iter().map(|r| &*r.properties)))
            }
            _ => {
                hot_arrays.next().expect("every other column is hot, and there is an array for each hot one")
            }
        });
    }
    Ok((RecordBatch::try_new(schema::arrow_schema(columns), arrays)?, inexact))
}

/// The hot columns of rows with these properties; names in `inexact` those that lack a value.
pub(crate) fn hot_arrays<'a>(
    properties: impl Iterator<Item = &'a str>,
    hot: &[Column],
    inexact: &mut BTreeSet<String>,
) -> Vec<ArrayRef> {
    if hot.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = hot.iter().map(|c| c.name.as_str()).collect();
    let mut builders: Vec<Builder> = hot.iter().map(|c| Builder::of(c.kind)).collect();
    let mut found: Vec<Option<&RawValue>> = vec![None; hot.len()];
    for text in properties {
        pick(text, &names, &mut found);
        for ((builder, value), name) in builders.iter_mut().zip(&found).zip(&names) {
            let cell = value.map_or(Some(Cell::Null), |raw| builder.read(raw));
            if cell.is_none() && !inexact.contains(*name) {
                inexact.insert((*name).to_owned());
            }
            builder
                .push(&cell.unwrap_or(Cell::Null))
                .expect("`read` answers with a cell of the builder's kind");
        }
    }
    builders.into_iter().map(Builder::finish).collect()
}

/// The rows of a table other than `events`.
pub(crate) fn cell_batch(rows: &[Vec<Cell>], columns: &[Column]) -> Result<RecordBatch> {
    let mut builders: Vec<Builder> = columns.iter().map(|c| Builder::of(c.kind)).collect();
    for row in rows {
        if row.len() != columns.len() {
            let message = format!("a row has {} cells, the table {} columns", row.len(), columns.len());
            return Err(Error::Refused(message));
        }
        for ((cell, builder), column) in row.iter().zip(&mut builders).zip(columns) {
            let pushed = builder.push(cell);
            pushed.ok_or_else(|| Error::Refused(format!("column `{}` cannot hold {cell:?}", column.name)))?;
        }
    }
    let arrays = builders.into_iter().map(Builder::finish).collect();
    Ok(RecordBatch::try_new(schema::arrow_schema(columns), arrays)?)
}

/// One column in the making.
enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Small(Int32Builder),
    Decimal(Decimal128Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Bytes(BinaryBuilder),
}

impl Builder {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Small => Self::Small(Int32Builder::new()),
            Kind::Decimal => {
                Self::Decimal(Decimal128Builder::new().with_data_type(schema::arrow_type(Kind::Decimal)))
            }
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Time => {
                Self::Time(TimestampMicrosecondBuilder::new().with_data_type(schema::arrow_type(Kind::Time)))
            }
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    /// A JSON value as a cell of this column; `None` if the column cannot hold it exactly.
    fn read(&self, raw: &RawValue) -> Option<Cell> {
        let text = raw.get();
        if text == "null" {
            return Some(Cell::Null);
        }
        match self {
            Self::Text(_) => serde_json::from_str(text).ok().map(Cell::Text),
            Self::Integer(_) | Self::Small(_) => text.parse().ok().map(Cell::Integer),
            // More digits do not survive the reader of JSON, through which the stream sees them.
            Self::Decimal(_) => mantissa(text)
                .filter(|m| m.unsigned_abs() < 10u64.pow(JSON_DIGITS))
                .map(|_| Cell::Decimal(text.to_owned())),
            Self::Boolean(_) => serde_json::from_str(text).ok().map(Cell::Boolean),
            Self::Time(_) => Instant::parse(text.strip_prefix('"')?.strip_suffix('"')?).map(Cell::Time),
            Self::Bytes(_) => None,
        }
    }

    fn push(&mut self, cell: &Cell) -> Option<()> {
        match (self, cell) {
            (Self::Text(b), Cell::Text(v)) => b.append_value(v),
            (Self::Text(b), Cell::Null) => b.append_null(),
            (Self::Integer(b), Cell::Integer(v)) => b.append_value(*v),
            (Self::Integer(b), Cell::Null) => b.append_null(),
            (Self::Small(b), Cell::Integer(v)) => b.append_value(i32::try_from(*v).ok()?),
            (Self::Small(b), Cell::Null) => b.append_null(),
            (Self::Decimal(b), Cell::Decimal(v)) => b.append_value(i128::from(mantissa(v)?)),
            (Self::Decimal(b), Cell::Null) => b.append_null(),
            (Self::Boolean(b), Cell::Boolean(v)) => b.append_value(*v),
            (Self::Boolean(b), Cell::Null) => b.append_null(),
            (Self::Time(b), Cell::Time(v)) => b.append_value(v.0),
            (Self::Time(b), Cell::Null) => b.append_null(),
            (Self::Bytes(b), Cell::Bytes(v)) => b.append_value(v),
            (Self::Bytes(b), Cell::Null) => b.append_null(),
            _ => return None,
        }
        Some(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut b) => Arc::new(b.finish()),
            Self::Integer(mut b) => Arc::new(b.finish()),
            Self::Small(mut b) => Arc::new(b.finish()),
            Self::Decimal(mut b) => Arc::new(b.finish()),
            Self::Boolean(mut b) => Arc::new(b.finish()),
            Self::Time(mut b) => Arc::new(b.finish()),
            Self::Bytes(mut b) => Arc::new(b.finish()),
        }
    }
}

/// A JSON number as a multiple of 10⁻⁴; `None` if it is none or does not fit.
pub(crate) fn mantissa(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = usize::from(DECIMAL_SCALE);
    let (kept, rest) = fraction.split_at_checked(scale).unwrap_or((fraction, ""));
    if rest.bytes().any(|b| b != b'0') || !kept.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i64 = format!("{whole}{kept:0<scale$}").parse().ok()?;
    (value.unsigned_abs() < 10u64.pow(u32::from(DECIMAL_DIGITS))).then_some(value)
}

/// Writes a batch that is in file order.
pub(crate) fn make(batch: &RecordBatch, effort: Effort, inexact: &BTreeSet<String>) -> Result<Made> {
    let options =
        ArrowWriterOptions::new().with_properties(properties(batch, effort)).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
    writer.write(batch)?;
    let stats = stats(batch)?;
    if stats.buckets.is_some() {
        let runs = serde_json::to_string(&runs(batch)?).map_err(|e| Error::Unreadable(e.to_string()))?;
        writer.append_key_value_metadata(KeyValue::new(RUNS_KEY.to_owned(), runs));
        let inexact = serde_json::Value::from_iter(inexact.iter().cloned()).to_string();
        writer.append_key_value_metadata(KeyValue::new(INEXACT_KEY.to_owned(), inexact));
    }
    Ok(Made { bytes: writer.into_inner()?, stats })
}

fn properties(batch: &RecordBatch, effort: Effort) -> WriterProperties {
    let level = if effort == Effort::Fast { 1 } else { 3 };
    let level = ZstdLevel::try_new(level).expect("1 and 3 are levels of zstd");
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        // Limits are looked at between batches of this size.
        .set_write_batch_size(PAGE_ROWS / 8)
        .set_created_by(concat!("headwater ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in batch.schema().fields() {
        let column = ColumnPath::from(field.name().as_str());
        let is_wide =
            matches!(field.name().as_str(), "event_id" | "context" | "properties" | "traits" | "key");
        if is_wide {
            builder = builder
                .set_column_statistics_enabled(column.clone(), EnabledStatistics::None)
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        } else if matches!(field.name().as_str(), "party_no" | "time" | "node_no") {
            builder = builder
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    builder.build()
}

/// Where each (bucket, event) lies: bucket, event, first row, rows.
fn runs(batch: &RecordBatch) -> Result<Vec<(i32, String, u64, u64)>> {
    let column = |name: &str| batch.column_by_name(name).expect("only batches of `events` have buckets");
    let buckets = column("bucket").as_primitive::<Int32Type>();
    let events = cast(column("event"), &DataType::Utf8)?;
    let events = events.as_string::<i32>();
    let mut runs: Vec<(i32, String, u64, u64)> = Vec::new();
    for row in 0..batch.num_rows() {
        match runs.last_mut() {
            Some(run) if run.0 == buckets.value(row) && run.1 == events.value(row) => run.3 += 1,
            _ => runs.push((buckets.value(row), events.value(row).to_owned(), row as u64, 1)),
        }
    }
    Ok(runs)
}

fn stats(batch: &RecordBatch) -> Result<Stats> {
    let mut stats = Stats { rows: batch.num_rows() as u64, ..Stats::default() };
    let small = |name: &str| {
        let array = batch.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
        arrow::compute::min(array).zip(arrow::compute::max(array))
    };
    stats.buckets = small("bucket");
    if stats.buckets.is_none() {
        return Ok(stats);
    }
    stats.parties = small("party_no");
    if let Some(times) =
        batch.column_by_name("time").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>())
    {
        stats.times = arrow::compute::min(times).zip(arrow::compute::max(times));
    }
    if let Some(events) = batch.column_by_name("event") {
        let events = cast(events, &DataType::Utf8)?;
        let events = events.as_string::<i32>();
        stats.events = arrow::compute::min_string(events)
            .zip(arrow::compute::max_string(events))
            .map(|(a, b)| (a.to_owned(), b.to_owned()));
    }
    Ok(stats)
}
