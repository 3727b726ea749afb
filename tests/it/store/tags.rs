//! Tags, their values and ledgers, what was said of them, and constants.

use ::db::Store;
use insight::store::constant::{Constants, constant_current, constant_put};
use insight::store::tag::{
    Tag, TagNo, tag_advance, tag_all, tag_by_key, tag_fill, tag_put, tag_version_page,
};
use insight::store::tag_assignment::{
    Assignment, assignment_exists, assignment_forget, assignment_of, assignment_put,
};
use insight::store::tag_value::{
    Change, Held, change_page, change_put, value_counts, value_of, value_page, value_put, value_remove,
};
use kernel::{NodeNo, PartyNo};

use super::{at, key, read, write};

testkit::both_databases![
    a_tag_reads_back_under_its_key_with_all_its_versions,
    a_tag_that_is_put_away_is_listed_until_it_is_empty,
    values_are_replaced_counted_and_removed,
    a_ledger_is_read_in_order,
    what_was_said_twice_is_kept_once_and_old_runs_go,
    the_newest_constants_of_each_name_count,
];

fn tag(no: u32, name: &str) -> Tag {
    Tag {
        no: TagNo(no),
        key: name.into(),
        version: 1,
        role: "tag".into(),
        kind: "rule".into(),
        body: "{}".into(),
        is_retired: false,
        actor: "test".into(),
        created: at(1),
        changed: at(1),
        filled: Some(PartyNo(0)),
        last_seq: 0,
        values: 0,
        run: 0,
    }
}

fn held(party: u32, tag: u32, value: &str) -> Held {
    Held {
        party: PartyNo(party),
        party_key: key(party.into()),
        tag: TagNo(tag),
        value: value.into(),
        computed: None,
        source: String::new(),
        since: at(1),
        expires: None,
        version: 1,
        reasons: "{}".into(),
    }
}

fn a_tag_reads_back_under_its_key_with_all_its_versions(store: Store) {
    let first = tag(1, "级别");
    let second =
        Tag { version: 2, body: "{\"a\":1}".into(), changed: at(2), filled: None, run: 7, ..first.clone() };
    write(&store, |scope, tx| [&first, &second].into_iter().try_for_each(|tag| tag_put(scope, tx, tag)));
    assert_eq!(read(&store, |scope, tx| tag_by_key(scope, tx, "级别")), Some(second));
    assert_eq!(read(&store, |scope, tx| tag_by_key(scope, tx, "none")), None);
    let versions = read(&store, |scope, tx| tag_version_page(scope, tx, TagNo(1), u32::MAX, 10));
    assert_eq!(versions.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 1]);
    let last = write(&store, |scope, tx| tag_advance(scope, tx, TagNo(1), 5, -2));
    assert_eq!(last, 5);
}

fn a_tag_that_is_put_away_is_listed_until_it_is_empty(store: Store) {
    let retired = Tag { is_retired: true, ..tag(1, "a") };
    write(&store, |scope, tx| tag_put(scope, tx, &retired));
    assert_eq!(read(&store, tag_all), [retired]);
    write(&store, |scope, tx| tag_fill(scope, tx, TagNo(1), None));
    assert_eq!(read(&store, tag_all), []);
}

fn values_are_replaced_counted_and_removed(store: Store) {
    let said = Held {
        computed: Some("\"b\"".into()),
        source: "crm".into(),
        expires: Some(at(9)),
        ..held(2, 1, "\"a\"")
    };
    let rows = [held(1, 1, "\"b\""), held(2, 1, "\"x\""), held(3, 1, "\"a\""), held(1, 2, "true")];
    write(&store, |scope, tx| value_put(scope, tx, &rows));
    write(&store, |scope, tx| value_put(scope, tx, std::slice::from_ref(&said)));
    let of = |value: Option<&str>| {
        read(&store, |scope, tx| value_page(scope, tx, TagNo(1), value, PartyNo(0), 10))
    };
    assert_eq!(of(None), [rows[0].clone(), said.clone(), rows[2].clone()]);
    assert_eq!(of(Some("\"a\"")), [said, rows[2].clone()]);
    let counts = read(&store, |scope, tx| value_counts(scope, tx, TagNo(1), 10));
    assert_eq!(counts, [("\"a\"".to_owned(), 2), ("\"b\"".to_owned(), 1)]);
    write(&store, |scope, tx| value_remove(scope, tx, &[(PartyNo(1), TagNo(1))]));
    let left = read(&store, |scope, tx| value_of(scope, tx, &[PartyNo(1)]));
    assert_eq!(left, [rows[3].clone()]);
}

fn a_ledger_is_read_in_order(store: Store) {
    let change = |seq: u64, value: Option<&str>, before: Option<&str>| Change {
        tag: TagNo(1),
        seq,
        party: PartyNo(1),
        party_key: key(1),
        value: value.map(str::to_owned),
        before: before.map(str::to_owned),
        at: at(seq as i64),
        version: 1,
        cause: "fact".into(),
        reasons: "{}".into(),
    };
    let changes = [change(1, Some("1"), None), change(2, Some("2"), Some("1")), change(3, None, Some("2"))];
    write(&store, |scope, tx| change_put(scope, tx, &changes));
    assert_eq!(read(&store, |scope, tx| change_page(scope, tx, TagNo(1), 1, 10)), changes[1..]);
    assert_eq!(read(&store, |scope, tx| change_page(scope, tx, TagNo(2), 0, 10)), []);
}

fn what_was_said_twice_is_kept_once_and_old_runs_go(store: Store) {
    let said = |node: u64, run: u64, value: Option<&str>| Assignment {
        tag: TagNo(1),
        node: NodeNo(node),
        run,
        at: at(1),
        key: key(node),
        value: value.map(str::to_owned),
        expires: None,
        source: "manual".into(),
        actor: "test".into(),
    };
    assert!(!read(&store, assignment_exists));
    let rows = [said(1, 0, Some("1")), said(1, 1, Some("2")), said(1, 2, None), said(2, 1, Some("3"))];
    for _ in 0..2 {
        write(&store, |scope, tx| assignment_put(scope, tx, &rows));
    }
    assert!(read(&store, assignment_exists));
    write(&store, |scope, tx| assignment_forget(scope, tx, TagNo(1), 2));
    let mut left = read(&store, |scope, tx| assignment_of(scope, tx, &[NodeNo(1), NodeNo(2)]));
    left.sort_by_key(|one| one.run);
    assert_eq!(left, [rows[0].clone(), rows[2].clone()]);
}

fn the_newest_constants_of_each_name_count(store: Store) {
    let constants = |name: &str, version: u32| Constants {
        name: name.into(),
        version,
        body: format!("{{\"v\":{version}}}"),
        actor: "test".into(),
        at: at(version.into()),
    };
    let all = [constants("a", 1), constants("a", 2), constants("b", 1)];
    write(&store, |scope, tx| all.iter().try_for_each(|one| constant_put(scope, tx, one)));
    let found: Vec<Constants> = read(&store, constant_current).into_values().collect();
    assert_eq!(found, all[1..]);
}
