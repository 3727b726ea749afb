//! Rows into a Parquet file, one at a time, without Arrow: what [`super::open`] reads back.
//!
//! The same rows are the same bytes: nothing of the machine or of the time is in the file.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kernel::{Failure, Instant, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{COLUMNS_MAX, Value};

/// Rows kept before they are encoded.
const BATCH_ROWS: usize = 8_192;
/// Rows of a group: what the writer holds encoded in memory.
const GROUP_ROWS: usize = 128 * 1_024;

/// What a column holds. Every column may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; numbers, truth values and JSON as their text.
    Text,
    /// Whole numbers of 64 bits.
    Int,
    /// Truth values.
    Bool,
    /// Instants, in microseconds of UTC.
    Instant,
}

/// A file being written.
pub struct Writer {
    file: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Instant(TimestampMicrosecondBuilder),
}

impl Writer {
    /// A file of these columns.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for no columns or too many; the disk.
    pub fn create(file: File, columns: &[(&str, Kind)]) -> Result<Self> {
        if columns.is_empty() || columns.len() > COLUMNS_MAX {
            return Err(Failure::invalid("columns", format!("1 to {COLUMNS_MAX}")));
        }
        let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.stored(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let level = ZstdLevel::try_new(3).map_err(Failure::internal)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by("headwater".to_owned())
            .build();
        let file =
            ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(Failure::internal)?;
        let columns = columns.iter().map(|(_, kind)| Builder::of(*kind)).collect();
        Ok(Self { file, schema, columns, rows: 0 })
    }

    /// Adds a row: a value for each column. What does not fit its column is null.
    ///
    /// # Errors
    /// [`Failure::Internal`] for another number of values; the disk.
    pub fn write(&mut self, row: &[Value]) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Failure::internal("a row has as many values as there are columns"));
        }
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value);
        }
        self.rows += 1;
        if self.rows < BATCH_ROWS { Ok(()) } else { self.encode() }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(mut self) -> Result<File> {
        self.encode()?;
        self.file.into_inner().map_err(Failure::internal)
    }

    fn encode(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(Failure::internal)?;
        self.rows = 0;
        self.file.write(&batch).map_err(Failure::internal)
    }
}

impl Kind {
    fn stored(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Bool => DataType::Boolean,
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

impl Builder {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::Instant => Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn push(&mut self, value: &Value) {
        match (self, value) {
            (Self::Text(column), Value::Bool(is)) => column.append_value(if *is { "true" } else { "false" }),
            (
                Self::Text(column),
                Value::Text(text) | Value::Number(text) | Value::Instant(text) | Value::Json(text),
            ) => column.append_value(text),
            (Self::Text(column), Value::Null) => column.append_null(),
            (Self::Int(column), Value::Number(text)) => column.append_option(text.parse().ok()),
            (Self::Int(column), _) => column.append_null(),
            (Self::Bool(column), Value::Bool(is)) => column.append_value(*is),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Instant(column), Value::Instant(text)) => {
                column.append_option(Instant::parse(text).map(|at| at.0));
            }
            (Self::Instant(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Instant(column) => Arc::new(column.finish()),
        }
    }
}
