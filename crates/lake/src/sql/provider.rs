//! A pinned table as DataFusion sees it: an explicit list of Parquet files, pruned by what the log
//! says of each, joined with the rows that wait in the buffer.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use crate::encode;
use crate::error::Result;
use crate::lake::Pinned;
use crate::row::Event;
use crate::table::file::{File, week_of};
use crate::table::schema::{WEEK, arrow_schema};

/// The address under which the workspace's store is known inside one query.
pub(crate) fn store_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse("lake://workspace").expect("a constant that parses")
}

/// One table of a snapshot.
#[derive(Debug)]
pub(super) struct Provider {
    name: &'static str,
    files: Arc<Vec<Arc<File>>>,
    waiting: Vec<RecordBatch>,
    file_schema: SchemaRef,
    schema: SchemaRef,
    is_partitioned: bool,
}

impl Provider {
    pub(super) fn new(pinned: &Pinned) -> Result<Self> {
        let table = &pinned.table;
        let file_schema = arrow_schema(&table.columns);
        let is_partitioned = table.dataset.partition().is_some();
        let mut fields: Vec<_> = file_schema.fields().iter().cloned().collect();
        if is_partitioned {
            fields.push(Arc::new(week_field()));
        }
        let schema = Arc::new(Schema::new(fields));
        let waiting = if is_partitioned { waiting(pinned, &schema)? } else { Vec::new() };
        Ok(Self {
            name: table.name(),
            files: pinned.files.clone(),
            waiting,
            file_schema,
            schema,
            is_partitioned,
        })
    }

    fn pruned(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> DataFusionResult<Vec<Arc<File>>> {
        let Some(predicate) = predicate else { return Ok(self.files.to_vec()) };
        let pruning = PruningPredicateBuilder::new()
            .with_file_schema(self.schema.clone())
            .try_build(predicate.clone())?;
        let kept = pruning.prune(&FileStatistics(&self.files))?;
        Ok(self.files.iter().zip(kept).filter(|(_, keep)| *keep).map(|(file, _)| file.clone()).collect())
    }

    fn groups(&self, files: &[Arc<File>], threads: usize) -> Vec<FileGroup> {
        let part = |file: &Arc<File>| {
            let mut part = PartitionedFile::new(format!("{}/{}", self.name, file.path), file.size);
            if self.is_partitioned {
                part.partition_values = vec![ScalarValue::Date32(Some(file.week))];
            }
            part
        };
        FileGroup::new(files.iter().map(part).collect()).split_files(threads.max(1))
    }
}

#[async_trait::async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let schema = DFSchema::try_from(self.schema.clone())?;
        let predicate = conjunction(filters.to_vec());
        let predicate = predicate.map(|filter| state.create_physical_expr(filter, &schema)).transpose()?;
        let files = self.pruned(predicate.as_ref())?;
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !files.is_empty() {
            let week = self.is_partitioned.then(|| Arc::new(week_field()));
            let table_schema = TableSchema::builder(self.file_schema.clone())
                .with_table_partition_cols(week.into_iter().collect::<Vec<_>>())
                .build();
            let mut source = ParquetSource::new(table_schema).with_enable_page_index(true);
            if let Some(predicate) = predicate {
                source = source.with_predicate(predicate);
            }
            let config = FileScanConfigBuilder::new(store_url(), Arc::new(source))
                .with_file_groups(self.groups(&files, state.config().target_partitions()))
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
            inputs.push(DataSourceExec::from_data_source(config));
        }
        if !self.waiting.is_empty() || inputs.is_empty() {
            let partitions = [self.waiting.clone()];
            inputs.push(MemorySourceConfig::try_new_exec(
                &partitions,
                self.schema.clone(),
                projection.cloned(),
            )?);
        }
        match inputs.len() {
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

fn week_field() -> Field {
    Field::new(WEEK, DataType::Date32, true)
}

/// The buffered events as batches of the whole table schema.
fn waiting(pinned: &Pinned, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let rows: Vec<&Event> = pinned.chunks.iter().flat_map(|chunk| &chunk.events).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (batch, _) = encode::event_batch(&rows, &pinned.table.columns, pinned.table.buckets)?;
    let weeks = Date32Array::from_iter_values(rows.iter().map(|row| week_of(row.time)));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(weeks));
    Ok(vec![RecordBatch::try_new(schema.clone(), columns)?])
}

/// What the log says of each file.
struct FileStatistics<'a>(&'a [Arc<File>]);

impl FileStatistics<'_> {
    fn bound(&self, column: &Column, time: impl Fn(&File) -> i64) -> Option<ArrayRef> {
        let files = self.0;
        match column.name() {
            "time" => {
                let times = TimestampMicrosecondArray::from_iter_values(files.iter().map(|f| time(f)));
                Some(Arc::new(times.with_timezone("UTC")))
            }
            WEEK => Some(Arc::new(Date32Array::from_iter_values(files.iter().map(|f| f.week)))),
            "bucket" => {
                let buckets = files.iter().map(|f| f.bucket.and_then(|b| i32::try_from(b).ok()));
                Some(Arc::new(buckets.collect::<Int32Array>()))
            }
            _ => None,
        }
    }
}

impl PruningStatistics for FileStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, |file| file.times.0.0)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, |file| file.times.1.0)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
