//! The cursor of the pipeline: who owns a partition, and that nobody else can move it.

use std::sync::Barrier;

use ::db::{Store, Tx};
use kernel::{Failure, Instant};
use pipeline::cursor::{Claim, Step};
use pipeline::{Counts, Cursor};

use super::{at, pool, read, scope};

testkit::both_databases![
    a_new_partition_is_read_from_its_start,
    a_lease_keeps_others_out_until_it_is_over,
    only_one_of_many_gets_a_free_partition,
    the_owner_may_claim_again_and_fences_itself,
    an_old_epoch_cannot_advance,
    a_cursor_advances_from_its_place_only_once,
    an_advance_prolongs_the_lease_and_adds_up_the_counts,
    an_advance_that_is_undone_moved_nothing,
    another_incarnation_of_the_log_is_read_from_its_start,
    partitions_have_a_cursor_each,
];

fn claim(owner: &str, now: i64) -> Claim<'_> {
    Claim { partition: 3, incarnation: [1; 16], owner, now: at(now), lease_until: at(now + 5) }
}

fn try_own(store: &Store, claim: &Claim<'_>) -> Option<Cursor> {
    Cursor::claim(&pool(store), &scope(), claim).unwrap()
}

fn own(store: &Store, owner: &str, now: i64) -> Cursor {
    try_own(store, &claim(owner, now)).expect("the partition is free")
}

fn step(offset: u64) -> Step {
    let counts = Counts { processed: 10, deduplicated: 2, quarantined: 1 };
    Step { offset, counts, lease_until: at(1_000) }
}

fn advance(store: &Store, cursor: &Cursor, step: &Step) -> kernel::Result<Cursor> {
    pool(store).write(|tx| cursor.advance(&scope(), tx, step))
}

fn is_fenced(result: &kernel::Result<Cursor>) -> bool {
    matches!(result, Err(Failure::Conflict { .. }))
}

fn a_new_partition_is_read_from_its_start(store: Store) {
    assert!(read(&store, Cursor::all).is_empty());
    let cursor = own(&store, "a", 10);
    let expected = Cursor {
        partition: 3,
        offset: 0,
        incarnation: [1; 16],
        epoch: 1,
        batch: 0,
        counts: Counts::default(),
    };
    assert_eq!(cursor, expected);
    assert_eq!(read(&store, Cursor::all), [expected]);
}

fn a_lease_keeps_others_out_until_it_is_over(store: Store) {
    own(&store, "a", 10);
    for now in [0, 10, 15] {
        assert_eq!(try_own(&store, &claim("b", now)), None, "at second {now}");
    }
    assert_eq!(own(&store, "b", 16).epoch, 2);
    assert_eq!(try_own(&store, &claim("a", 17)), None, "it is the other's now");
}

fn only_one_of_many_gets_a_free_partition(store: Store) {
    let barrier = Barrier::new(6);
    let owners = std::thread::scope(|threads| {
        let start = |n: usize| {
            let (store, barrier) = (&store, &barrier);
            threads.spawn(move || {
                barrier.wait();
                try_own(store, &claim(&format!("process {n}"), 10)).is_some()
            })
        };
        let all: Vec<_> = (0..6).map(start).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).filter(|is_owner| *is_owner).count()
    });
    assert_eq!(owners, 1);
}

fn the_owner_may_claim_again_and_fences_itself(store: Store) {
    let before = own(&store, "a", 10);
    let again = own(&store, "a", 11);
    assert_eq!((before.epoch, again.epoch), (1, 2));
    assert!(is_fenced(&advance(&store, &before, &step(5))));
    assert!(advance(&store, &again, &step(5)).is_ok());
}

fn an_old_epoch_cannot_advance(store: Store) {
    let replaced = own(&store, "a", 10);
    let replaced = advance(&store, &replaced, &Step { lease_until: at(15), ..step(5) }).unwrap();
    let successor = own(&store, "b", 16);
    assert_eq!((successor.offset, successor.batch), (5, 1), "it goes on where the other stopped");

    let late = pool(&store).write(|tx| {
        tx.execute(
            "insert into counter (workspace_id, name, value) values (1, 'work of the replaced', 1)",
            &[],
        )?;
        replaced.advance(&scope(), tx, &step(9))
    });
    assert!(is_fenced(&late));
    let count = |tx: &mut Tx<'_>| tx.query_one("select count(*) from counter", &[], |row| row.int(0));
    assert_eq!(read(&store, |_, tx| count(tx)), Some(0), "its work is not kept");
    assert_eq!(read(&store, Cursor::all)[0].offset, 5);

    let successor = advance(&store, &successor, &step(7)).unwrap();
    assert!(is_fenced(&advance(&store, &replaced, &step(9))));
    assert_eq!(read(&store, Cursor::all), [successor]);
}

fn a_cursor_advances_from_its_place_only_once(store: Store) {
    let cursor = own(&store, "a", 10);
    let moved = advance(&store, &cursor, &step(5)).unwrap();
    assert!(is_fenced(&advance(&store, &cursor, &step(5))), "the same entries a second time");
    assert!(is_fenced(&advance(&store, &cursor, &step(6))));
    assert_eq!(advance(&store, &moved, &step(6)).unwrap().offset, 6);
}

fn an_advance_prolongs_the_lease_and_adds_up_the_counts(store: Store) {
    let mut cursor = own(&store, "a", 10);
    for offset in [4, 9, 20] {
        cursor = advance(&store, &cursor, &step(offset)).unwrap();
    }
    assert_eq!((cursor.offset, cursor.batch, cursor.epoch), (20, 3, 1));
    assert_eq!(cursor.counts, Counts { processed: 30, deduplicated: 6, quarantined: 3 });
    assert_eq!(try_own(&store, &claim("b", 1_000)), None);
    let taken = own(&store, "b", 1_001);
    assert_eq!(taken, Cursor { epoch: 2, ..cursor });
}

fn an_advance_that_is_undone_moved_nothing(store: Store) {
    let cursor = own(&store, "a", 10);
    let undone = pool(&store).write(|tx| {
        cursor.advance(&scope(), tx, &step(5))?;
        Err::<(), _>(Failure::internal("something later went wrong"))
    });
    assert!(undone.is_err());
    assert_eq!(read(&store, Cursor::all), std::slice::from_ref(&cursor));
    assert!(advance(&store, &cursor, &step(5)).is_ok());
}

fn another_incarnation_of_the_log_is_read_from_its_start(store: Store) {
    let cursor = advance(&store, &own(&store, "a", 10), &step(5)).unwrap();
    let restored = Claim { incarnation: [2; 16], ..claim("a", 11) };
    let again = try_own(&store, &restored).unwrap();
    assert_eq!((again.offset, again.incarnation, again.epoch), (0, [2; 16], 2));
    // Numbers of batches name rows, and what was counted stays counted.
    assert_eq!((again.batch, again.counts), (cursor.batch, cursor.counts));
    assert_eq!(read(&store, Cursor::all), std::slice::from_ref(&again));
    assert!(is_fenced(&advance(&store, &cursor, &step(6))), "an offset of the old log");
    assert_eq!(advance(&store, &again, &step(2)).unwrap().batch, 2);
}

fn partitions_have_a_cursor_each(store: Store) {
    for partition in [7, 0, 3] {
        let claim = Claim { partition, ..claim("a", 10) };
        let cursor = try_own(&store, &claim).unwrap();
        advance(&store, &cursor, &step(u64::from(partition) + 1)).unwrap();
    }
    let all = read(&store, Cursor::all);
    let places: Vec<_> = all.iter().map(|c| (c.partition, c.offset, c.epoch)).collect();
    assert_eq!(places, [(0, 1, 1), (3, 4, 1), (7, 8, 1)]);
    assert_eq!(try_own(&store, &Claim { partition: 7, now: Instant(0), ..claim("b", 0) }), None);
}
