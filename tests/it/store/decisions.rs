//! Decisions of people, and the versions of the identity rules.

use ::db::{Location, Store};
use identity::rules::{Document, Rules};
use identity::store::decision::{
    Body, Decision, decision_history, decision_live, decision_put, decision_retract,
};
use identity::store::definition::{rules_current, rules_put};
use kernel::{Failure, NodeNo, Scope, WorkspaceNo};

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    a_decision_reads_back_as_it_was_made,
    a_decision_made_again_by_a_replay_changes_nothing,
    a_retracted_decision_is_history_and_not_in_force,
    a_decision_is_retracted_once,
    the_history_is_newest_first,
    without_a_version_the_built_in_rules_are_in_force,
    the_newest_rules_are_in_force,
    rules_that_no_longer_read_are_an_error,
    rules_of_another_workspace_are_not_in_force_here,
];

fn decision(n: u64, body: Body) -> Decision {
    let (actor, reason) = ("token:1".to_owned(), "同一个人".to_owned());
    Decision { id: key(n), body, actor, reason, at: at(n as i64), retracted: None }
}

fn join(n: u64) -> Decision {
    decision(n, Body::Join { a: NodeNo(n), b: NodeNo(u64::MAX >> 1) })
}

fn put(store: &Store, decision: &Decision) {
    write(store, |scope, tx| decision_put(scope, tx, decision));
}

fn retract(store: &Store, n: u64, now: i64) -> bool {
    write(store, |scope, tx| decision_retract(scope, tx, &key(n), at(now)))
}

fn a_decision_reads_back_as_it_was_made(store: Store) {
    let separate = Body::Separate { left: vec![NodeNo(1), NodeNo(2)], right: Vec::new() };
    let both = [join(1), decision(2, separate)];
    both.iter().rev().for_each(|decision| put(&store, decision));
    assert_eq!(read(&store, decision_live), both);
}

fn a_decision_made_again_by_a_replay_changes_nothing(store: Store) {
    put(&store, &join(1));
    put(&store, &Decision { reason: "another".into(), at: at(9), ..join(1) });
    assert_eq!(read(&store, decision_live), [join(1)]);
    retract(&store, 1, 20);
    put(&store, &join(1));
    assert!(read(&store, decision_live).is_empty(), "a replay does not revive what was retracted");
}

fn a_retracted_decision_is_history_and_not_in_force(store: Store) {
    put(&store, &join(1));
    put(&store, &join(2));
    assert!(retract(&store, 1, 20));
    assert_eq!(read(&store, decision_live), [join(2)]);
    let history = read(&store, |scope, tx| decision_history(scope, tx, 10));
    assert_eq!(history, [join(2), Decision { retracted: Some(at(20)), ..join(1) }]);
}

fn a_decision_is_retracted_once(store: Store) {
    put(&store, &join(1));
    assert!(retract(&store, 1, 20));
    assert!(!retract(&store, 1, 30));
    assert!(!retract(&store, 2, 30), "there is none");
    let history = read(&store, |scope, tx| decision_history(scope, tx, 10));
    assert_eq!(history[0].retracted, Some(at(20)));
}

fn the_history_is_newest_first(store: Store) {
    [3, 1, 2].into_iter().for_each(|n| put(&store, &join(n)));
    assert_eq!(read(&store, |scope, tx| decision_history(scope, tx, 2)), [join(3), join(2)]);
}

fn current(store: &Store, scope: &Scope) -> kernel::Result<(u64, Rules)> {
    store.workspace(scope.workspace).unwrap().read(|tx| rules_current(scope, tx))
}

/// Stores the default rules with another limit of unknown kinds.
fn put_rules(store: &Store, unknown_limit: u32) -> u64 {
    let document = Document { unknown_limit, ..Document::default() };
    let body = serde_json::to_string(&document).unwrap();
    write(store, |scope, tx| rules_put(scope, tx, &body, "test", at(1)))
}

fn without_a_version_the_built_in_rules_are_in_force(store: Store) {
    let (version, rules) = current(&store, &scope()).unwrap();
    assert_eq!((version, rules.document()), (0, &Document::default()));
}

fn the_newest_rules_are_in_force(store: Store) {
    assert_eq!((put_rules(&store, 7), put_rules(&store, 9), put_rules(&store, 8)), (1, 2, 3));
    let (version, rules) = current(&store, &scope()).unwrap();
    assert_eq!((version, rules.document().unknown_limit), (3, 8));
}

fn rules_that_no_longer_read_are_an_error(store: Store) {
    write(&store, |scope, tx| rules_put(scope, tx, "{}", "test", at(1)));
    assert!(matches!(current(&store, &scope()), Err(Failure::Internal(_))));
}

fn rules_of_another_workspace_are_not_in_force_here(store: Store) {
    put_rules(&store, 7);
    let other = Scope::system(WorkspaceNo(2), "test");
    assert_eq!(current(&store, &other).unwrap().0, 0);
}

#[test]
fn rules_stored_at_once_get_a_version_each() {
    let store = Store::open(&Location::Postgres(testkit::PostgresServer::start().database())).unwrap();
    let mut versions: Vec<u64> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..6)
            .map(|n| {
                threads.spawn({
                    let store = &store;
                    move || put_rules(store, n + 1)
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
    assert!(pool(&store).read(|tx| rules_current(&scope(), tx)).is_ok());
}
