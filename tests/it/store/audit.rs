//! The audit chain: every act in order, and whoever tampers with one is found out.

use ::db::{Result, Store, Tx, Value};
use kernel::{Scope, WorkspaceNo};
use workspace::store::audit::{Entry, audit_append, audit_page, audit_page_back, audit_verify};

use super::{at, read, write};

testkit::both_databases![
    entries_are_numbered_and_read_back_in_both_directions,
    an_untouched_chain_verifies,
    a_tampered_entry_is_named,
    a_dropped_entry_is_named,
    reordered_entries_are_named,
    an_inserted_entry_is_named,
    a_tampered_hash_is_named,
    an_act_that_is_undone_leaves_no_entry,
    the_chains_of_workspaces_are_separate,
];

fn append(scope: &Scope, tx: &mut Tx<'_>, n: i64) -> Result<()> {
    audit_append(scope, tx, at(n), "party.merge", &format!("pty_{n}"), &format!("{{\"n\":{n}}}"))
}

/// A store whose chain has ten entries, after `sql` changed `changed` rows of them.
fn tampered(store: &Store, sql: &str, changed: u64) -> Option<i64> {
    write(store, |scope, tx| (1..=10).try_for_each(|n| append(scope, tx, n)));
    write(store, |_, tx| {
        assert_eq!(tx.execute(sql, &[])?, changed);
        Ok(())
    });
    read(store, audit_verify)
}

fn entries_are_numbered_and_read_back_in_both_directions(store: Store) {
    write(&store, |scope, tx| (1..=3).try_for_each(|n| append(scope, tx, n)));
    write(&store, |scope, tx| append(scope, tx, 4));
    let entry = |n: i64| Entry {
        seq: n,
        at: at(n),
        actor: "test".into(),
        action: "party.merge".into(),
        subject: format!("pty_{n}"),
        detail: format!("{{\"n\":{n}}}"),
    };
    let forwards = |after, limit| read(&store, |scope, tx| audit_page(scope, tx, after, limit));
    let backwards = |before, limit| read(&store, |scope, tx| audit_page_back(scope, tx, before, limit));
    assert_eq!(forwards(0, 10), [1, 2, 3, 4].map(entry));
    assert_eq!(forwards(1, 2), [2, 3].map(entry));
    assert!(forwards(4, 10).is_empty());
    assert_eq!(backwards(i64::MAX, 2), [4, 3].map(entry));
    assert_eq!(backwards(3, 10), [2, 1].map(entry));
}

fn an_untouched_chain_verifies(store: Store) {
    assert_eq!(read(&store, audit_verify), None, "an empty one too");
    assert_eq!(tampered(&store, "update audit set actor = 'other' where seq = 99", 0), None);
}

fn a_tampered_entry_is_named(store: Store) {
    let sql = "update audit set detail = '{}' where seq in (4, 7)";
    assert_eq!(tampered(&store, sql, 2), Some(4));
}

fn a_dropped_entry_is_named(store: Store) {
    assert_eq!(tampered(&store, "delete from audit where seq = 5", 1), Some(5));
}

fn reordered_entries_are_named(store: Store) {
    write(&store, |scope, tx| (1..=10).try_for_each(|n| append(scope, tx, n)));
    let renumber = "update audit set seq = ?2 where seq = ?1";
    write(&store, |_, tx| {
        for (from, to) in [(3, 100), (4, 3), (100, 4)] {
            assert_eq!(tx.execute(renumber, &[Value::Int(from), Value::Int(to)])?, 1);
        }
        Ok(())
    });
    assert_eq!(read(&store, audit_verify), Some(3));
}

fn an_inserted_entry_is_named(store: Store) {
    let sql = "insert into audit select workspace_id, 11, at_us, actor, action, subject, detail, hash
               from audit where seq = 10";
    assert_eq!(tampered(&store, sql, 1), Some(11));
}

fn a_tampered_hash_is_named(store: Store) {
    let sql = "update audit set hash = (select b.hash from audit b where b.seq = 1) where seq = 6";
    assert_eq!(tampered(&store, sql, 1), Some(6));
}

fn an_act_that_is_undone_leaves_no_entry(store: Store) {
    write(&store, |scope, tx| {
        append(scope, tx, 1)?;
        tx.savepoint("act")?;
        append(scope, tx, 2)?;
        tx.rollback_to("act")?;
        append(scope, tx, 3)
    });
    let subjects: Vec<String> =
        read(&store, |scope, tx| audit_page(scope, tx, 0, 10)).into_iter().map(|e| e.subject).collect();
    assert_eq!(subjects, ["pty_1", "pty_3"]);
    assert_eq!(read(&store, audit_verify), None);
}

fn the_chains_of_workspaces_are_separate(store: Store) {
    let other = Scope::system(WorkspaceNo(2), "test");
    let others = store.workspace(other.workspace).unwrap();
    for n in 1..=3 {
        write(&store, |scope, tx| append(scope, tx, n));
        others.write(|tx| append(&other, tx, n + 10)).unwrap();
    }
    assert_eq!(read(&store, audit_verify), None);
    assert_eq!(others.read(|tx| audit_verify(&other, tx)).unwrap(), None);
    assert_eq!(others.read(|tx| audit_page(&other, tx, 0, 9)).unwrap().len(), 3);
}

#[test]
fn acts_at_the_same_time_get_a_place_each_on_postgres() {
    let url = testkit::PostgresServer::start().database();
    let store = Store::open(&::db::Location::Postgres(url)).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let store = &store;
            threads.spawn(move || {
                (0..10).for_each(|n| write(store, |scope, tx| append(scope, tx, 100 * thread + n)));
            });
        }
    });
    assert_eq!(read(&store, |scope, tx| audit_page(scope, tx, 0, 100)).len(), 40);
    assert_eq!(read(&store, audit_verify), None);
}
