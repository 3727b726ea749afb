//! Facts about fields: any order of the same facts leaves the same rows, and so the same profile.

use std::collections::BTreeMap;

use ::db::Store;
use insight::rules::survivorship::{Fact, Op};
use insight::store::trait_fact::{Bucketed, fact_merge, fact_of, slot};
use kernel::{NodeNo, SourceNo};

use super::{at, key, orders, read, write};

testkit::both_databases![
    any_permutation_of_the_same_facts_gives_the_same_rows,
    every_order_of_four_rivals_has_one_winner,
    increments_and_appends_all_stay,
    facts_that_come_again_change_nothing,
    facts_are_found_by_their_node,
    a_value_of_any_length_and_script_can_be_kept,
];

fn fact(op: Op, value: &str, time: i64, n: u64) -> Bucketed {
    let field = if op == Op::DeleteAll { "" } else { "城市" };
    let (node, source, field) = (NodeNo(1), SourceNo(1), field.to_owned());
    Bucketed {
        fact: Fact { node, field, op, value: value.into(), at: at(time), key: key(n), source },
        bucket: 0,
    }
}

fn of_source(source: u32, mut fact: Bucketed) -> Bucketed {
    fact.fact.source = SourceNo(source);
    fact
}

fn in_bucket(bucket: i64, fact: Bucketed) -> Bucketed {
    Bucketed { bucket, ..fact }
}

fn merge(store: &Store, facts: &[Bucketed]) {
    write(store, |scope, tx| fact_merge(scope, tx, facts));
}

/// A stored row, whole.
type Stored = (i64, String, i64, i64, i64, Vec<u8>, String, i64, Vec<u8>);

fn rows(store: &Store) -> Vec<Stored> {
    let sql = "select node_no, field, source_no, bucket, op, slot, value, time_us, key from trait_fact
               order by node_no, field, source_no, bucket, op, slot";
    read(store, |_, tx| {
        tx.query(sql, &[], |row| {
            let (slot, key) = (row.blob(5)?.to_vec(), row.blob(8)?.to_vec());
            let (field, value) = (row.text(1)?.to_owned(), row.text(6)?.to_owned());
            Ok((row.int(0)?, field, row.int(2)?, row.int(3)?, row.int(4)?, slot, value, row.int(7)?, key))
        })
    })
}

/// What should be stored, said the simple way: of each row's rivals the earliest or the latest.
fn expected(facts: &[Bucketed]) -> Vec<Stored> {
    let mut rows: BTreeMap<_, &Fact> = BTreeMap::new();
    for Bucketed { fact: f, bucket } in facts {
        let id =
            (f.node.0 as i64, f.field.clone(), i64::from(f.source.0), *bucket, f.op as i64, slot(f).to_vec());
        let kept = rows.entry(id).or_insert(f);
        let is_later = (f.at, f.key) > (kept.at, kept.key);
        if is_later != (f.op == Op::SetOnce) {
            *kept = f;
        }
    }
    let row = |((node, field, source, bucket, op, slot), f): (_, &Fact)| {
        (node, field, source, bucket, op, slot, f.value.clone(), f.at.0, f.key.0.to_vec())
    };
    rows.into_iter().map(row).collect()
}

fn clear(store: &Store) {
    write(store, |_, tx| tx.execute("delete from trait_fact", &[]));
}

fn some_facts() -> Vec<Bucketed> {
    let mut facts = vec![
        fact(Op::Set, "\"上海\"", 10, 1),
        fact(Op::Set, "\"北京\"", 30, 2),
        fact(Op::Set, "", 20, 3),
        fact(Op::Set, "\"same time, higher key\"", 30, 4),
        fact(Op::SetOnce, "1", 15, 5),
        fact(Op::SetOnce, "2", 12, 6),
        fact(Op::SetOnce, "3", 12, 7),
        fact(Op::Increment, "1", 1, 8),
        fact(Op::Increment, "1", 1, 9),
        fact(Op::Append, "[\"a\"]", 2, 10),
        fact(Op::Append, "[\"a\"]", 3, 11),
        fact(Op::DeleteAll, "", 5, 12),
        fact(Op::DeleteAll, "", 9, 13),
    ];
    facts.push(of_source(2, fact(Op::Set, "\"广州\"", 5, 14)));
    facts.push(in_bucket(7, fact(Op::Set, "\"深圳\"", 4, 15)));
    facts.push(in_bucket(-7, fact(Op::Set, "\"before 1970\"", -4, 16)));
    facts
}

fn any_permutation_of_the_same_facts_gives_the_same_rows(store: Store) {
    let facts = some_facts();
    let expected = expected(&facts);
    for order in orders(&facts) {
        order.iter().for_each(|fact| merge(&store, std::slice::from_ref(fact)));
        assert_eq!(rows(&store), expected, "{order:?}");
        clear(&store);
    }
}

fn every_order_of_four_rivals_has_one_winner(store: Store) {
    for op in [Op::Set, Op::SetOnce, Op::DeleteAll] {
        let rivals = [fact(op, "1", 10, 9), fact(op, "2", 20, 1), fact(op, "3", 20, 2), fact(op, "4", 10, 3)];
        let expected = expected(&rivals);
        assert_eq!(expected.len(), 1);
        for order in 0..256 {
            let places = [order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3];
            if (0..4).all(|place| places.contains(&place)) {
                places.iter().for_each(|place| merge(&store, std::slice::from_ref(&rivals[*place])));
                assert_eq!(rows(&store), expected, "{op:?} in the order {places:?}");
                clear(&store);
            }
        }
    }
}

fn increments_and_appends_all_stay(store: Store) {
    for op in [Op::Increment, Op::Append] {
        let facts: Vec<Bucketed> = (1..=20).map(|n| fact(op, "1", 10, n)).collect();
        facts.chunks(7).for_each(|facts| merge(&store, facts));
        assert_eq!(rows(&store).len(), 20);
        clear(&store);
    }
}

fn facts_that_come_again_change_nothing(store: Store) {
    let facts = some_facts();
    for _ in 0..3 {
        facts.iter().for_each(|fact| merge(&store, std::slice::from_ref(fact)));
        assert_eq!(rows(&store), expected(&facts));
    }
    merge(&store, &[]);
}

fn facts_are_found_by_their_node(store: Store) {
    let mut other = fact(Op::Append, "[1]", 10, 2);
    other.fact.node = NodeNo(2);
    merge(&store, &[fact(Op::Set, "1", 10, 1), other.clone()]);
    let of = |numbers: &[u64]| {
        let numbers: Vec<NodeNo> = numbers.iter().map(|n| NodeNo(*n)).collect();
        read(&store, |scope, tx| fact_of(scope, tx, &numbers))
    };
    assert_eq!(of(&[2, 3]), [other.fact]);
    assert_eq!(of(&[1, 2]).len(), 2);
    assert!(of(&[]).is_empty());
}

fn a_value_of_any_length_and_script_can_be_kept(store: Store) {
    let long: String = (0..30_000).map(|i| char::from_u32(0x4e00 + i * 7_919 % 20_000).unwrap()).collect();
    let facts = [fact(Op::Set, &long, 10, 1), of_source(2, fact(Op::Set, "\"😀\u{1}\\u0000\"", 10, 2))];
    merge(&store, &facts);
    let mut values: Vec<String> =
        read(&store, |scope, tx| fact_of(scope, tx, &[NodeNo(1)])).into_iter().map(|f| f.value).collect();
    values.sort_by_key(String::len);
    assert!(values == ["\"😀\u{1}\\u0000\"", &long]);
}
