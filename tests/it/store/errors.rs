//! Errors of the databases, told apart by what the caller can do about them.

use ::db::{Error, Location, Result, Store, Tx, Value};
use kernel::Failure;
use testkit::PostgresServer;

use super::{WORKSPACE, pool, read, write};

testkit::both_databases![
    a_refused_row_is_a_constraint,
    a_defect_in_a_statement_is_no_constraint,
    a_lock_is_held_until_its_transaction_ends,
];

fn put(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 0)";
    tx.execute(sql, &[WORKSPACE.into(), name.into()]).map(drop)
}

fn count(store: &Store) -> Option<i64> {
    read(store, |_, tx| tx.query_one("select count(*) from counter", &[], |row| row.int(0)))
}

fn a_refused_row_is_a_constraint(store: Store) {
    write(&store, |_, tx| put(tx, "a"));
    let twice = pool(&store).write(|tx| put(tx, "a"));
    assert!(matches!(twice, Err(Error::Constraint(_))), "{twice:?}");
    let sql = "insert into counter (workspace_id, name, value) values (?1, 'b', ?2)";
    let null = pool(&store).write(|tx| tx.execute(sql, &[WORKSPACE.into(), Value::Null]));
    assert!(matches!(null, Err(Error::Constraint(_))), "{null:?}");
    assert!(matches!(Failure::from(twice.unwrap_err()), Failure::Conflict { .. }));
}

fn a_defect_in_a_statement_is_no_constraint(store: Store) {
    for sql in ["insert into nothing (a) values (?1)", "select value from nothing where a = ?1", "?1"] {
        let result = pool(&store).write(|tx| tx.execute(sql, &[Value::Int(1)]));
        assert!(matches!(result, Err(Error::Other(_))), "{sql}: {result:?}");
    }
    assert!(matches!(Failure::from(Error::Other("secret".into())), Failure::Internal(_)));
}

fn a_lock_is_held_until_its_transaction_ends(store: Store) {
    let sql = "select case when pg_try_advisory_xact_lock(?1) then 1 else 0 end::bigint";
    let is_free = || read(&store, |_, tx| tx.query_one(sql, &[Value::Int(7)], |row| row.int(0)));
    write(&store, |_, tx| {
        tx.lock(7)?;
        tx.lock(7)?;
        if store.is_shared() {
            assert_eq!(is_free(), Some(0));
        }
        Ok(())
    });
    if store.is_shared() {
        assert_eq!(is_free(), Some(1));
    }
}

#[test]
fn a_full_sqlite_file_is_told_and_leaves_the_store_usable() {
    let directory = testkit::temp_dir();
    let store = Store::open(&Location::Directory(directory.path().to_owned())).unwrap();
    let limit = |pages: &str| {
        let sql = format!("pragma max_page_count = {pages}");
        write(&store, |_, tx| tx.query_one(&sql, &[], |row| row.int(0)))
    };
    let pages = read(&store, |_, tx| tx.query_one("pragma page_count", &[], |row| row.int(0))).unwrap();
    limit(&(pages + 50).to_string());
    let fill = pool(&store).write(|tx| {
        put(tx, "before")?;
        let long = "x".repeat(1 << 20);
        put(tx, &long)
    });
    assert!(matches!(fill, Err(Error::Full)), "{fill:?}");
    assert!(matches!(Failure::from(fill.unwrap_err()), Failure::Unavailable { .. }));
    assert_eq!(count(&store), Some(0), "nothing of the transaction is kept");
    limit("1000000");
    write(&store, |_, tx| put(tx, "after"));
    assert_eq!(count(&store), Some(1));
}

fn postgres() -> Store {
    Store::open(&Location::Postgres(PostgresServer::start().database())).unwrap()
}

/// Has PostgreSQL report an error of its own making.
fn raise(store: &Store, code: &str) -> Error {
    let sql = format!("do $$ begin raise exception 'planted' using errcode = '{code}'; end $$");
    pool(store).write(|tx| tx.execute(&sql, &[])).unwrap_err()
}

#[test]
fn the_errors_of_postgres_are_told_apart() {
    let store = postgres();
    let is_full = |error: &Error| matches!(error, Error::Full);
    let is_contention = |error: &Error| matches!(error, Error::Contention(_));
    let is_unavailable = |error: &Error| matches!(error, Error::Unavailable(_));
    let is_constraint = |error: &Error| matches!(error, Error::Constraint(_));
    let is_other = |error: &Error| matches!(error, Error::Other(_));
    type Is<'a> = &'a dyn Fn(&Error) -> bool;
    let cases: [(&str, Is<'_>); 14] = [
        ("53100", &is_full),        // disk full
        ("40001", &is_contention),  // serialisation failure
        ("40P01", &is_contention),  // deadlock
        ("55P03", &is_contention),  // lock not available
        ("53200", &is_unavailable), // out of memory
        ("53300", &is_unavailable), // too many connections
        ("57014", &is_unavailable), // cancelled
        ("57P01", &is_unavailable), // shut down
        ("58030", &is_unavailable), // input/output error
        ("08006", &is_unavailable), // connection failure
        ("23505", &is_constraint),  // unique
        ("23514", &is_constraint),  // check
        ("22021", &is_other),       // not in the character set
        ("XX001", &is_other),       // corrupted
    ];
    for (code, is_right) in cases {
        let error = raise(&store, code);
        assert!(is_right(&error), "{code}: {error:?}");
    }
}

#[test]
fn what_is_nobodys_fault_asks_the_caller_to_come_again() {
    for error in [Error::Full, Error::Contention(String::new()), Error::Unavailable("a path".into())] {
        let failure = Failure::from(error);
        assert!(matches!(&failure, Failure::Unavailable { reason, .. } if !reason.contains("a path")));
    }
}

#[test]
fn postgres_does_not_pretend_to_commit_what_it_undid() {
    let store = postgres();
    let result = pool(&store).write(|tx| {
        put(tx, "a")?;
        // A caller that goes on as if nothing had happened.
        let _ = put(tx, "a");
        Ok::<_, Error>(())
    });
    assert!(result.is_err(), "the transaction is undone, so it may not seem to have succeeded");
    assert_eq!(count(&store), Some(0));
    write(&store, |_, tx| put(tx, "b"));
}

#[test]
fn a_broken_connection_to_postgres_is_replaced() {
    let store = postgres();
    let sql = "select 1::bigint from pg_terminate_backend(pg_backend_pid())";
    for _ in 0..3 {
        let result = pool(&store).write(|tx| {
            put(tx, "a")?;
            tx.query(sql, &[], |row| row.int(0))
        });
        assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
        assert_eq!(count(&store), Some(0));
    }
}

#[test]
fn a_postgres_that_is_not_there_is_unavailable() {
    // Nothing listens on port 1.
    let opened = Store::open(&Location::Postgres("postgres://nobody@127.0.0.1:1/nothing".into()));
    assert!(matches!(opened, Err(Error::Unavailable(_))), "{:?}", opened.err());
}

#[test]
fn a_postgres_that_may_lose_commits_is_refused() {
    let url = PostgresServer::start().database();
    let careless = Location::Postgres(format!("{url}?options=-c%20synchronous_commit%3Doff"));
    let refusal = Store::open(&careless).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refusal.contains("synchronous_commit"), "{refusal}");
    Store::open(&Location::Postgres(url)).unwrap();
}

#[tokio::test]
async fn the_last_store_may_be_dropped_in_an_async_function() {
    let store = tokio::task::spawn_blocking(postgres).await.unwrap();
    drop(store);
}
