//! What clustering derives and replaces: who holds an identifier, and which edges it refused.

use ::db::Store;
use identity::store::contested::{
    Contested, contested_between, contested_delete, contested_detached, contested_of, contested_page,
    contested_put,
};
use identity::store::holder::{Holder, holder_of, holder_replace, holder_via};
use kernel::{Instant, NodeNo};

use super::{at, key, read, write};

testkit::both_databases![
    holders_are_replaced_by_node_and_come_in_order_of_time,
    holders_are_found_by_whom_they_point_to,
    a_node_whose_holders_are_replaced_by_none_has_none,
    refused_edges_are_found_by_their_lower_end,
    refused_edges_come_in_pages,
    only_nodes_of_detached_edges_are_detached,
];

fn holder(node: u64, from: Instant, via: Option<u64>) -> Holder {
    Holder { node: NodeNo(node), from, via: via.map(NodeNo) }
}

fn nodes(numbers: &[u64]) -> Vec<NodeNo> {
    numbers.iter().map(|n| NodeNo(*n)).collect()
}

fn replace(store: &Store, of: &[u64], holders: &[Holder]) {
    write(store, |scope, tx| holder_replace(scope, tx, &nodes(of), holders));
}

fn of(store: &Store, numbers: &[u64]) -> Vec<Holder> {
    read(store, |scope, tx| holder_of(scope, tx, &nodes(numbers)))
}

const START: Instant = Instant(i64::MIN);

fn holders_are_replaced_by_node_and_come_in_order_of_time(store: Store) {
    let first = [holder(1, at(20), Some(7)), holder(1, START, None), holder(2, START, Some(8))];
    replace(&store, &[1, 2], &first);
    let mut sorted = first;
    sorted.sort_unstable();
    assert_eq!(of(&store, &[2, 1]), sorted);
    let again = [holder(1, START, Some(9)), holder(1, at(30), None)];
    replace(&store, &[1], &again);
    assert_eq!(of(&store, &[1]), again);
    assert_eq!(of(&store, &[2]), first[2..], "the other node keeps its own");
    replace(&store, &[1], &again);
    assert_eq!(of(&store, &[1]), again, "the same again changes nothing");
}

fn holders_are_found_by_whom_they_point_to(store: Store) {
    let rows = [
        holder(1, START, None),
        holder(1, at(5), Some(7)),
        holder(2, START, Some(7)),
        holder(3, START, Some(8)),
    ];
    replace(&store, &[1, 2, 3], &rows);
    let via = |n: u64| read(&store, |scope, tx| holder_via(scope, tx, &nodes(&[n])));
    assert_eq!(via(7), rows[1..3]);
    assert_eq!(via(8), rows[3..]);
    assert!(via(1).is_empty());
}

fn a_node_whose_holders_are_replaced_by_none_has_none(store: Store) {
    replace(&store, &[1], &[holder(1, START, Some(7))]);
    replace(&store, &[1, 5], &[]);
    assert!(of(&store, &[1, 5]).is_empty());
    replace(&store, &[], &[]);
}

fn contested(a: u64, b: u64, reason: &str) -> Contested {
    Contested { a: NodeNo(a), b: NodeNo(b), reason: reason.into(), evidence: key(a * 100 + b) }
}

fn refuse(store: &Store, rows: &[Contested]) {
    write(store, |scope, tx| contested_put(scope, tx, rows));
}

fn refused(store: &Store, numbers: &[u64]) -> Vec<Contested> {
    let mut rows = read(store, |scope, tx| contested_of(scope, tx, &nodes(numbers)));
    rows.sort_by_key(|row| (row.a, row.b));
    rows
}

fn refused_edges_are_found_by_their_lower_end(store: Store) {
    let rows = [contested(1, 2, "name"), contested(1, 3, "limit:手机"), contested(2, 3, "name")];
    refuse(&store, &rows);
    assert_eq!(refused(&store, &[1]), rows[..2]);
    assert_eq!(refused(&store, &[3, 2, 1]), rows);
    let between = |a: u64, others: &[u64]| {
        read(&store, |scope, tx| contested_between(scope, tx, NodeNo(a), &nodes(others)))
    };
    assert_eq!(between(1, &[3, 4]), rows[1..2]);
    assert!(between(3, &[1, 2]).is_empty(), "3 is the lower end of none");
    let changed = [contested(2, 3, "operator")];
    refuse(&store, &changed);
    assert_eq!(refused(&store, &[2]), changed, "one that is there already is told its new reason");
    write(&store, |scope, tx| contested_delete(scope, tx, &[(NodeNo(1), NodeNo(2)), (NodeNo(8), NodeNo(9))]));
    assert_eq!(refused(&store, &[1, 2]), [rows[1].clone(), changed[0].clone()]);
}

fn refused_edges_come_in_pages(store: Store) {
    let rows = [contested(1, 2, "a"), contested(1, 30, "b"), contested(2, 3, "c"), contested(10, 11, "d")];
    refuse(&store, &rows);
    let page = |after: (u64, u64), limit| {
        let after = (NodeNo(after.0), NodeNo(after.1));
        read(&store, |scope, tx| contested_page(scope, tx, after, limit))
    };
    assert_eq!(page((0, 0), 2), rows[..2]);
    assert_eq!(page((1, 30), 9), rows[2..]);
    assert_eq!(page((1, 2), 1), rows[1..2]);
    assert!(page((10, 11), 9).is_empty());
}

fn only_nodes_of_detached_edges_are_detached(store: Store) {
    refuse(&store, &[contested(1, 2, "unbound"), contested(3, 4, "name"), contested(1, 5, "unbound")]);
    let mut detached = read(&store, contested_detached);
    detached.sort_unstable();
    detached.dedup();
    assert_eq!(detached, nodes(&[1, 2, 5]));
}
