//! Parquet files to column batches: exactly the rows and columns that are wanted.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::encode::{INEXACT_KEY, RUNS_KEY};
use crate::error::{Error, Result};
use crate::table::Table;
use crate::table::file::File;
use crate::table::schema::Dataset;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 64 * 1024;

/// What a file's footer says.
#[derive(Debug)]
pub(crate) struct Footer {
    arrow: ArrowReaderMetadata,
    /// Where each (bucket, event) lies, in file order.
    pub(crate) runs: Vec<Run>,
    /// Hot columns that lack a value of their property.
    pub(crate) inexact: BTreeSet<String>,
}

/// The rows of one event in one bucket.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Run {
    pub(crate) bucket: u32,
    pub(crate) event: Arc<str>,
    pub(crate) start: u64,
    pub(crate) rows: u64,
}

impl Run {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start as usize..(self.start + self.rows) as usize
    }
}

impl Footer {
    /// Whether the file has a column that holds its property exactly.
    pub(crate) fn holds(&self, column: &str) -> bool {
        !self.inexact.contains(column) && self.arrow.schema().field_with_name(column).is_ok()
    }

    /// The parts of `ranges` in pages of which `may_have` says, told the lowest and highest number in a column
    /// of them, that they may have a row that is looked for.
    pub(crate) fn pages(
        &self,
        column: &str,
        ranges: Vec<Range<usize>>,
        may_have: &dyn Fn(i64, i64) -> bool,
    ) -> Vec<Range<usize>> {
        let metadata = self.arrow.metadata();
        let schema = self.arrow.parquet_schema();
        let column = (0..schema.num_columns()).find(|i| schema.column(*i).name() == column);
        let indexes = metadata.offset_index().zip(metadata.column_index());
        let (Some(column), Some((offsets, bounds))) = (column, indexes) else { return ranges };
        let (mut found, mut first) = (Vec::new(), 0);
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let rows = group.num_rows() as usize;
            let pages = offsets[number][column].page_locations();
            for (page, location) in pages.iter().enumerate() {
                if bounds_of(&bounds[number][column], page).is_none_or(|(low, high)| may_have(low, high)) {
                    let end = pages.get(page + 1).map_or(rows, |next| next.first_row_index as usize);
                    let (start, end) = (first + location.first_row_index as usize, first + end);
                    let parts = ranges.iter().map(|range| range.start.max(start)..range.end.min(end));
                    found.extend(parts.filter(|part| !part.is_empty()));
                }
            }
            first += rows;
        }
        found
    }
}

/// The lowest and highest number of a page, if they are known.
fn bounds_of(index: &ColumnIndexMetaData, page: usize) -> Option<(i64, i64)> {
    match index {
        ColumnIndexMetaData::INT32(index) => index
            .min_value(page)
            .zip(index.max_value(page))
            .map(|(low, high)| ((*low).into(), (*high).into())),
        ColumnIndexMetaData::INT64(index) => {
            index.min_value(page).zip(index.max_value(page)).map(|(low, high)| (*low, *high))
        }
        _ => None,
    }
}

/// The footer of `file`, from memory after the first time.
pub(crate) async fn footer(table: &Table, file: &File) -> Result<Arc<Footer>> {
    let read = || async {
        let mut reader = reader(table, file);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let plain = ArrowReaderMetadata::load_async(&mut reader, options.clone()).await?;
        let hinted =
            Arc::new(Schema::new(plain.schema().fields().iter().map(|f| hinted(f)).collect::<Vec<_>>()));
        let arrow = ArrowReaderMetadata::try_new(plain.metadata().clone(), options.with_schema(hinted))?;
        let runs: Vec<Run> = json(&arrow, RUNS_KEY, file)?.unwrap_or_default();
        let indexed: u64 = runs.iter().map(|run| run.rows).sum();
        if table.dataset == Dataset::Events && indexed != file.rows {
            // Without its index a file would be read as empty, and compacted away.
            return Err(Error::Unreadable(format!("`{}` was rewritten by another engine", file.path)));
        }
        let inexact = json(&arrow, INEXACT_KEY, file)?.unwrap_or_default();
        Ok::<_, Error>(Arc::new(Footer { arrow, runs, inexact }))
    };
    Ok(file.footer.get_or_try_init(read).await?.clone())
}

fn reader(table: &Table, file: &File) -> Reader {
    Reader { store: table.context.store.clone(), path: table.object(&file.path), size: file.size }
}

/// An object of known size, read by ranges.
struct Reader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
            Ok(Arc::new(reader.load_and_finish(&mut *self, size).await?))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Texts that repeat are decoded as codes into a dictionary, as they are stored.
fn hinted(field: &Field) -> Field {
    let is_wide = matches!(field.name().as_str(), "context" | "properties" | "traits");
    if *field.data_type() != DataType::Utf8 || is_wide {
        return field.clone();
    }
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    field.clone().with_data_type(dictionary)
}

fn json<T: serde::de::DeserializeOwned>(
    arrow: &ArrowReaderMetadata,
    key: &str,
    file: &File,
) -> Result<Option<T>> {
    let pairs = arrow.metadata().file_metadata().key_value_metadata();
    let Some(text) = pairs.into_iter().flatten().find(|kv| kv.key == key).and_then(|kv| kv.value.as_deref())
    else {
        return Ok(None);
    };
    let read = serde_json::from_str(text);
    read.map(Some).map_err(|e| Error::Unreadable(format!("footer of `{}`: {e}", file.path)))
}

/// The rows of `ranges` (ascending; all rows if `None`) with those of `columns` that the file has.
pub(crate) async fn batches(
    table: &Table,
    file: &File,
    columns: &[&str],
    ranges: Option<Vec<Range<usize>>>,
) -> Result<Vec<RecordBatch>> {
    let footer = footer(table, file).await?;
    let schema = footer.arrow.parquet_schema();
    let wanted = (0..schema.num_columns()).filter(|i| columns.contains(&schema.column(*i).name()));
    let mask = ProjectionMask::leaves(schema, wanted);
    let mut builder =
        ParquetRecordBatchStreamBuilder::new_with_metadata(reader(table, file), footer.arrow.clone())
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
    if let Some(ranges) = ranges {
        let rows = footer.arrow.metadata().file_metadata().num_rows() as usize;
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges.into_iter(), rows));
    }
    Ok(builder.build()?.try_collect().await?)
}
