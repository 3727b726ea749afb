//! Which identifiers were seen with more others of one kind than the rules allow.

use ::db::Store;
use identity::store::crowded::{Via, crowded_all, crowded_clear, crowded_put, crowded_under};
use identity::store::edge::{Edge, edge_between, edge_merge};
use identity::store::node::{Node, node_put};
use identity::store::touch::{Touch, touch_merge};
use kernel::{NodeNo, PartyNo};

use super::{at, key, read, write};

testkit::both_databases![
    crowded_nodes_are_kept_once_until_cleared,
    only_others_of_one_kind_crowd_a_node_and_each_counts_once,
    edges_are_found_between_given_nodes_only,
];

fn node(no: u64, kind: &str) -> Node {
    Node {
        no: NodeNo(no),
        key: key(no),
        kind: kind.to_owned(),
        value: no.to_string(),
        era: 0,
        first: at(0),
        unbound: None,
        party: PartyNo(1),
        anchor: None,
        is_split: false,
    }
}

fn edge(a: u64, b: u64, bucket: i64) -> Edge {
    Edge { a: NodeNo(a), b: NodeNo(b), bucket, first: at(1), last: at(2), evidence: key(1) }
}

fn touch(soft: u64, hard: u64, bucket: i64) -> Touch {
    Touch { soft: NodeNo(soft), hard: NodeNo(hard), bucket, first: at(1), last: at(2), evidence: key(1) }
}

fn crowded_nodes_are_kept_once_until_cleared(store: Store) {
    let rows = [(NodeNo(1), Via::Edge), (NodeNo(1), Via::Touch), (NodeNo(2), Via::Edge)];
    for _ in 0..2 {
        write(&store, |scope, tx| crowded_put(scope, tx, &rows));
        let mut all = read(&store, crowded_all);
        all.sort_unstable();
        assert_eq!(all, rows);
    }
    write(&store, crowded_clear);
    assert!(read(&store, crowded_all).is_empty());
}

fn only_others_of_one_kind_crowd_a_node_and_each_counts_once(store: Store) {
    let nodes = [(1, "mobile"), (2, "email"), (3, "email"), (4, "email"), (5, "user_id"), (6, "cookie")];
    write(&store, |scope, tx| node_put(scope, tx, &nodes.map(|(no, kind)| node(no, kind))));
    // 1 with three addresses, one of them from both sides and in two buckets; 2 with two kinds, one each.
    let edges = [edge(1, 2, 0), edge(2, 1, 0), edge(1, 2, 7), edge(3, 1, 0), edge(1, 4, 0), edge(2, 5, 0)];
    write(&store, |scope, tx| edge_merge(scope, tx, &edges));
    let touches = [touch(6, 2, 0), touch(6, 2, 1), touch(6, 3, 0), touch(6, 1, 0)];
    write(&store, |scope, tx| touch_merge(scope, tx, &touches));
    let under = |max| read(&store, |scope, tx| crowded_under(scope, tx, max)).into_iter().collect::<Vec<_>>();
    assert_eq!(under(3), []);
    assert_eq!(under(2), [(NodeNo(1), Via::Edge)]);
    assert_eq!(under(1), [(NodeNo(1), Via::Edge), (NodeNo(6), Via::Touch)]);
}

fn edges_are_found_between_given_nodes_only(store: Store) {
    let edges = [edge(1, 2, 0), edge(2, 1, 0), edge(1, 2, 5), edge(1, 3, 0), edge(3, 4, 0)];
    write(&store, |scope, tx| edge_merge(scope, tx, &edges));
    let between = |numbers: &[u64]| {
        let nodes: Vec<NodeNo> = numbers.iter().map(|no| NodeNo(*no)).collect();
        let mut edges = read(&store, |scope, tx| edge_between(scope, tx, &nodes));
        edges.sort_by_key(|edge| (edge.a, edge.b, edge.bucket));
        edges
    };
    assert_eq!(between(&[2, 1, 4]), [edges[0].clone(), edges[2].clone(), edges[1].clone()]);
    assert_eq!(between(&[3]), []);
}
