//! Edges, touches and claims: facts that only grow. The same facts give the same rows in any order,
//! in any portions, however often they come.

use ::db::{Result, Store, Tx};
use identity::store::claim::{Claim, claim_merge, claim_of};
use identity::store::edge::{Edge, edge_merge, edge_of};
use identity::store::touch::{Touch, touch_merge, touch_of_hard, touch_of_soft};
use kernel::{NodeNo, Scope};

use super::{at, key, orders, read, write};

testkit::both_databases![
    edges_merge_to_the_same_rows_in_any_order,
    touches_merge_to_the_same_rows_in_any_order,
    claims_merge_to_the_same_rows_in_any_order,
    edges_are_found_from_either_end,
    touches_are_found_from_the_soft_and_from_the_hard_end,
    claims_are_found_by_their_node_alone,
    facts_before_1970_merge_like_any_other,
];

fn edge(a: u64, b: u64, bucket: i64, first: i64, last: i64, evidence: u64) -> Edge {
    let (a, b, evidence) = (NodeNo(a), NodeNo(b), key(evidence));
    Edge { a, b, bucket, first: at(first), last: at(last), evidence }
}

fn touch(soft: u64, hard: u64, bucket: i64, first: i64, last: i64, evidence: u64) -> Touch {
    let (soft, hard, evidence) = (NodeNo(soft), NodeNo(hard), key(evidence));
    Touch { soft, hard, bucket, first: at(first), last: at(last), evidence }
}

fn claim(node: u64, field: &str, value: &str, first: i64, last: i64) -> Claim {
    let (node, field, value) = (NodeNo(node), field.to_owned(), value.to_owned());
    Claim { node, field, value, first: at(first), last: at(last) }
}

fn nodes(numbers: &[u64]) -> Vec<NodeNo> {
    numbers.iter().map(|n| NodeNo(*n)).collect()
}

/// Merges `facts` one by one in many orders, each fact twice, and wants `expected` every time.
fn check<F: Clone + PartialEq + std::fmt::Debug>(
    store: &Store,
    table: &str,
    facts: &[F],
    expected: &[F],
    merge: fn(&Scope, &mut Tx<'_>, &[F]) -> Result<()>,
    all: &dyn Fn(&Scope, &mut Tx<'_>) -> Result<Vec<F>>,
) {
    for order in orders(facts) {
        for fact in order.iter().chain(order.iter().take(3)) {
            write(store, |scope, tx| merge(scope, tx, std::slice::from_ref(fact)));
        }
        assert_eq!(read(store, all), expected, "{order:?}");
        write(store, |_, tx| tx.execute(&format!("delete from {table}"), &[]));
    }
    write(store, |scope, tx| merge(scope, tx, &[]));
}

fn edges_merge_to_the_same_rows_in_any_order(store: Store) {
    let facts = [
        edge(1, 2, 0, 50, 60, 5),
        edge(1, 2, 0, 10, 20, 7),
        edge(1, 2, 0, 30, 90, 1),
        edge(1, 2, 0, 10, 10, 6), // as early as another: the lower key is the evidence
        edge(1, 2, 3, 40, 40, 9), // another bucket
        edge(2, 1, 0, 5, 95, 2),  // another direction
        edge(1, 3, 0, 70, 80, 4),
    ];
    let expected = [
        edge(1, 2, 0, 10, 90, 6),
        edge(1, 2, 3, 40, 40, 9),
        edge(1, 3, 0, 70, 80, 4),
        edge(2, 1, 0, 5, 95, 2),
    ];
    check(&store, "edge", &facts, &expected, edge_merge, &|scope, tx| {
        let mut edges = edge_of(scope, tx, &nodes(&[1, 2, 3]))?;
        edges.sort_by_key(|e| (e.a, e.b, e.bucket));
        edges.dedup();
        Ok(edges)
    });
}

fn touches_merge_to_the_same_rows_in_any_order(store: Store) {
    let facts = [
        touch(9, 1, 4, 50, 60, 5),
        touch(9, 1, 4, 50, 55, 3),
        touch(9, 1, 4, 52, 99, 1),
        touch(9, 1, 5, 10, 11, 8),
        touch(9, 2, 4, 20, 21, 6),
        touch(8, 1, 4, 30, 31, 7),
    ];
    let expected = [
        touch(8, 1, 4, 30, 31, 7),
        touch(9, 1, 4, 50, 99, 3),
        touch(9, 1, 5, 10, 11, 8),
        touch(9, 2, 4, 20, 21, 6),
    ];
    check(&store, "touch", &facts, &expected, touch_merge, &|scope, tx| {
        let mut touches = touch_of_soft(scope, tx, &nodes(&[8, 9]))?;
        touches.sort_by_key(|t| (t.soft, t.hard, t.bucket));
        Ok(touches)
    });
}

fn claims_merge_to_the_same_rows_in_any_order(store: Store) {
    let facts = [
        claim(1, "name", "王伟", 50, 60),
        claim(1, "name", "王伟", 10, 20),
        claim(1, "name", "王伟", 30, 90),
        claim(1, "name", "王芳", 40, 40),
        claim(1, "operator", "王伟", 45, 45),
        claim(2, "name", "王伟", 70, 80),
    ];
    let expected = [
        claim(1, "name", "王伟", 10, 90),
        claim(1, "name", "王芳", 40, 40),
        claim(1, "operator", "王伟", 45, 45),
        claim(2, "name", "王伟", 70, 80),
    ];
    check(&store, "claim", &facts, &expected, claim_merge, &|scope, tx| {
        let mut claims = claim_of(scope, tx, &nodes(&[1, 2]))?;
        claims.sort_by(|a, b| (a.node, &a.field, &a.value).cmp(&(b.node, &b.field, &b.value)));
        Ok(claims)
    });
}

fn edges_are_found_from_either_end(store: Store) {
    let edges = [edge(1, 2, 0, 1, 1, 1), edge(2, 3, 0, 2, 2, 2), edge(4, 5, 0, 3, 3, 3)];
    write(&store, |scope, tx| edge_merge(scope, tx, &edges));
    let of = |numbers: &[u64]| {
        let mut found = read(&store, |scope, tx| edge_of(scope, tx, &nodes(numbers)));
        found.sort_by_key(|e| e.a);
        found
    };
    assert_eq!(of(&[1]), edges[..1]);
    assert_eq!(of(&[2]), edges[..2]);
    assert_eq!(of(&[3, 5, 77]), edges[1..]);
    assert_eq!(of(&[]), []);
    assert_eq!(of(&[4, 5]).len(), 2, "a row between two of them comes from both ends");
}

fn touches_are_found_from_the_soft_and_from_the_hard_end(store: Store) {
    let touches = [touch(9, 1, 0, 1, 1, 1), touch(9, 2, 0, 2, 2, 2), touch(8, 2, 0, 3, 3, 3)];
    write(&store, |scope, tx| touch_merge(scope, tx, &touches));
    let soft = |n: u64| read(&store, |scope, tx| touch_of_soft(scope, tx, &nodes(&[n]))).len();
    let hard = |n: u64| read(&store, |scope, tx| touch_of_hard(scope, tx, &nodes(&[n]))).len();
    assert_eq!((soft(9), soft(8), soft(1)), (2, 1, 0));
    assert_eq!((hard(1), hard(2), hard(9)), (1, 2, 0));
}

fn claims_are_found_by_their_node_alone(store: Store) {
    let claims = [claim(1, "name", "a", 1, 1), claim(2, "name", "a", 1, 1)];
    write(&store, |scope, tx| claim_merge(scope, tx, &claims));
    assert_eq!(read(&store, |scope, tx| claim_of(scope, tx, &nodes(&[2, 3]))), claims[1..]);
}

fn facts_before_1970_merge_like_any_other(store: Store) {
    write(&store, |scope, tx| edge_merge(scope, tx, &[edge(1, 2, -5, -100, -50, 1)]));
    write(&store, |scope, tx| edge_merge(scope, tx, &[edge(1, 2, -5, -200, -150, 2)]));
    let found = read(&store, |scope, tx| edge_of(scope, tx, &nodes(&[1])));
    assert_eq!(found, [edge(1, 2, -5, -200, -50, 2)]);
}
