//! Migrations: the same names for both databases, applied once each, in order.

use std::path::Path;
use std::sync::Arc;

use crate::{Error, Location, Result, Row, Value, postgres, sqlite};

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
    false "0003_insight",
    false "0004_jobs",
    false "0005_tags",
    false "0006_destinations",
    false "0007_lake_moved",
    false "0010_lake_settled",
    false "0011_destination_lists",
];

/// A migration and whether a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Which database: `installation`, `workspace 3`, `postgres`.
    pub database: String,
    /// Its name, which begins with its number.
    pub name: &'static str,
    /// Whether it is part of the database.
    pub is_applied: bool,
}

/// The state of every migration of the databases at a place. Applies nothing.
pub(crate) fn survey(location: &Location) -> Result<Vec<State>> {
    let folder = match location {
        Location::Postgres(url) => return survey_postgres(url),
        Location::Directory(folder) => folder,
    };
    let failed = |e: std::io::Error| Error::Other(format!("listing {}: {e}", folder.display()));
    let mut found = survey_sqlite(&folder.join("headwater.db"), "installation", true)?;
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder.join("workspaces")).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        numbers.extend(name.to_str().and_then(|n| n.strip_suffix(".db")?.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    for n in numbers {
        let path = folder.join("workspaces").join(format!("{n}.db"));
        found.extend(survey_sqlite(&path, &format!("workspace {n}"), false)?);
    }
    Ok(found)
}

fn survey_sqlite(path: &Path, database: &str, is_installation: bool) -> Result<Vec<State>> {
    let connection = sqlite::open_reader(path)?;
    let each = |sql: &str, param| names(|visit| sqlite::each(&connection, sql, &[Value::Text(param)], visit));
    let sql = "select name from sqlite_master where type = 'table' and name = ?1";
    let has_table = !each(sql, "migration")?.is_empty();
    let applied = if has_table { each(NAMES, "")? } else { Vec::new() };
    Ok(states(database, |is| is == is_installation, &applied))
}

fn survey_postgres(url: &str) -> Result<Vec<State>> {
    let driver = Arc::new(postgres::Driver::start()?);
    let mut connection = postgres::Connection::open(url, &driver)?;
    let mut each = |sql: &str, param| names(|visit| connection.each(sql, &[Value::Text(param)], visit));
    let sql = "select table_name::text from information_schema.tables
               where table_schema = current_schema() and table_name = ?1";
    let has_table = !each(sql, "migration")?.is_empty();
    let applied = if has_table { each(NAMES, "")? } else { Vec::new() };
    Ok(states("postgres", |_| true, &applied))
}

/// The first column of every row.
fn names(each: impl FnOnce(&mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    each(&mut |row| {
        names.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    Ok(names)
}

const NAMES: &str = "select name from migration where name <> ?1";

/// Every migration a database with these applied ones should have.
fn states(database: &str, is_wanted: impl Fn(bool) -> bool, applied: &[String]) -> Vec<State> {
    let wanted = MIGRATIONS.iter().filter(|m| is_wanted(m.is_installation));
    let state = |m: &Migration| State {
        database: database.to_owned(),
        name: m.name,
        is_applied: applied.iter().any(|name| name == m.name),
    };
    wanted.map(state).collect()
}

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
