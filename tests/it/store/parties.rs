//! Identifiers and the parties they belong to.

use ::db::{Error, Location, Store};
use identity::store::node::{
    Node, node_anchors, node_by_key, node_by_no, node_by_party, node_page, node_put, number_reserve,
    party_count, party_page,
};
use kernel::{NodeNo, PartyNo};

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    a_node_reads_back_as_it_was_put,
    a_node_put_again_keeps_its_name_and_changes_its_party,
    one_name_belongs_to_one_node,
    nodes_are_found_by_name_number_and_party,
    an_anchor_is_the_node_its_party_is_named_after,
    nodes_and_parties_come_in_pages,
    numbers_are_reserved_once_each,
    numbers_given_back_with_an_undone_transaction_are_given_again,
];

fn node(no: u64, party: u32) -> Node {
    Node {
        no: NodeNo(no),
        key: key(1_000 + no),
        kind: "mobile".into(),
        value: format!("1990000{no:04}"),
        era: 0,
        first: at(no as i64),
        unbound: None,
        party: PartyNo(party),
        anchor: None,
        is_split: false,
    }
}

fn put(store: &Store, nodes: &[Node]) {
    write(store, |scope, tx| node_put(scope, tx, nodes));
}

fn by_no(store: &Store, numbers: &[u64]) -> Vec<Node> {
    let numbers: Vec<NodeNo> = numbers.iter().map(|n| NodeNo(*n)).collect();
    let mut nodes = read(store, |scope, tx| node_by_no(scope, tx, &numbers));
    nodes.sort_by_key(|node| node.no);
    nodes
}

fn numbers(nodes: &[Node]) -> Vec<u64> {
    let mut numbers: Vec<u64> = nodes.iter().map(|node| node.no.0).collect();
    numbers.sort_unstable();
    numbers
}

fn a_node_reads_back_as_it_was_put(store: Store) {
    let full = Node {
        value: "微信 😀".into(),
        era: u16::MAX,
        first: at(-5),
        unbound: Some(at(9)),
        party: PartyNo(u32::MAX),
        anchor: Some(PartyNo(0)),
        is_split: true,
        ..node(2, 0)
    };
    put(&store, &[node(1, 7), full.clone()]);
    assert_eq!(by_no(&store, &[1, 2]), [node(1, 7), full]);
}

fn a_node_put_again_keeps_its_name_and_changes_its_party(store: Store) {
    put(&store, &[node(1, 7)]);
    let changed = Node {
        first: at(0),
        unbound: Some(at(3)),
        party: PartyNo(8),
        anchor: Some(PartyNo(7)),
        is_split: true,
        ..node(1, 7)
    };
    put(&store, std::slice::from_ref(&changed));
    put(&store, std::slice::from_ref(&changed));
    assert_eq!(by_no(&store, &[1]), [changed]);
}

fn one_name_belongs_to_one_node(store: Store) {
    put(&store, &[node(1, 7)]);
    let twin = Node { key: key(1_001), ..node(2, 8) };
    let refused = pool(&store).write(|tx| node_put(&scope(), tx, &[twin]));
    assert!(matches!(refused, Err(Error::Constraint(_))), "{refused:?}");
    assert_eq!(by_no(&store, &[1, 2]), [node(1, 7)]);
}

fn nodes_are_found_by_name_number_and_party(store: Store) {
    put(&store, &[node(1, 7), node(2, 7), node(3, 8)]);
    read(&store, |scope, tx| {
        assert_eq!(numbers(&node_by_key(scope, tx, &[key(1_003), key(9), key(1_001)])?), [1, 3]);
        assert_eq!(numbers(&node_by_no(scope, tx, &[NodeNo(2), NodeNo(4)])?), [2]);
        assert_eq!(numbers(&node_by_party(scope, tx, &[PartyNo(7), PartyNo(9)])?), [1, 2]);
        assert!(node_by_key(scope, tx, &[])?.is_empty());
        Ok(())
    });
}

fn an_anchor_is_the_node_its_party_is_named_after(store: Store) {
    let anchor = |no, party, anchor| Node { anchor: Some(PartyNo(anchor)), ..node(no, party) };
    // Node 3 once anchored party 8 and was merged into party 7.
    put(&store, &[anchor(1, 7, 7), node(2, 7), anchor(3, 7, 8), anchor(4, 9, 9)]);
    let of = |parties: &[u32]| {
        let parties: Vec<PartyNo> = parties.iter().map(|n| PartyNo(*n)).collect();
        numbers(&read(&store, |scope, tx| node_anchors(scope, tx, &parties)))
    };
    assert_eq!(of(&[7, 8, 9]), [1, 4]);
    assert!(of(&[8]).is_empty());
}

fn nodes_and_parties_come_in_pages(store: Store) {
    let split = Node { is_split: true, ..node(6, 99) };
    put(&store, &[node(5, 7), node(1, 9), node(3, 7), node(4, 8), split]);
    read(&store, |scope, tx| {
        assert_eq!(numbers(&node_page(scope, tx, NodeNo(0), 2)?), [1, 3]);
        assert_eq!(numbers(&node_page(scope, tx, NodeNo(3), 10)?), [4, 5, 6]);
        assert_eq!(party_page(scope, tx, PartyNo(0), 2)?, [PartyNo(7), PartyNo(8)]);
        assert_eq!(
            party_page(scope, tx, PartyNo(8), 9)?,
            [PartyNo(9)],
            "a split node is no party of its own"
        );
        assert_eq!(party_count(scope, tx)?, 3);
        Ok(())
    });
}

fn reserve(store: &Store, name: &'static str, count: u64) -> u64 {
    write(store, |scope, tx| number_reserve(scope, tx, name, count))
}

fn numbers_are_reserved_once_each(store: Store) {
    let got = [reserve(&store, "node", 1), reserve(&store, "node", 10), reserve(&store, "node", 1)];
    assert_eq!(got, [1, 2, 12]);
    assert_eq!(reserve(&store, "party", 5), 1, "another sequence");
}

fn numbers_given_back_with_an_undone_transaction_are_given_again(store: Store) {
    reserve(&store, "node", 3);
    let undone = pool(&store).write(|tx| {
        number_reserve(&scope(), tx, "node", 100)?;
        Err::<(), _>(Error::Full)
    });
    assert!(undone.is_err());
    assert_eq!(reserve(&store, "node", 1), 4);
}

#[test]
fn numbers_reserved_at_once_never_overlap() {
    let url = testkit::PostgresServer::start().database();
    let store = Store::open(&Location::Postgres(url)).unwrap();
    let mut starts: Vec<u64> = std::thread::scope(|threads| {
        let run = || (0..20).map(|_| reserve(&store, "node", 5)).collect::<Vec<_>>();
        let all: Vec<_> = (0..4).map(|_| threads.spawn(run)).collect();
        all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    starts.sort_unstable();
    assert_eq!(starts, (0..80).map(|n| n * 5 + 1).collect::<Vec<_>>());
}
