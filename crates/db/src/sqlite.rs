//! SQLite: one file per workspace, one writer, readers that never wait for it (WAL).

use std::borrow::Cow;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::tx::Keys;
use crate::value::storable;
use crate::{Bulk, Error, Result, Row, Value};

/// Opens a connection that may write; creates the file.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).map_err(error)?;
    connection
        .execute_batch(
            "pragma journal_mode = wal;
             pragma synchronous = full;
             pragma foreign_keys = on;
             pragma busy_timeout = 5000;
             pragma wal_autocheckpoint = 8000;
             pragma journal_size_limit = 67108864;
             pragma cache_size = -131072;
             pragma temp_store = memory;
             pragma trusted_schema = off;
             pragma cell_size_check = on;",
        )
        .map_err(error)?;
    harden(&connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(error)?;
    connection
        .execute_batch(
            "pragma busy_timeout = 5000; pragma cache_size = -8192; pragma temp_store = memory;
             pragma trusted_schema = off; pragma query_only = on;",
        )
        .map_err(error)?;
    harden(&connection)?;
    Ok(connection)
}

fn harden(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(error).map(drop)
}

pub(crate) fn execute(connection: &Connection, sql: &str, params: &[Value<'_>]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    bind(&mut statement, 0, params)?;
    statement.raw_execute().map(|n| n as u64).map_err(error)
}

pub(crate) fn each(
    connection: &Connection,
    sql: &str,
    params: &[Value<'_>],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    bind(&mut statement, 0, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(error)? {
        visit(&Row::Sqlite(row))?;
    }
    Ok(())
}

pub(crate) fn query_many(
    connection: &Connection,
    sql: &str,
    params: &[Value<'_>],
    keys: Keys<'_>,
    visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    bind(&mut statement, 0, params)?;
    for i in 0..keys.len() {
        bind(&mut statement, params.len(), &[keys.get(i)])?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(error)? {
            visit(&Row::Sqlite(row))?;
        }
    }
    Ok(())
}

pub(crate) fn insert_many(connection: &Connection, bulk: &Bulk, values: &[Value<'_>]) -> Result<u64> {
    let mut statement = connection.prepare_cached(&bulk.row_statement()).map_err(error)?;
    let mut changed = 0;
    for row in values.chunks_exact(bulk.columns.len()) {
        bind(&mut statement, 0, row)?;
        changed += statement.raw_execute().map_err(error)? as u64;
    }
    Ok(changed)
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, after: usize, params: &[Value<'_>]) -> Result<()> {
    for (i, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(after + i + 1, value).map_err(error)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Text(text) => match storable(text) {
                Cow::Borrowed(text) => ValueRef::Text(text.as_bytes()),
                Cow::Owned(text) => return Ok(ToSqlOutput::Owned(text.into())),
            },
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(crate) fn error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Contention(error.to_string()),
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::CannotOpen) => {
            Error::Unavailable(error.to_string())
        }
        Some(ErrorCode::ConstraintViolation) => Error::Constraint(error.to_string()),
        _ => Error::Other(error.to_string()),
    }
}
