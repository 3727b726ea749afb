//! A transaction, on either database.

use crate::{Bulk, Result, Row, Value, postgres, sqlite};

/// An open transaction, bound to one workspace. Dropped without commit it is rolled back.
pub struct Tx<'c> {
    pub(crate) inner: Inner<'c>,
}

pub(crate) enum Inner<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut postgres::Connection),
}

/// The keys of a [`Tx::query_many`].
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// Integer keys.
    Ints(&'a [i64]),
    /// 16-byte keys.
    Keys(&'a [kernel::Key]),
    /// Text keys.
    Texts(&'a [&'a str]),
}

impl Keys<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Ints(keys) => keys.len(),
            Self::Keys(keys) => keys.len(),
            Self::Texts(keys) => keys.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn get(&self, i: usize) -> Value<'_> {
        match self {
            Self::Ints(keys) => Value::Int(keys[i]),
            Self::Keys(keys) => Value::Blob(&keys[i].0),
            Self::Texts(keys) => Value::Text(keys[i]),
        }
    }
}

impl Tx<'_> {
    /// Runs one statement and returns how many rows it changed.
    ///
    /// # Errors
    /// As the database says.
    pub fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Inner::Postgres(connection) => connection.execute(sql, params),
        }
    }

    /// Runs a query and maps each row.
    ///
    /// # Errors
    /// As the database or `map` says.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.each(sql, params, &mut |row| {
            rows.push(map(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a query of at most one row.
    ///
    /// # Errors
    /// As the database or `map` says.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.query(sql, params, map)?.into_iter().next())
    }

    /// Runs a query and hands each row to `visit`.
    ///
    /// # Errors
    /// As the database or `visit` says.
    pub fn each(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(connection) => sqlite::each(connection, sql, params, visit),
            Inner::Postgres(connection) => connection.each(sql, params, visit),
        }
    }

    /// Looks many keys up: `sql` says `key in (?k)` with `k` the number after the fixed `params`.
    /// SQLite runs it once a key, PostgreSQL once with an array; rows come in no particular order. Keys
    /// are distinct: the rows of one given twice come twice on SQLite and once on PostgreSQL.
    ///
    /// # Errors
    /// As the database or `visit` says.
    pub fn query_many(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        keys: Keys<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        match &mut self.inner {
            Inner::Sqlite(connection) => sqlite::query_many(connection, sql, params, keys, visit),
            Inner::Postgres(connection) => connection.query_many(sql, params, keys, visit),
        }
    }

    /// Inserts many rows; `values` holds them one after the other. Returns how many rows changed.
    ///
    /// # Errors
    /// As the database says.
    pub fn insert_many(&mut self, bulk: &Bulk, values: &[Value<'_>]) -> Result<u64> {
        debug_assert_eq!(values.len() % bulk.columns.len(), 0, "whole rows");
        if values.is_empty() {
            return Ok(0);
        }
        match &mut self.inner {
            Inner::Sqlite(connection) => sqlite::insert_many(connection, bulk, values),
            Inner::Postgres(connection) => connection.insert_many(bulk, values),
        }
    }

    /// Marks a point that [`Tx::rollback_to`] can return to. Names are literals of the code.
    ///
    /// # Errors
    /// As the database says.
    pub fn savepoint(&mut self, name: &'static str) -> Result<()> {
        self.execute(&format!("savepoint {name}"), &[]).map(drop)
    }

    /// Undoes everything since the savepoint, and forgets it.
    ///
    /// # Errors
    /// As the database says.
    pub fn rollback_to(&mut self, name: &'static str) -> Result<()> {
        self.execute(&format!("rollback to savepoint {name}"), &[])?;
        self.release(name)
    }

    /// Keeps what was done since the savepoint, and forgets it.
    ///
    /// # Errors
    /// As the database says.
    pub fn release(&mut self, name: &'static str) -> Result<()> {
        self.execute(&format!("release savepoint {name}"), &[]).map(drop)
    }

    /// Waits until no other transaction holds the same lock, and holds it until this one ends.
    /// SQLite has one writer per workspace file anyway.
    ///
    /// # Errors
    /// As the database says.
    pub fn lock(&mut self, name: i64) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(connection) => {
                connection.execute("select pg_advisory_xact_lock(?1)", &[Value::Int(name)]).map(drop)
            }
        }
    }

    /// Whether several workers may write this workspace at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }
}
