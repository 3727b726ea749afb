//! The wall between workspaces. On SQLite it is a file each; on PostgreSQL row-level security, which
//! holds even for SQL that forgets to name the workspace.

use ::db::{Bulk, ColumnType, Error, Location, Pool, Result, Store, Value};
use kernel::WorkspaceNo;
use testkit::PostgresServer;

testkit::both_databases![
    a_workspace_sees_and_deletes_only_its_own_rows,
    the_installation_sees_no_rows_of_workspaces,
];

const ONE: WorkspaceNo = WorkspaceNo(1);
const OTHER: WorkspaceNo = WorkspaceNo(2);

fn count(pool: &Pool, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    pool.read(|tx| tx.query_one(&sql, &[], |row| row.int(0))).unwrap().unwrap()
}

fn put(pool: &Pool, workspace: WorkspaceNo, name: &str) -> Result<u64> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 0)";
    pool.write(|tx| tx.execute(sql, &[workspace.into(), name.into()]))
}

fn a_workspace_sees_and_deletes_only_its_own_rows(store: Store) {
    let (one, other) = (store.workspace(ONE).unwrap(), store.workspace(OTHER).unwrap());
    put(&one, ONE, "a").unwrap();
    put(&one, ONE, "b").unwrap();
    put(&other, OTHER, "a").unwrap();
    assert_eq!((count(&one, "counter"), count(&other, "counter")), (2, 1));
    assert_eq!(one.write(|tx| tx.execute("delete from counter", &[])).unwrap(), 2);
    assert_eq!((count(&one, "counter"), count(&other, "counter")), (0, 1));
}

fn the_installation_sees_no_rows_of_workspaces(store: Store) {
    put(&store.workspace(ONE).unwrap(), ONE, "a").unwrap();
    let installation = store.installation().unwrap();
    let sql = "select count(*) from counter";
    match installation.read(|tx| tx.query_one(sql, &[], |row| row.int(0))) {
        Ok(count) => assert_eq!(count, Some(0)),
        Err(error) => assert!(!store.is_shared(), "the file of an installation has no such table: {error}"),
    }
}

fn postgres() -> Store {
    Store::open(&Location::Postgres(PostgresServer::start().database())).unwrap()
}

/// Every table that belongs to workspaces, with an insert of one row for the workspace `$`.
fn tables(store: &Store) -> Vec<(String, String)> {
    let sql = "select c.relname::text,
                 'insert into ' || c.relname || ' select ' || string_agg(
                   case when a.attname = 'workspace_id' then '$'
                     when a.atttypid = 'bigint'::regtype then '7'
                     when a.atttypid = 'bytea'::regtype then '''sixteen bytes ok''::bytea'
                     else '''text''' end, ', ' order by a.attnum)
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
               where c.relkind = 'r' and c.relrowsecurity group by c.relname order by c.relname";
    let read = store
        .installation()
        .unwrap()
        .read(|tx| tx.query(sql, &[], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))));
    read.unwrap()
}

fn run(pool: &Pool, sql: &str) -> Result<u64> {
    pool.write(|tx| tx.execute(sql, &[]))
}

fn is_refused<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Other(text)) if text.contains("row-level security"))
}

#[test]
fn no_table_shows_a_row_of_another_workspace_to_sql_that_forgets_to_ask() {
    let store = postgres();
    let (one, other) = (store.workspace(ONE).unwrap(), store.workspace(OTHER).unwrap());
    let tables = tables(&store);
    assert!(tables.len() >= 15, "the query finds the tables: {tables:?}");
    for (table, insert) in &tables {
        assert_eq!(run(&one, &insert.replace('$', "1")).unwrap(), 1, "{insert}");
        assert_eq!((count(&one, table), count(&other, table)), (1, 0), "{table}");
        assert_eq!(run(&other, &format!("update {table} set workspace_id = 2")).unwrap(), 0, "{table}");
        assert_eq!(run(&other, &format!("delete from {table}")).unwrap(), 0, "{table}");
        // The same key is free in the other workspace.
        assert_eq!(run(&other, &insert.replace('$', "2")).unwrap(), 1, "{insert}");
        assert_eq!((count(&one, table), count(&other, table)), (1, 1), "{table}");
        assert_eq!(count(&store.installation().unwrap(), table), 0, "{table}");
    }
}

#[test]
fn no_table_takes_a_row_for_another_workspace() {
    let store = postgres();
    let one = store.workspace(ONE).unwrap();
    for (table, insert) in tables(&store) {
        assert!(is_refused(run(&one, &insert.replace('$', "2"))), "{insert}");
        run(&one, &insert.replace('$', "1")).unwrap();
        assert!(is_refused(run(&one, &format!("update {table} set workspace_id = 2"))), "{table}");
    }
}

#[test]
fn a_bulk_insert_for_another_workspace_fails_whole() {
    static COUNTER: Bulk = Bulk {
        table: "counter",
        columns: &[("workspace_id", ColumnType::Int), ("name", ColumnType::Text), ("value", ColumnType::Int)],
        on_conflict: "on conflict (workspace_id, name) do update set value = excluded.value",
    };
    let store = postgres();
    let (one, other) = (store.workspace(ONE).unwrap(), store.workspace(OTHER).unwrap());
    put(&other, OTHER, "a").unwrap();
    let row = |no: WorkspaceNo| [no.into(), "a".into(), Value::Int(9)];
    let rows = [row(ONE), row(OTHER)].concat();
    assert!(is_refused(one.write(|tx| tx.insert_many(&COUNTER, &rows))));
    assert_eq!((count(&one, "counter"), count(&other, "counter")), (0, 1));
    let sql = "select value from counter";
    assert_eq!(other.read(|tx| tx.query_one(sql, &[], |row| row.int(0))).unwrap(), Some(0));
}

#[test]
fn one_connection_serves_workspaces_in_turn_without_mixing_them() {
    // One transaction after the other: they share the one idle connection, and its prepared statements.
    let store = postgres();
    for round in 0..3 {
        for no in 1..=5 {
            let pool = store.workspace(WorkspaceNo(no)).unwrap();
            put(&pool, WorkspaceNo(no), &format!("round {round}")).unwrap();
            assert_eq!(count(&pool, "counter"), round + 1, "workspace {no}");
        }
    }
}

#[test]
fn a_transaction_that_unsets_its_workspace_sees_nothing() {
    let store = postgres();
    let one = store.workspace(ONE).unwrap();
    put(&one, ONE, "a").unwrap();
    let result = one.read(|tx| {
        tx.execute("set local headwater.workspace = ''", &[])?;
        tx.query_one("select count(*) from counter", &[], |row| row.int(0))
    });
    assert!(result.is_err(), "no workspace is an error, not every workspace: {result:?}");
}
