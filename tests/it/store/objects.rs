//! Facts about things: the newest of each field stays, whatever order they come in.

use ::db::Store;
use intake::store::object::{ObjectFact, REMOVED, object_fetch, object_merge};

use super::{at, key, orders, read, write};

testkit::both_databases![
    the_newest_value_of_each_field_stays_in_any_order,
    facts_of_one_call_and_of_many_give_the_same,
    a_fact_that_comes_again_changes_nothing,
    at_one_time_the_higher_key_wins,
    a_removed_thing_has_only_what_was_said_later,
    a_removed_field_is_left_out,
    things_of_one_id_and_two_kinds_are_two,
];

fn fact(field: &str, value: &str, time: i64, n: u64) -> ObjectFact {
    let (kind, id) = ("item:商品".to_owned(), "sku-1".to_owned());
    ObjectFact { kind, id, field: field.into(), value: value.into(), at: at(time), key: key(n) }
}

fn merge(store: &Store, facts: &[ObjectFact]) {
    write(store, |scope, tx| object_merge(scope, tx, facts));
}

fn fields(store: &Store) -> Vec<(String, String)> {
    let facts = read(store, |scope, tx| object_fetch(scope, tx, "item:商品", "sku-1"));
    facts.into_iter().map(|fact| (fact.field, fact.value)).collect()
}

fn clear(store: &Store) {
    write(store, |_, tx| tx.execute("delete from object_fact", &[]));
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
}

fn some_facts() -> Vec<ObjectFact> {
    vec![
        fact("price", "1", 10, 1),
        fact("price", "2", 30, 2),
        fact("price", "3", 20, 3),
        fact("name", "\"茶\"", 5, 4),
        fact("name", "\"绿茶\"", 6, 5),
        fact("stock", "7", 10, 6),
        fact("stock", "8", 10, 7),
    ]
}

fn expected() -> Vec<(String, String)> {
    pairs(&[("name", "\"绿茶\""), ("price", "2"), ("stock", "8")])
}

fn the_newest_value_of_each_field_stays_in_any_order(store: Store) {
    for order in orders(&some_facts()) {
        order.iter().for_each(|fact| merge(&store, std::slice::from_ref(fact)));
        assert_eq!(fields(&store), expected(), "{order:?}");
        clear(&store);
    }
}

fn facts_of_one_call_and_of_many_give_the_same(store: Store) {
    for order in orders(&some_facts()) {
        for size in [2, 3, 7] {
            order.chunks(size).for_each(|facts| merge(&store, facts));
            assert_eq!(fields(&store), expected(), "{size} a call: {order:?}");
            clear(&store);
        }
    }
}

fn a_fact_that_comes_again_changes_nothing(store: Store) {
    let facts = some_facts();
    merge(&store, &facts);
    merge(&store, &facts);
    merge(&store, &[fact("price", "other text, same event", 30, 2)]);
    assert_eq!(fields(&store), expected());
}

fn at_one_time_the_higher_key_wins(store: Store) {
    // As bytes: key 256 is above key 255.
    for order in orders(&[fact("a", "255", 1, 255), fact("a", "256", 1, 256), fact("a", "1", 1, 1)]) {
        order.iter().for_each(|fact| merge(&store, std::slice::from_ref(fact)));
        assert_eq!(fields(&store), pairs(&[("a", "256")]));
        clear(&store);
    }
}

fn a_removed_thing_has_only_what_was_said_later(store: Store) {
    let facts = [
        fact("a", "1", 10, 1),
        fact("b", "1", 20, 2),
        fact(REMOVED, "true", 20, 3),
        fact("c", "1", 20, 4),
        fact("d", "1", 30, 5),
    ];
    for order in orders(&facts) {
        order.iter().for_each(|fact| merge(&store, std::slice::from_ref(fact)));
        assert_eq!(fields(&store), pairs(&[("c", "1"), ("d", "1")]), "{order:?}");
        clear(&store);
    }
}

fn a_removed_field_is_left_out(store: Store) {
    merge(&store, &[fact("a", "1", 10, 1), fact("b", "2", 10, 2)]);
    merge(&store, &[fact("a", "", 20, 3)]);
    assert_eq!(fields(&store), pairs(&[("b", "2")]));
    merge(&store, &[fact("a", "3", 30, 4)]);
    assert_eq!(fields(&store), pairs(&[("a", "3"), ("b", "2")]));
}

fn things_of_one_id_and_two_kinds_are_two(store: Store) {
    merge(&store, &[fact("a", "1", 10, 1)]);
    let group = |field: &str| ObjectFact { kind: "group".into(), ..fact(field, "2", 10, 2) };
    merge(&store, &[group("a"), group(REMOVED)]);
    assert_eq!(fields(&store), pairs(&[("a", "1")]));
    assert!(read(&store, |scope, tx| object_fetch(scope, tx, "group", "sku-1")).is_empty());
}
