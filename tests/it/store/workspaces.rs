//! Workspaces, sources and tokens: who may exist beside whom, and which credentials still open a door.

use std::collections::BTreeSet;
use std::sync::Barrier;

use ::db::{Store, Tx};
use kernel::id::IdSource;
use kernel::scope::{Permission, Permissions};
use kernel::{Failure, Result, Scope, SourceNo, WorkspaceNo};
use testkit::CountingIds;
use workspace::credential::{self, Token};
use workspace::store::source::{
    Change, NewSource, source_all, source_check, source_create, source_fetch, source_page, source_set_key,
    source_update,
};
use workspace::store::token::{NewToken, token_create, token_fetch, token_page, token_revoke, token_scope};
use workspace::store::workspace::{NewWorkspace, workspace_all, workspace_by_name, workspace_create};

use super::at;

testkit::both_databases![
    a_workspace_reads_back_as_it_was_made,
    a_workspace_name_is_taken_once,
    a_workspace_name_that_is_no_name_is_refused,
    workspaces_made_at_once_all_get_a_number,
    sources_made_at_once_all_get_a_number,
    a_source_starts_with_the_defaults,
    a_source_id_is_taken_once_in_its_workspace,
    a_write_key_is_taken_once_in_the_installation,
    a_check_says_what_a_new_source_would_collide_with,
    sources_are_numbered_within_their_workspace,
    a_change_of_a_source_changes_only_what_it_names,
    a_source_of_another_workspace_cannot_be_changed,
    a_token_stands_for_its_scope,
    a_wrong_token_is_refused,
    a_token_is_refused_from_the_instant_it_expires,
    a_revoked_token_is_refused,
    a_token_of_another_workspace_cannot_be_revoked,
];

const ONE: WorkspaceNo = WorkspaceNo(1);
const OTHER: WorkspaceNo = WorkspaceNo(2);

fn write<T>(store: &Store, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    store.installation().unwrap().write(work)
}

fn scope(workspace: WorkspaceNo) -> Scope {
    Scope::system(workspace, "test")
}

fn create(store: &Store, name: &str) -> Result<WorkspaceNo> {
    let new = NewWorkspace { name, secret: [7; 32], partitions: 4, time_zone: "Europe/Berlin" };
    write(store, |tx| workspace_create(tx, &new, at(1))).map(|workspace| workspace.no)
}

fn is_conflict<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Failure::Conflict { .. }))
}

fn is_not_found<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Failure::NotFound { .. }))
}

fn is_unauthenticated<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Failure::Unauthenticated))
}

fn a_workspace_reads_back_as_it_was_made(store: Store) {
    assert_eq!((create(&store, "水电").unwrap(), create(&store, "b").unwrap()), (ONE, OTHER));
    write(&store, |tx| {
        let found = workspace_by_name(tx, "水电")?.unwrap();
        assert_eq!((found.no, found.secret, found.partitions), (ONE, [7; 32], 4));
        assert_eq!(found.time_zone, "Europe/Berlin");
        assert!(workspace_by_name(tx, "c")?.is_none());
        let all: Vec<String> = workspace_all(tx)?.into_iter().map(|workspace| workspace.name).collect();
        assert_eq!(all, ["水电", "b"]);
        Ok(())
    })
    .unwrap();
}

fn a_workspace_name_is_taken_once(store: Store) {
    create(&store, "a").unwrap();
    assert!(is_conflict(&create(&store, "a")));
    assert_eq!(create(&store, "A").unwrap(), OTHER, "another case is another name");
}

fn a_workspace_name_that_is_no_name_is_refused(store: Store) {
    for name in ["", " ", "a b", "a/b", "a\0", "../a", &"a".repeat(65)] {
        assert!(matches!(create(&store, name), Err(Failure::Invalid { .. })), "{name:?}");
    }
}

/// What six threads get that do the same at the same time.
fn at_once<T: Ord + Send>(work: impl Fn(usize) -> T + Sync) -> BTreeSet<T> {
    let barrier = Barrier::new(6);
    std::thread::scope(|threads| {
        let start = |n: usize| {
            let (work, barrier) = (&work, &barrier);
            threads.spawn(move || {
                barrier.wait();
                work(n)
            })
        };
        let all: Vec<_> = (0..6).map(start).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn workspaces_made_at_once_all_get_a_number(store: Store) {
    let numbers = at_once(|n| create(&store, &format!("workspace-{n}")).unwrap());
    assert_eq!(numbers, (1..=6).map(WorkspaceNo).collect());
}

fn sources_made_at_once_all_get_a_number(store: Store) {
    let numbers = at_once(|n| {
        let text = format!("source-{n}");
        add(&store, &source(ONE, &text, &text)).unwrap()
    });
    assert_eq!(numbers, (1..=6).map(SourceNo).collect());
}

fn source<'a>(workspace: WorkspaceNo, id: &'a str, write_key: &'a str) -> NewSource<'a> {
    NewSource { workspace, id, write_key, sensors_project: None }
}

fn add(store: &Store, new: &NewSource<'_>) -> Result<SourceNo> {
    write(store, |tx| Ok(source_create(tx, new, at(1))?))
}

fn a_source_starts_with_the_defaults(store: Store) {
    add(&store, &NewSource { sensors_project: Some("production"), ..source(ONE, "web", "wk_1") }).unwrap();
    let found = write(&store, |tx| source_fetch(&scope(ONE), tx, "web")).unwrap();
    assert_eq!((found.workspace, found.no, found.id.as_str()), (ONE, SourceNo(1), "web"));
    assert_eq!(found.write_key_hash, credential::hash("wk_1"));
    assert_eq!((found.sensors_project.as_deref(), found.origins.len()), (Some("production"), 0));
    assert_eq!((found.events_per_second, found.priority, found.grade), (0, 0, 'C'));
    assert!(found.is_enabled);
}

fn a_source_id_is_taken_once_in_its_workspace(store: Store) {
    add(&store, &source(ONE, "web", "wk_1")).unwrap();
    assert!(is_conflict(&add(&store, &source(ONE, "web", "wk_2"))));
    add(&store, &source(OTHER, "web", "wk_3")).unwrap();
}

fn a_write_key_is_taken_once_in_the_installation(store: Store) {
    add(&store, &source(ONE, "web", "wk_1")).unwrap();
    assert!(is_conflict(&add(&store, &source(ONE, "pos", "wk_1"))));
    assert!(is_conflict(&add(&store, &source(OTHER, "web", "wk_1"))));
}

fn a_check_says_what_a_new_source_would_collide_with(store: Store) {
    let production = NewSource { sensors_project: Some("production"), ..source(ONE, "web", "wk_1") };
    add(&store, &production).unwrap();
    let check = |new: &NewSource<'_>| write(&store, |tx| source_check(tx, new));
    assert!(is_conflict(&check(&source(ONE, "web", "wk_2"))));
    assert!(is_conflict(&check(&source(OTHER, "web", "wk_1"))));
    assert!(is_conflict(&check(&NewSource { workspace: OTHER, id: "b", write_key: "wk_2", ..production })));
    assert!(check(&source(OTHER, "web", "wk_2")).is_ok());
}

fn sources_are_numbered_within_their_workspace(store: Store) {
    for (workspace, id, key, no) in [(ONE, "a", "1", 1), (OTHER, "a", "2", 1), (ONE, "b", "3", 2)] {
        assert_eq!(add(&store, &source(workspace, id, key)).unwrap(), SourceNo(no));
    }
    write(&store, |tx| {
        let all = source_all(tx)?.into_iter().map(|s| (s.workspace.0, s.no.0)).collect::<Vec<_>>();
        assert_eq!(all, [(1, 1), (1, 2), (2, 1)]);
        let page = source_page(&scope(ONE), tx, SourceNo(1), 10)?;
        assert_eq!(page.into_iter().map(|s| s.id).collect::<Vec<_>>(), ["b"]);
        Ok(())
    })
    .unwrap();
}

fn a_change_of_a_source_changes_only_what_it_names(store: Store) {
    add(&store, &source(ONE, "web", "wk_1")).unwrap();
    let before = write(&store, |tx| source_fetch(&scope(ONE), tx, "web")).unwrap();
    let origins = vec!["https://a.example".to_owned(), "https://b.example".to_owned()];
    let changes = [
        Change::default(),
        Change { origins: Some(origins.clone()), priority: Some(-3), ..Change::default() },
        Change { is_enabled: Some(false), events_per_second: Some(u32::MAX), ..Change::default() },
        Change { grade: Some('A'), origins: Some(Vec::new()), ..Change::default() },
    ];
    let mut expected = before;
    for change in changes {
        write(&store, |tx| source_update(&scope(ONE), tx, "web", &change)).unwrap();
        expected.origins = change.origins.unwrap_or(expected.origins);
        expected.priority = change.priority.unwrap_or(expected.priority);
        expected.is_enabled = change.is_enabled.unwrap_or(expected.is_enabled);
        expected.events_per_second = change.events_per_second.unwrap_or(expected.events_per_second);
        expected.grade = change.grade.unwrap_or(expected.grade);
        assert_eq!(write(&store, |tx| source_fetch(&scope(ONE), tx, "web")).unwrap(), expected);
    }
    write(&store, |tx| source_set_key(&scope(ONE), tx, "web", "wk_2")).unwrap();
    expected.write_key_hash = credential::hash("wk_2");
    assert_eq!(write(&store, |tx| source_fetch(&scope(ONE), tx, "web")).unwrap(), expected);
}

fn a_source_of_another_workspace_cannot_be_changed(store: Store) {
    add(&store, &source(ONE, "web", "wk_1")).unwrap();
    add(&store, &source(OTHER, "pos", "wk_2")).unwrap();
    let other = scope(OTHER);
    let disable = Change { is_enabled: Some(false), ..Change::default() };
    assert!(is_not_found(&write(&store, |tx| source_update(&other, tx, "web", &disable))));
    assert!(is_not_found(&write(&store, |tx| source_set_key(&other, tx, "web", "wk_3"))));
    assert!(is_not_found(&write(&store, |tx| source_fetch(&other, tx, "web"))));
    assert!(is_conflict(&write(&store, |tx| source_set_key(&other, tx, "pos", "wk_1"))), "a taken key");
    assert!(write(&store, |tx| source_fetch(&scope(ONE), tx, "web")).unwrap().is_enabled);
}

/// Makes a token of the first workspace that expires at second 100.
fn token(store: &Store, ids: &CountingIds) -> Token {
    let token = credential::token(&ids.fresh(), &ids.secret());
    let permissions = Permissions::of(&[Permission::ProfileRead]);
    let new = NewToken { workspace: ONE, name: "a robot", permissions, expires: Some(at(100)) };
    write(store, |tx| Ok(token_create(tx, &token, &new, at(1))?)).unwrap();
    token
}

fn scope_of(store: &Store, text: &str, now: i64) -> Result<Scope> {
    store.installation().unwrap().read(|tx| token_scope(tx, text, at(now)))
}

fn a_token_stands_for_its_scope(store: Store) {
    let token = token(&store, &CountingIds::default());
    let scope = scope_of(&store, &token.text, 50).unwrap();
    assert_eq!((scope.workspace, scope.actor), (ONE, format!("token:{}", token.id)));
    assert_eq!(scope.permissions, Permissions::of(&[Permission::ProfileRead]));
    let stored = write(&store, |tx| token_fetch(&self::scope(ONE), tx, &token.id)).unwrap();
    assert_eq!((stored.name.as_str(), stored.created, stored.expires), ("a robot", at(1), Some(at(100))));
}

fn a_wrong_token_is_refused(store: Store) {
    let ids = CountingIds::default();
    let (right, other) = (token(&store, &ids), token(&store, &ids));
    // The id of one with the secret of the other; a secret cut, changed, or in capitals; no token at all.
    let secret = |token: &Token| token.text.rsplit('_').next().unwrap().to_owned();
    let with = |secret: &str| format!("hw_{}_{secret}", right.id);
    let mine = secret(&right);
    let wrong = [
        with(&secret(&other)),
        with(&mine[1..]),
        with(&mine.to_uppercase().replace('5', "6")),
        String::new(),
    ];
    for text in
        wrong.iter().map(String::as_str).chain(["hw_", "nonsense", &right.id, &format!("{} ", right.text)])
    {
        assert!(is_unauthenticated(&scope_of(&store, text, 50)), "{text}");
    }
    assert!(scope_of(&store, &right.text, 50).is_ok());
}

fn a_token_is_refused_from_the_instant_it_expires(store: Store) {
    let token = token(&store, &CountingIds::default());
    assert!(scope_of(&store, &token.text, 99).is_ok());
    assert!(is_unauthenticated(&scope_of(&store, &token.text, 100)));
    assert!(is_unauthenticated(&scope_of(&store, &token.text, 101)));
}

fn a_revoked_token_is_refused(store: Store) {
    let ids = CountingIds::default();
    let (gone, kept) = (token(&store, &ids), token(&store, &ids));
    let revoke = || write(&store, |tx| token_revoke(&scope(ONE), tx, &gone.id, at(10)));
    revoke().unwrap();
    assert!(is_unauthenticated(&scope_of(&store, &gone.text, 20)));
    assert!(is_unauthenticated(&scope_of(&store, &gone.text, 5)), "whatever the clock says");
    assert!(scope_of(&store, &kept.text, 20).is_ok());
    assert!(is_not_found(&revoke()), "there is none left to revoke");
    let page = write(&store, |tx| Ok(token_page(&scope(ONE), tx, "", 10)?)).unwrap();
    assert_eq!(page.iter().map(|t| t.revoked).collect::<Vec<_>>(), [Some(at(10)), None]);
}

fn a_token_of_another_workspace_cannot_be_revoked(store: Store) {
    let token = token(&store, &CountingIds::default());
    assert!(is_not_found(&write(&store, |tx| token_revoke(&scope(OTHER), tx, &token.id, at(10)))));
    assert!(is_not_found(&write(&store, |tx| token_fetch(&scope(OTHER), tx, &token.id))));
    assert!(write(&store, |tx| Ok(token_page(&scope(OTHER), tx, "", 10)?)).unwrap().is_empty());
    assert!(scope_of(&store, &token.text, 20).is_ok());
}
