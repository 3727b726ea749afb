//! Keys of processed events, page by page.

use ::db::{Error, Store};
use intake::store::seen::{PAGE_KEYS, PageNo, seen_append, seen_drop, seen_each, seen_page};
use kernel::{Instant, Key};

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    pages_are_read_in_the_order_of_runs_and_pages,
    one_page_is_found_by_its_number,
    a_dropped_run_is_gone_and_no_other,
    a_page_without_keys_is_not_written,
    a_page_is_written_once,
];

fn no(partition: u32, run: i64, page: i64) -> PageNo {
    PageNo { partition, run, page }
}

fn append(store: &Store, no: PageNo, newest: Instant, keys: &[Key]) {
    write(store, |scope, tx| seen_append(scope, tx, no, newest, keys));
}

/// Every page of a partition: where it belongs, its newest event, its first key and all its keys.
fn all(store: &Store, partition: u32) -> Vec<(PageNo, Instant, Key, Vec<Key>)> {
    let mut pages = Vec::new();
    read(store, |scope, tx| {
        seen_each(scope, tx, partition, &mut |head, keys| {
            pages.push((head.no, head.newest, head.first, keys))
        })
    });
    pages
}

fn pages_are_read_in_the_order_of_runs_and_pages(store: Store) {
    let many: Vec<Key> = (0..PAGE_KEYS as u64).map(key).collect();
    append(&store, no(0, 2, 0), at(3), &[key(9), key(1)]);
    append(&store, no(0, 1, 10), at(2), &[key(5)]);
    append(&store, no(0, 1, 9), at(1), &many);
    append(&store, no(1, 1, 0), at(4), &[key(7)]);
    let expected = [
        (no(0, 1, 9), at(1), key(0), many),
        (no(0, 1, 10), at(2), key(5), vec![key(5)]),
        (no(0, 2, 0), at(3), key(9), vec![key(9), key(1)]),
    ];
    assert_eq!(all(&store, 0), expected);
    assert_eq!(all(&store, 1).len(), 1);
    assert!(all(&store, 2).is_empty());
}

fn one_page_is_found_by_its_number(store: Store) {
    append(&store, no(0, 1, 0), at(1), &[key(1), key(2)]);
    append(&store, no(0, 1, 1), at(1), &[key(3)]);
    let page = |no: PageNo| read(&store, |scope, tx| seen_page(scope, tx, no));
    assert_eq!(page(no(0, 1, 0)), [key(1), key(2)]);
    assert_eq!(page(no(0, 1, 1)), [key(3)]);
    for missing in [no(0, 1, 2), no(0, 2, 0), no(1, 1, 0)] {
        assert!(page(missing).is_empty(), "{missing:?}");
    }
}

fn a_dropped_run_is_gone_and_no_other(store: Store) {
    for (partition, run, page) in [(0, 1, 0), (0, 1, 1), (0, 2, 0), (1, 1, 0)] {
        append(&store, no(partition, run, page), at(1), &[key(1)]);
    }
    write(&store, |scope, tx| seen_drop(scope, tx, 0, 1));
    assert_eq!(all(&store, 0).into_iter().map(|page| page.0).collect::<Vec<_>>(), [no(0, 2, 0)]);
    assert_eq!(all(&store, 1).len(), 1);
}

fn a_page_without_keys_is_not_written(store: Store) {
    append(&store, no(0, 1, 0), at(1), &[]);
    assert!(all(&store, 0).is_empty());
}

fn a_page_is_written_once(store: Store) {
    append(&store, no(0, 1, 0), at(1), &[key(1)]);
    let again = pool(&store).write(|tx| seen_append(&scope(), tx, no(0, 1, 0), at(2), &[key(2)]));
    assert!(matches!(again, Err(Error::Constraint(_))), "{again:?}");
    assert_eq!(all(&store, 0)[0].3, [key(1)]);
}
