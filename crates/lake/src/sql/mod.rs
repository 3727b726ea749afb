//! Read-only SQL over a snapshot: one SELECT, within limits, answered page by page.
//!
//! The tables are those of one workspace and nothing else is reachable: no file, no address, no
//! catalog, no setting. What a person may see of the answer is decided by the caller.

mod cells;
mod hidden;
mod provider;

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::lake::Snapshot;
use crate::row::Cell;
use crate::table::schema::Dataset;
pub use hidden::Hide;
pub(crate) use provider::store_url;

/// Longer statements are programs.
const STATEMENT_BYTES_MAX: usize = 64 * 1024;

/// What one query may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows answered; the answer says when there were more.
    pub rows: usize,
    /// Memory of sorts, joins and groups. Nothing is spilled to disk.
    pub memory_bytes: usize,
    /// Time from the start to the last page.
    pub time: Duration,
    /// Threads.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 10_000, memory_bytes: 1 << 30, time: Duration::from_secs(30), threads: 2 }
    }
}

/// Some rows of an answer.
pub type Page = Vec<Vec<Cell>>;

/// A running query. Dropping it stops it.
pub struct Answer {
    columns: Vec<String>,
    stream: SendableRecordBatchStream,
    limits: Limits,
    left: usize,
    deadline: tokio::time::Instant,
    cancel: CancellationToken,
    is_cut: bool,
}

impl Answer {
    /// The answer a stream gives.
    pub(crate) fn of(
        stream: SendableRecordBatchStream,
        limits: Limits,
        deadline: tokio::time::Instant,
        cancel: CancellationToken,
    ) -> Self {
        let columns = stream.schema().fields().iter().map(|field| field.name().clone()).collect();
        Self { columns, stream, limits, left: limits.rows, deadline, cancel, is_cut: false }
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether there were more rows than the limit. Known after the last page.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The next rows, `None` after the last.
    ///
    /// # Errors
    /// [`Error::Limit`] when time or memory run out, [`Error::Cancelled`].
    pub async fn next(&mut self) -> Result<Option<Page>> {
        loop {
            let batch = tokio::select! {
                () = self.cancel.cancelled() => return Err(Error::Cancelled),
                () = tokio::time::sleep_until(self.deadline) => return Err(out_of_time(&self.limits)),
                batch = self.stream.next() => batch,
            };
            let Some(batch) = batch else { return Ok(None) };
            let batch = batch.map_err(|e| failed(&e, &self.limits))?;
            if batch.num_rows() == 0 {
                continue;
            }
            if self.left == 0 {
                self.is_cut = true;
                return Ok(None);
            }
            let rows = batch.num_rows().min(self.left);
            self.is_cut = rows < batch.num_rows();
            self.left -= rows;
            return cells::page(&batch.slice(0, rows)).map(Some);
        }
    }
}

impl Snapshot {
    /// Runs one SELECT over the tables of this snapshot, every column in clear.
    ///
    /// # Errors
    /// [`Error::Refused`] for anything but one SELECT that these tables can answer.
    pub async fn query(&self, sql: &str, limits: Limits, cancel: CancellationToken) -> Result<Answer> {
        self.query_with(sql, limits, None, cancel).await
    }

    /// Runs one SELECT that sees columns of JSON only through `hide`, wherever it names them.
    ///
    /// # Errors
    /// As [`Snapshot::query`].
    pub async fn query_with(
        &self,
        sql: &str,
        limits: Limits,
        hide: Option<Hide>,
        cancel: CancellationToken,
    ) -> Result<Answer> {
        let deadline = tokio::time::Instant::now() + limits.time;
        let statement = select(sql)?;
        let runtime = runtime(&limits).map_err(|e| failed(&e, &limits))?;
        let context = SessionContext::new_with_config_rt(config(&limits), runtime);
        self.register(&context, &limits, hide.as_ref())?;
        let stream = tokio::select! {
            () = cancel.cancelled() => return Err(Error::Cancelled),
            stream = tokio::time::timeout_at(deadline, stream(&context, statement)) => {
                stream.map_err(|_| out_of_time(&limits))?.map_err(|e| failed(&e, &limits))?
            }
        };
        Ok(Answer::of(stream, limits, deadline, cancel))
    }

    /// Makes the tables of this snapshot known to a session, their JSON through `hide`.
    pub(crate) fn register(
        &self,
        context: &SessionContext,
        limits: &Limits,
        hide: Option<&Hide>,
    ) -> Result<()> {
        for (dataset, pinned) in self.tables.iter() {
            let store = pinned.table.context.store.clone();
            context.register_object_store(store_url().as_ref(), store);
            let provider = Arc::new(provider::Provider::new(pinned)?);
            let suppressed = match dataset {
                Dataset::Events => pinned.suppressed.iter().copied().collect(),
                _ => Vec::new(),
            };
            let view = hidden::view(context, provider, &suppressed, hide);
            let registered = view.and_then(|table| context.register_table(dataset.name(), table));
            registered.map_err(|e| failed(&e, limits))?;
        }
        Ok(())
    }
}

/// The settings of a session.
pub(crate) fn config(limits: &Limits) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(limits.threads.max(1))
        .with_information_schema(false)
        .with_batch_size(8 * 1024)
}

/// What a session may use: so much memory, and no disk.
pub(crate) fn runtime(limits: &Limits) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
}

/// Plans a statement that [`select`] let through, and begins to run it.
pub(crate) async fn stream(
    context: &SessionContext,
    statement: Statement,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let plan = context.state().statement_to_plan(statement).await?;
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(&plan)?;
    context.execute_logical_plan(plan).await?.execute_stream().await
}

/// Parses `sql` and lets only one plain SELECT through.
pub(crate) fn select(sql: &str) -> Result<Statement> {
    if sql.len() > STATEMENT_BYTES_MAX {
        return Err(Error::Limit { limit: "bytes of a statement", max: STATEMENT_BYTES_MAX as u64 });
    }
    let mut statements = DFParser::parse_sql(sql).map_err(|e| Error::Refused(plain(&e)))?;
    let statement = statements.pop_front();
    let is_select = match &statement {
        Some(Statement::Statement(inner)) if statements.is_empty() => {
            matches!(&**inner, ast::Statement::Query(query) if is_read_only(query))
        }
        _ => false,
    };
    statement
        .filter(|_| is_select)
        .ok_or_else(|| Error::Refused("only one SELECT statement is allowed".into()))
}

/// Whether a query has no part that writes or locks.
fn is_read_only(query: &ast::Query) -> bool {
    let with = query.with.iter().flat_map(|with| &with.cte_tables).all(|cte| is_read_only(&cte.query));
    with && query.locks.is_empty() && is_select_body(&query.body)
}

fn is_select_body(body: &ast::SetExpr) -> bool {
    match body {
        ast::SetExpr::Select(select) => select.into.is_none(),
        ast::SetExpr::Query(query) => is_read_only(query),
        ast::SetExpr::SetOperation { left, right, .. } => is_select_body(left) && is_select_body(right),
        ast::SetExpr::Values(_) => true,
        _ => false,
    }
}

/// Its time is over.
pub(crate) fn out_of_time(limits: &Limits) -> Error {
    Error::Limit { limit: "milliseconds of a query", max: limits.time.as_millis() as u64 }
}

/// It wants more memory than it may have.
pub(crate) fn out_of_memory(limits: &Limits) -> Error {
    Error::Limit { limit: "bytes of memory of a query", max: limits.memory_bytes as u64 }
}

/// What an error of the engine means to who asked.
pub(crate) fn failed(error: &DataFusionError, limits: &Limits) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => out_of_memory(limits),
        DataFusionError::ObjectStore(e) => Error::Storage(e.to_string()),
        DataFusionError::IoError(e) => Error::Storage(e.to_string()),
        DataFusionError::ParquetError(e) => Error::Unreadable(e.to_string()),
        root => Error::Refused(plain(root)),
    }
}

/// The first line of an error, without the engine's prefix.
fn plain(error: &DataFusionError) -> String {
    error.message().lines().next().unwrap_or_default().to_owned()
}
