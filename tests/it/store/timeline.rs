//! Chunks of a timeline: packed events come back as they were, by node and number.

use ::db::{Error, Store};
use insight::rules::chunk::{self, Stored};
use insight::store::timeline::{Chunk, ChunkHead, chunk_append, chunk_body, chunk_heads, chunk_remove};
use kernel::NodeNo;

use super::{at, key, pool, read, scope, write};

testkit::both_databases![
    the_events_of_a_chunk_come_back_as_they_were,
    heads_are_found_by_node,
    removed_chunks_are_gone_and_no_others,
    a_chunk_number_is_used_once_for_a_node,
    a_chunk_that_is_not_there_is_an_error,
];

fn events(count: u32) -> Vec<Stored> {
    let event = |i: u32| Stored {
        time: at(i64::from(i) - 3),
        key: key(u64::from(i)),
        index: i,
        event: "看了商品 😀".into(),
        head: vec![i as u8 / 10, 0, 255],
        raw: format!(r#"{{"event":"看了商品 😀","properties":{{"n":{i}}}}}"#).into_bytes(),
    };
    (0..count).map(event).collect()
}

fn head(node: u64, no: i64, count: u32) -> ChunkHead {
    ChunkHead { node: NodeNo(node), no, first: at(-3), last: at(i64::from(count) - 4), count: count.into() }
}

fn append(store: &Store, heads: &[ChunkHead]) {
    let chunk = |head: &ChunkHead| {
        let events = events(head.count as u32);
        Chunk { head: *head, body: chunk::encode(&events.iter().map(Stored::piece).collect::<Vec<_>>()) }
    };
    let chunks: Vec<Chunk> = heads.iter().map(chunk).collect();
    write(store, |scope, tx| chunk_append(scope, tx, &chunks));
}

fn heads(store: &Store, nodes: &[u64]) -> Vec<ChunkHead> {
    let nodes: Vec<NodeNo> = nodes.iter().map(|n| NodeNo(*n)).collect();
    let mut heads = read(store, |scope, tx| chunk_heads(scope, tx, &nodes));
    heads.sort_by_key(|head| (head.node, head.no));
    heads
}

fn the_events_of_a_chunk_come_back_as_they_were(store: Store) {
    let all = [head(1, 1, 1), head(1, 2, 40), head(1, i64::MAX, 20_000)];
    append(&store, &all);
    append(&store, &[]);
    for head in all {
        let body = read(&store, |scope, tx| chunk_body(scope, tx, head.node, head.no));
        assert!(chunk::decode(&body).unwrap() == events(head.count as u32), "chunk {}", head.no);
    }
}

fn heads_are_found_by_node(store: Store) {
    append(&store, &[head(2, 1, 5), head(1, 9, 3), head(1, 4, 7), head(3, 1, 1)]);
    assert_eq!(heads(&store, &[1]), [head(1, 4, 7), head(1, 9, 3)]);
    assert_eq!(heads(&store, &[3, 2, 8]), [head(2, 1, 5), head(3, 1, 1)]);
    assert!(heads(&store, &[]).is_empty());
}

fn removed_chunks_are_gone_and_no_others(store: Store) {
    append(&store, &[head(1, 1, 1), head(1, 2, 1), head(1, 3, 1), head(2, 1, 1)]);
    write(&store, |scope, tx| chunk_remove(scope, tx, NodeNo(1), &[1, 3, 99]));
    assert_eq!(heads(&store, &[1, 2]), [head(1, 2, 1), head(2, 1, 1)]);
    // A merge writes its chunk under a number it has just freed.
    append(&store, &[head(1, 1, 16)]);
    assert_eq!(heads(&store, &[1]), [head(1, 1, 16), head(1, 2, 1)]);
}

fn a_chunk_number_is_used_once_for_a_node(store: Store) {
    append(&store, &[head(1, 1, 1)]);
    let twice = Chunk { head: head(1, 1, 2), body: Vec::new() };
    let refused = pool(&store).write(|tx| chunk_append(&scope(), tx, &[twice]));
    assert!(matches!(refused, Err(Error::Constraint(_))), "{refused:?}");
    assert_eq!(heads(&store, &[1]), [head(1, 1, 1)]);
}

fn a_chunk_that_is_not_there_is_an_error(store: Store) {
    append(&store, &[head(1, 1, 1)]);
    for (node, no) in [(1, 2), (2, 1)] {
        let missing = pool(&store).read(|tx| chunk_body(&scope(), tx, NodeNo(node), no));
        assert!(matches!(missing, Err(Error::Other(_))), "{missing:?}");
    }
}
