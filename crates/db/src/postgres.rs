//! PostgreSQL: a blocking face over `tokio-postgres`, with statements prepared once a connection.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, Statement};

use crate::tx::Keys;
use crate::value::storable;
use crate::{Bulk, ColumnType, Error, Result, Row, Value};

/// The thread that drives the connections.
pub(crate) struct Driver(Option<Runtime>);

impl Driver {
    pub(crate) fn start() -> Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("postgres").enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|e| Error::Other(e.to_string()))
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }
}

impl Drop for Driver {
    /// Does not wait for the thread: whoever drops the last store may be an async function, where
    /// waiting panics.
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// A connection with its prepared statements.
pub(crate) struct Connection {
    client: Client,
    runtime: Arc<Driver>,
    statements: HashMap<String, Statement>,
}

impl Connection {
    pub(crate) fn open(url: &str, runtime: &Arc<Driver>) -> Result<Self> {
        let (client, driver) = runtime.block_on(tokio_postgres::connect(url, NoTls)).map_err(error)?;
        runtime.runtime().spawn(async move {
            if let Err(cause) = driver.await {
                tracing::warn!(%cause, "a database connection ended");
            }
        });
        Ok(Self { client, runtime: Arc::clone(runtime), statements: HashMap::new() })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements without parameters, for example a migration.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        self.runtime.block_on(self.client.batch_execute(sql)).map_err(error)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64> {
        if params.is_empty() {
            // Savepoints, which are not worth preparing.
            let messages = self.runtime.block_on(self.client.simple_query(sql)).map_err(error)?;
            let changed = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
                _ => None,
            });
            return Ok(changed.sum());
        }
        let statement = self.prepare(sql, placeholders)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        self.runtime.block_on(self.client.execute(&statement, &params)).map_err(error)
    }

    pub(crate) fn each(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.prepare(sql, placeholders)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        let rows = self.runtime.block_on(self.client.query(&statement, &params)).map_err(error)?;
        rows.iter().try_for_each(|row| visit(&Row::Postgres(row)))
    }

    pub(crate) fn query_many(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        keys: Keys<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.prepare(sql, array_placeholder)?;
        let array: Box<dyn ToSql + Sync> = match keys {
            Keys::Ints(keys) => Box::new(keys.to_vec()),
            Keys::Keys(keys) => Box::new(keys.iter().map(|k| k.0.to_vec()).collect::<Vec<_>>()),
            Keys::Texts(keys) => Box::new(keys.iter().map(|k| storable(k).into_owned()).collect::<Vec<_>>()),
        };
        let mut params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        params.push(array.as_ref());
        let rows = self.runtime.block_on(self.client.query(&statement, &params)).map_err(error)?;
        rows.iter().try_for_each(|row| visit(&Row::Postgres(row)))
    }

    pub(crate) fn insert_many(&mut self, bulk: &Bulk, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(&bulk.array_statement(), |sql| sql.to_owned())?;
        let width = bulk.columns.len();
        let columns: Vec<Box<dyn ToSql + Sync + '_>> =
            (0..width).map(|c| column(bulk.columns[c].1, values.iter().skip(c).step_by(width))).collect();
        let params: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| c.as_ref() as _).collect();
        self.runtime.block_on(self.client.execute(&statement, &params)).map_err(error)
    }

    fn prepare(&mut self, sql: &str, translate: fn(&str) -> String) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.client.prepare(&translate(sql))).map_err(error)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// One column of a bulk insert as a PostgreSQL array.
fn column<'a>(kind: ColumnType, values: impl Iterator<Item = &'a Value<'a>>) -> Box<dyn ToSql + Sync + 'a> {
    match kind {
        ColumnType::Int => Box::new(
            values
                .map(|v| match v {
                    Value::Int(n) => Some(*n),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        ),
        ColumnType::Text => Box::new(
            values
                .map(|v| match v {
                    Value::Text(text) => Some(storable(text)),
                    _ => None,
                })
                .collect::<Vec<Option<Cow<'a, str>>>>(),
        ),
        ColumnType::Blob => Box::new(
            values
                .map(|v| match v {
                    Value::Blob(bytes) => Some(*bytes),
                    _ => None,
                })
                .collect::<Vec<_>>(),
        ),
    }
}

/// `?1` becomes `$1`.
fn placeholders(sql: &str) -> String {
    sql.replace('?', "$")
}

/// `in (?2)` becomes `= any($2)`.
fn array_placeholder(sql: &str) -> String {
    let sql = placeholders(sql);
    match sql.split_once("in ($") {
        Some((before, after)) => format!("{before}= any(${after}"),
        None => sql,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) if *ty == Type::INT4 => i32::try_from(*n)?.to_sql(ty, out),
            Self::Int(n) => n.to_sql(ty, out),
            Self::Text(text) => storable(text).to_sql(ty, out),
            Self::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

pub(crate) fn error(error: tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        let is_connection = error.is_closed() || cause(&error).is_some_and(|c| c.is::<std::io::Error>());
        let text = cause(&error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        return if is_connection { Error::Unavailable(text) } else { Error::Other(text) };
    };
    let text = format!("{} ({})", db.message(), db.code().code());
    match db.code().code() {
        "53100" => Error::Full,
        "40001" | "40P01" | "55P03" => Error::Contention(text),
        // Connection, resources, an operator, the system below: never the fault of a row.
        code if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Error::Unavailable(text)
        }
        code if code.starts_with("23") => Error::Constraint(db.message().to_owned()),
        _ => Error::Other(text),
    }
}

fn cause(error: &tokio_postgres::Error) -> Option<&(dyn std::error::Error + 'static)> {
    std::error::Error::source(error)
}
