//! Transactions: all or nothing, and readers that see one picture.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::db::{Error, Result, Store, Tx};
use kernel::Failure;

use super::{WORKSPACE, pool, read, write};

testkit::both_databases![
    a_savepoint_undoes_what_came_after_it_and_nothing_else,
    savepoints_of_one_name_nest,
    a_failed_statement_is_undone_by_its_savepoint,
    an_error_undoes_the_whole_transaction,
    a_panic_undoes_the_whole_transaction,
    a_reader_sees_one_picture_while_a_writer_commits,
    a_reader_sees_nothing_of_an_open_transaction,
    a_panicking_reader_leaves_the_pool_usable,
    a_reader_cannot_write,
];

fn put(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 0)";
    tx.execute(sql, &[WORKSPACE.into(), name.into()]).map(drop)
}

fn names(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    tx.query("select name from counter order by name", &[], |row| Ok(row.text(0)?.to_owned()))
}

fn a_savepoint_undoes_what_came_after_it_and_nothing_else(store: Store) {
    write(&store, |_, tx| {
        put(tx, "before")?;
        tx.savepoint("undone")?;
        put(tx, "inside")?;
        tx.rollback_to("undone")?;
        tx.savepoint("kept")?;
        put(tx, "later")?;
        tx.release("kept")
    });
    assert_eq!(read(&store, |_, tx| names(tx)), ["before", "later"]);
}

fn savepoints_of_one_name_nest(store: Store) {
    write(&store, |_, tx| {
        tx.savepoint("same")?;
        put(tx, "outer")?;
        tx.savepoint("same")?;
        put(tx, "inner")?;
        tx.rollback_to("same")?;
        tx.release("same")
    });
    assert_eq!(read(&store, |_, tx| names(tx)), ["outer"]);
}

fn a_failed_statement_is_undone_by_its_savepoint(store: Store) {
    write(&store, |_, tx| {
        put(tx, "a")?;
        tx.savepoint("try")?;
        put(tx, "b")?;
        assert!(matches!(put(tx, "a"), Err(Error::Constraint(_))));
        tx.rollback_to("try")?;
        put(tx, "c")
    });
    assert_eq!(read(&store, |_, tx| names(tx)), ["a", "c"]);
}

fn an_error_undoes_the_whole_transaction(store: Store) {
    let failed = pool(&store).write(|tx| {
        put(tx, "a")?;
        Err::<(), Failure>(Failure::not_found("something"))
    });
    assert!(matches!(failed, Err(Failure::NotFound { .. })), "the error of the work itself: {failed:?}");
    write(&store, |_, tx| {
        assert!(names(tx)?.is_empty());
        put(tx, "a")
    });
}

fn a_panic_undoes_the_whole_transaction(store: Store) {
    let work = |tx: &mut Tx<'_>| -> Result<()> {
        put(tx, "a")?;
        panic!("a defect")
    };
    assert!(catch_unwind(AssertUnwindSafe(|| pool(&store).write(work))).is_err());
    // PostgreSQL undoes it when it notices that the connection is gone; the same key waits for that.
    write(&store, |_, tx| put(tx, "a"));
    assert_eq!(read(&store, |_, tx| names(tx)), ["a"]);
}

fn a_reader_sees_one_picture_while_a_writer_commits(store: Store) {
    write(&store, |_, tx| put(tx, "a"));
    read(&store, |_, tx| {
        assert_eq!(names(tx)?, ["a"]);
        write(&store, |_, tx| put(tx, "b"));
        assert_eq!(names(tx)?, ["a"], "what was committed meanwhile is not in the picture");
        Ok(())
    });
    assert_eq!(read(&store, |_, tx| names(tx)), ["a", "b"]);
}

fn a_reader_sees_nothing_of_an_open_transaction(store: Store) {
    write(&store, |_, tx| {
        put(tx, "a")?;
        assert_eq!(names(tx)?, ["a"], "a writer sees its own rows");
        assert!(read(&store, |_, tx| names(tx)).is_empty());
        Ok(())
    });
}

fn a_panicking_reader_leaves_the_pool_usable(store: Store) {
    for _ in 0..40 {
        let work = |_: &mut Tx<'_>| -> Result<()> { panic!("a defect") };
        assert!(catch_unwind(AssertUnwindSafe(|| pool(&store).read(work))).is_err());
    }
    write(&store, |_, tx| put(tx, "a"));
    assert_eq!(read(&store, |_, tx| names(tx)), ["a"]);
}

fn a_reader_cannot_write(store: Store) {
    assert!(pool(&store).read(|tx| put(tx, "a")).is_err());
    assert!(read(&store, |_, tx| names(tx)).is_empty());
}
