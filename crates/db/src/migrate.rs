//! Migrations: the same names for both databases, applied once each, in order.

use crate::{Error, Result, Value, postgres, sqlite};

/// A migration with its text for both databases.
struct Migration {
    name: &'static str,
    /// Whether it belongs to the installation's tables; otherwise to every workspace's.
    is_installation: bool,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($scope:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            name: $name,
            is_installation: $scope,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

/// Every migration, oldest first. `true` marks the installation's.
const MIGRATIONS: &[Migration] = migrations![
    true "0001_installation",
    false "0002_workspace",
];

const TABLE: &str = "create table if not exists migration (name text not null primary key)";

pub(crate) fn sqlite(connection: &mut rusqlite::Connection, is_installation: bool) -> Result<()> {
    connection.execute_batch(TABLE).map_err(sqlite::error)?;
    for migration in MIGRATIONS.iter().filter(|m| m.is_installation == is_installation) {
        let tx = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(sqlite::error)?;
        let sql = "insert into migration (name) values (?1) on conflict do nothing";
        if sqlite::execute(&tx, sql, &[Value::Text(migration.name)])? == 1 {
            tx.execute_batch(migration.sqlite)
                .map_err(|e| Error::Other(format!("migration {}: {e}", migration.name)))?;
        }
        tx.commit().map_err(sqlite::error)?;
    }
    Ok(())
}

pub(crate) fn postgres(connection: &mut postgres::Connection) -> Result<()> {
    connection.batch("begin; select pg_advisory_xact_lock(4842571)")?;
    let result = postgres_in_transaction(connection);
    connection.batch(if result.is_ok() { "commit" } else { "rollback" })?;
    result
}

fn postgres_in_transaction(connection: &mut postgres::Connection) -> Result<()> {
    connection.batch(TABLE)?;
    for migration in MIGRATIONS {
        let sql = "insert into migration (name) values (?1) on conflict do nothing";
        if connection.execute(sql, &[Value::Text(migration.name)])? == 1 {
            connection
                .batch(migration.postgres)
                .map_err(|e| Error::Other(format!("migration {}: {e}", migration.name)))?;
        }
    }
    Ok(())
}
