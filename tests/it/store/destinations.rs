//! What became of changes at destinations, on both databases.

use std::collections::HashSet;

use activation::rules::settle::{State, Tries};
use activation::store::delivery::*;
use activation::store::destination::DestinationNo;
use activation::store::list::{List, list_begin, list_page, list_prune, list_put};
use activation::store::run::{Claim, run_claim, run_fence, run_fetch};
use db::Store;
use kernel::Instant;

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    the_log_is_read_backwards_page_by_page_and_by_state,
    dead_letters_are_revived_one_or_all,
    whoever_was_replaced_cannot_pass_the_fence,
    a_holding_is_there_until_it_is_removed,
    a_list_that_is_begun_again_is_taken_at_the_place_it_was_taken_at_before,
];

const NO: DestinationNo = DestinationNo(1);

fn delivery(seq: u64, state: State, seconds: i64) -> Delivery {
    let tries = Tries { state, attempts: 1, first: at(1), retry: at(2), reason: "r".into() };
    let (ledger, party) = ("audience:a".to_owned(), key(seq));
    Delivery {
        ledger,
        seq,
        party,
        is_present: true,
        tries,
        last: at(seconds),
        code: Some(200),
        latency_us: 7,
    }
}

fn put(store: &Store, deliveries: &[Delivery]) {
    write(store, |scope, tx| delivery_put(scope, tx, NO, deliveries));
}

fn the_log_is_read_backwards_page_by_page_and_by_state(store: Store) {
    let all: Vec<Delivery> = (1..=5)
        .map(|n| delivery(n, if n == 3 { State::Dead } else { State::Delivered }, n as i64 / 2))
        .collect();
    put(&store, &all);
    put(&store, &[delivery(5, State::Blocked, 9)]);
    let mut before: Position = (Instant(i64::MAX), String::new(), 0);
    let mut seen = Vec::new();
    loop {
        let page = read(&store, |scope, tx| delivery_page(scope, tx, NO, None, &before, 2));
        let Some(last) = page.last() else { break };
        before = (last.last, last.ledger.clone(), last.seq);
        seen.extend(page.into_iter().map(|delivery| delivery.seq));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let start: Position = (Instant(i64::MAX), String::new(), 0);
    let dead = read(&store, |scope, tx| delivery_page(scope, tx, NO, Some(State::Dead), &start, 9));
    assert_eq!(dead, [all[2].clone()]);
    assert_eq!(read(&store, |scope, tx| delivery_count(scope, tx, NO, State::Blocked)), 1);
    assert_eq!(write(&store, |scope, tx| delivery_prune(scope, tx, NO, at(9))), 3, "the dead letter stays");
}

fn dead_letters_are_revived_one_or_all(store: Store) {
    put(
        &store,
        &[delivery(1, State::Dead, 1), delivery(2, State::Dead, 1), delivery(3, State::Delivered, 1)],
    );
    let revive = |one| write(&store, |scope, tx| delivery_revive(scope, tx, NO, one));
    assert_eq!((revive(Some(("audience:a", 3))), revive(Some(("audience:a", 1))), revive(None)), (0, 1, 1));
    let waiting = read(&store, |scope, tx| delivery_waiting(scope, tx, NO, 9));
    assert_eq!(waiting.iter().map(|w| (w.seq, w.tries.attempts)).collect::<Vec<_>>(), [(1, 0), (2, 0)]);
}

fn whoever_was_replaced_cannot_pass_the_fence(store: Store) {
    let claim = |owner, now| {
        let claim = Claim { destination: NO, owner, now: at(now), lease: at(now + 60) };
        write(&store, |scope, tx| run_claim(scope, tx, &claim)).map(|run| run.epoch)
    };
    assert_eq!((claim("a", 1), claim("b", 30), claim("b", 62)), (Some(1), None, Some(2)));
    let fence = |epoch| pool(&store).write(|tx| run_fence(&scope(), tx, NO, epoch, at(100)));
    assert!(fence(1).is_err() && fence(2).is_ok());
    assert_eq!(read(&store, |scope, tx| run_fetch(scope, tx, NO)).lease, at(100));
}

fn a_holding_is_there_until_it_is_removed(store: Store) {
    let parties = HashSet::from([("audience:a".to_owned(), key(1))]);
    for _ in 0..2 {
        write(&store, |scope, tx| holding_add(scope, tx, NO, &parties, at(1)));
    }
    let has = |n| read(&store, |scope, tx| holding_has(scope, tx, NO, "audience:a", &key(n)));
    assert_eq!((has(1), has(2)), (true, false));
    write(&store, |scope, tx| holding_remove(scope, tx, NO, "audience:a", &key(1)));
    assert!(!has(1));
}

fn a_list_that_is_begun_again_is_taken_at_the_place_it_was_taken_at_before(store: Store) {
    let new = |job, seq, seconds| List {
        job,
        ledger: "audience:a".to_owned(),
        seq,
        state: State::Waiting,
        attempts: 0,
        parties: 0,
        blocked: 0,
        began: at(seconds),
        last: at(seconds),
        name: String::new(),
        reason: String::new(),
    };
    let begin = |job, seq, seconds| {
        let begun = pool(&store).write(|tx| list_begin(&scope(), tx, NO, &new(job, seq, seconds)));
        begun.unwrap()
    };
    let first = begin(7, 40, 1);
    assert_eq!((first.seq, first.attempts, first.began), (40, 1, at(1)));
    let again = begin(7, 99, 5);
    assert_eq!((again.seq, again.attempts, again.began), (40, 2, at(1)));
    begin(8, 99, 6);
    let done =
        List { state: State::Delivered, parties: 3, blocked: 1, last: at(9), name: "n".into(), ..again };
    write(&store, |scope, tx| list_put(scope, tx, NO, &done));
    let page = |before, limit| read(&store, |scope, tx| list_page(scope, tx, NO, before, limit));
    assert_eq!(page(u64::MAX, 1).iter().map(|list| list.job).collect::<Vec<_>>(), [8]);
    assert_eq!(page(8, 9), [done]);
    assert_eq!(write(&store, |scope, tx| list_prune(scope, tx, NO, at(9))), 1);
    assert_eq!(page(u64::MAX, 9).iter().map(|list| list.job).collect::<Vec<_>>(), [7]);
}
