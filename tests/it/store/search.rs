//! Search terms: a prefix finds the same nodes in the same order on both databases.

use ::db::Store;
use insight::rules::search::{query_prefixes, terms};
use insight::store::search_term::{term_nodes, term_put};
use kernel::NodeNo;

use super::{read, write};

testkit::both_databases![
    a_prefix_finds_its_terms_and_no_others,
    nodes_come_in_code_point_order_of_their_terms,
    a_limit_keeps_the_first,
    a_term_put_again_is_kept_once,
    people_are_found_the_ways_they_are_searched_for,
    a_term_of_any_length_can_be_kept_and_found,
];

fn put(store: &Store, list: &[(&str, u64)]) {
    let list: Vec<(String, NodeNo)> =
        list.iter().map(|(term, node)| ((*term).to_owned(), NodeNo(*node))).collect();
    write(store, |scope, tx| term_put(scope, tx, &list));
}

fn find(store: &Store, prefix: &str, limit: usize) -> Vec<u64> {
    let nodes = read(store, |scope, tx| term_nodes(scope, tx, prefix, limit));
    nodes.into_iter().map(|node| node.0).collect()
}

const TERMS: [(&str, u64); 14] = [
    ("n:王", 1),
    ("n:王伟", 2),
    ("n:王小明", 3),
    ("n:王小明", 4),
    ("n:玉", 5),
    ("n:😀", 6),
    ("n:😀王", 7),
    ("n:wang", 8),
    ("n:Wang", 9),
    ("n:wang wei", 10),
    ("n:wáng", 11),
    ("n:", 12),
    ("n:w%", 13),
    ("n:w_", 14),
];

fn a_prefix_finds_its_terms_and_no_others(store: Store) {
    put(&store, &TERMS);
    let prefixes = [
        "n:",
        "n:王",
        "n:王小",
        "n:王小明",
        "n:😀",
        "n:w",
        "n:W",
        "n:wang",
        "n:w%",
        "n:_",
        "x",
        "",
        "n:王小明明",
    ];
    for prefix in prefixes {
        let mut found = find(&store, prefix, 100);
        found.sort_unstable();
        let expected: Vec<u64> =
            TERMS.iter().filter(|(term, _)| term.starts_with(prefix)).map(|t| t.1).collect();
        assert_eq!(found, expected, "{prefix:?}");
    }
}

fn nodes_come_in_code_point_order_of_their_terms(store: Store) {
    let mut terms = TERMS;
    terms.reverse();
    put(&store, &terms);
    terms.sort_unstable();
    assert_eq!(find(&store, "n:", 100), terms.map(|(_, node)| node));
    assert_eq!(find(&store, "n:王", 100)[0], 1, "the whole term first");
}

fn a_limit_keeps_the_first(store: Store) {
    put(&store, &TERMS);
    let all = find(&store, "n:", 100);
    for limit in [0, 1, 5] {
        assert_eq!(find(&store, "n:", limit), all[..limit]);
    }
}

fn a_term_put_again_is_kept_once(store: Store) {
    put(&store, &[("n:王", 1), ("n:王", 1), ("n:王", 2)]);
    put(&store, &[("n:王", 2), ("n:王", 1)]);
    put(&store, &[]);
    assert_eq!(find(&store, "n:王", 100), [1, 2]);
}

fn people_are_found_the_ways_they_are_searched_for(store: Store) {
    let people =
        [("name", "王小明"), ("phone", "199-0000-0042"), ("email", "Xiaoming@Example.com"), ("name", "李😀")];
    for ((field, value), node) in people.into_iter().zip(1..) {
        let terms: Vec<(String, NodeNo)> =
            terms(field, value).into_iter().map(|term| (term, NodeNo(node))).collect();
        write(&store, |scope, tx| term_put(scope, tx, &terms));
    }
    let queries =
        [("小明", 1), ("wangx", 1), ("wxm", 1), ("0042", 2), ("xiaoming@ex", 3), ("李", 4), ("😀", 4)];
    for (query, node) in queries {
        let found: Vec<u64> =
            query_prefixes(query).iter().flat_map(|prefix| find(&store, prefix, 10)).collect();
        assert!(found.contains(&node), "{query}: {found:?}");
    }
}

fn a_term_of_any_length_can_be_kept_and_found(store: Store) {
    // Of characters without a pattern: PostgreSQL's index would take a long term it can compress.
    let long: String = (0..8_000_u32).map(|i| char::from_u32(0x4e00 + i * i % 19_997).unwrap()).collect();
    let term = format!("n:{long}");
    put(&store, &[(&term, 1), ("n:其他", 2)]);
    assert_eq!(find(&store, &term, 10), [1]);
    assert_eq!(find(&store, &term[..302], 10), [1]);
}
