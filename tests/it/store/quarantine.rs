//! Events put aside: each once, open until somebody decides, and open again if its replay fails.

use ::db::Store;
use intake::store::quarantine::{
    Filter, Quarantined, quarantine_fetch, quarantine_mark, quarantine_page, quarantine_put,
    quarantine_search, quarantine_summary,
};
use kernel::{Failure, Instant, Key, SourceNo};

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    an_event_put_aside_reads_back,
    an_event_put_aside_again_is_open_again_with_the_new_reason,
    a_marked_event_leaves_the_open_ones,
    pages_follow_each_other_by_time_and_key,
    events_are_found_by_class_and_field,
    the_summary_counts_by_class_and_state,
    an_unknown_event_is_not_found,
    a_reason_with_a_nul_can_be_kept,
];

fn item(n: u64, received: i64) -> Quarantined {
    Quarantined {
        id: key(n),
        source: SourceNo(2),
        class: "schema".into(),
        field: "amount".into(),
        reason: "`amount` is text; 数字 is expected".into(),
        event: "下单 😀".into(),
        received: at(received),
        state: "open".into(),
        frame: vec![0, 255, n as u8],
    }
}

fn put(store: &Store, items: &[Quarantined]) {
    write(store, |scope, tx| items.iter().try_for_each(|item| quarantine_put(scope, tx, item)));
}

const START: (Instant, Key) = (Instant(i64::MIN), Key([0; 16]));

fn open(store: &Store) -> Vec<Quarantined> {
    read(store, |scope, tx| quarantine_page(scope, tx, "open", START, 1_000))
}

fn an_event_put_aside_reads_back(store: Store) {
    put(&store, &[item(1, 10)]);
    assert_eq!(open(&store), [item(1, 10)]);
    assert_eq!(pool(&store).read(|tx| quarantine_fetch(&scope(), tx, &key(1))).unwrap(), item(1, 10));
}

fn an_event_put_aside_again_is_open_again_with_the_new_reason(store: Store) {
    put(&store, &[item(1, 10), item(2, 11)]);
    write(&store, |scope, tx| quarantine_mark(scope, tx, &key(1), "replayed"));
    let failed_again = Quarantined {
        class: "plan".into(),
        field: "total".into(),
        reason: "another".into(),
        frame: vec![9],
        ..item(1, 10)
    };
    put(&store, std::slice::from_ref(&failed_again));
    assert_eq!(open(&store), [failed_again, item(2, 11)]);
}

fn a_marked_event_leaves_the_open_ones(store: Store) {
    put(&store, &[item(1, 10), item(2, 11), item(3, 12)]);
    write(&store, |scope, tx| quarantine_mark(scope, tx, &key(2), "discarded"));
    assert_eq!(open(&store), [item(1, 10), item(3, 12)]);
    let discarded = read(&store, |scope, tx| quarantine_page(scope, tx, "discarded", START, 10));
    assert_eq!(discarded, [Quarantined { state: "discarded".into(), ..item(2, 11) }]);
}

fn pages_follow_each_other_by_time_and_key(store: Store) {
    let mut items: Vec<Quarantined> = (0..25).map(|n| item(n * 37 % 25, (n % 5) as i64)).collect();
    put(&store, &items);
    items.sort_by_key(|item| (item.received, item.id));
    let (mut pages, mut after) = (Vec::new(), START);
    loop {
        let page = read(&store, |scope, tx| quarantine_page(scope, tx, "open", after, 4));
        let Some(last) = page.last() else { break };
        after = (last.received, last.id);
        pages.extend(page);
    }
    let order = |list: &[Quarantined]| list.iter().map(|i| (i.received, i.id)).collect::<Vec<_>>();
    assert_eq!(order(&pages), order(&items));
}

fn events_are_found_by_class_and_field(store: Store) {
    let plan = Quarantined { class: "plan".into(), ..item(2, 11) };
    let total = Quarantined { field: "total".into(), ..item(3, 12) };
    put(&store, &[item(1, 10), plan, total]);
    let find = |class, field, after| {
        let filter = Filter { state: "open", class, field };
        let found = read(&store, |scope, tx| quarantine_search(scope, tx, filter, after, 10));
        found.into_iter().map(|item| item.id).collect::<Vec<_>>()
    };
    assert_eq!(find(None, None, START), [key(1), key(2), key(3)]);
    assert_eq!(find(Some("schema"), None, START), [key(1), key(3)]);
    assert_eq!(find(None, Some("amount"), START), [key(1), key(2)]);
    assert_eq!(find(Some("plan"), Some("amount"), START), [key(2)]);
    assert_eq!(find(Some("plan"), Some("total"), START), []);
    assert_eq!(find(Some("schema"), None, (at(10), key(1))), [key(3)]);
}

fn the_summary_counts_by_class_and_state(store: Store) {
    assert!(read(&store, quarantine_summary).is_empty());
    put(&store, &[item(1, 10), item(2, 11), Quarantined { class: "poison".into(), ..item(3, 12) }]);
    write(&store, |scope, tx| quarantine_mark(scope, tx, &key(2), "discarded"));
    let line = |class: &str, state: &str| (class.to_owned(), state.to_owned(), 1);
    let expected = [line("poison", "open"), line("schema", "discarded"), line("schema", "open")];
    assert_eq!(read(&store, quarantine_summary), expected);
}

fn an_unknown_event_is_not_found(store: Store) {
    put(&store, &[item(1, 10)]);
    let found = pool(&store).read(|tx| quarantine_fetch(&scope(), tx, &key(2)));
    assert!(matches!(found, Err(Failure::NotFound { .. })), "{found:?}");
}

fn a_reason_with_a_nul_can_be_kept(store: Store) {
    // Else an event whose name has one could neither be processed nor put aside, for ever.
    put(&store, &[Quarantined { event: "a\0b".into(), reason: "\0".into(), ..item(1, 10) }]);
    assert_eq!((&*open(&store)[0].event, &*open(&store)[0].reason), ("a\u{fffd}b", "\u{fffd}"));
}
