//! PostgreSQL: a blocking face over `tokio-postgres`, with statements prepared once a connection.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, NoTls, Statement};

use crate::tx::Keys;
use crate::{Bulk, ColumnType, Error, Result, Row, Value};

/// A connection with its prepared statements.
pub(crate) struct Connection {
    client: Client,
    runtime: Arc<Runtime>,
    statements: HashMap<String, Statement>,
}

impl Connection {
    pub(crate) fn open(url: &str, runtime: &Arc<Runtime>) -> Result<Self> {
        let (client, driver) = runtime.block_on(tokio_postgres::connect(url, NoTls)).map_err(error)?;
        runtime.spawn(async move {
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
            return self.batch(sql).map(|()| 0);
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
            Keys::Texts(keys) => Box::new(keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>()),
        };
        let mut params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as _).collect();
        params.push(array.as_ref());
        let rows = self.runtime.block_on(self.client.query(&statement, &params)).map_err(error)?;
        rows.iter().try_for_each(|row| visit(&Row::Postgres(row)))
    }

    pub(crate) fn insert_many(&mut self, bulk: &Bulk, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(&bulk.array_statement(), |sql| sql.to_owned())?;
        let width = bulk.columns.len();
        let columns: Vec<Box<dyn ToSql + Sync + '_>> = (0..width)
            .map(|c| column(bulk.columns[c].1, values.iter().skip(c).step_by(width)))
            .collect();
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
fn column<'a>(
    kind: ColumnType,
    values: impl Iterator<Item = &'a Value<'a>>,
) -> Box<dyn ToSql + Sync + 'a> {
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
                    Value::Text(text) => Some(*text),
                    _ => None,
                })
                .collect::<Vec<_>>(),
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
            Self::Text(text) => text.to_sql(ty, out),
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
        return Error::Other(error.to_string());
    };
    match db.code().code() {
        "53100" => Error::Full,
        "40001" | "40P01" | "55P03" => Error::Contention(db.message().to_owned()),
        code if code.starts_with("23") => Error::Constraint(db.message().to_owned()),
        code => Error::Other(format!("{} ({code})", db.message())),
    }
}
