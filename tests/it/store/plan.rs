//! The tracking plan: traffic adds what is new, people decide.

use ::db::Store;
use intake::store::plan::{PlanProperty, PropertyKind, plan_fetch, plan_observe, plan_page, plan_set};
use kernel::Failure;

use super::{at, pool, read, scope, write};

testkit::both_databases![
    traffic_adds_new_properties_and_changes_no_known_one,
    what_a_person_sets_counts_known_or_not,
    every_type_reads_back,
    pages_follow_each_other_in_code_point_order,
    a_property_needs_names,
    a_property_that_is_not_there_is_not_found,
];

fn property(event: &str, property: &str, kind: PropertyKind) -> PlanProperty {
    let (event, property) = (event.to_owned(), property.to_owned());
    PlanProperty { event, property, kind, status: "observed".into(), first: at(1) }
}

fn observe(store: &Store, properties: &[PlanProperty]) {
    write(store, |scope, tx| plan_observe(scope, tx, properties));
}

fn set(store: &Store, property: &PlanProperty) -> kernel::Result<()> {
    pool(store).write(|tx| plan_set(&scope(), tx, property))
}

fn all(store: &Store) -> Vec<PlanProperty> {
    read(store, |scope, tx| plan_page(scope, tx, ("", ""), 1_000))
}

fn traffic_adds_new_properties_and_changes_no_known_one(store: Store) {
    let known = property("Order", "amount", PropertyKind::Number);
    observe(&store, std::slice::from_ref(&known));
    let again = PlanProperty { first: at(9), ..property("Order", "amount", PropertyKind::Text) };
    let fresh = property("Order", "店", PropertyKind::Text);
    observe(&store, &[again, fresh.clone()]);
    observe(&store, &[]);
    assert_eq!(all(&store), [known, fresh]);
}

fn what_a_person_sets_counts_known_or_not(store: Store) {
    let known = property("Order", "amount", PropertyKind::Number);
    observe(&store, std::slice::from_ref(&known));
    set(&store, &PlanProperty { first: at(9), ..property("Order", "amount", PropertyKind::Any) }).unwrap();
    set(&store, &property("Order", "coupon", PropertyKind::List)).unwrap();
    observe(&store, &[known, property("Order", "coupon", PropertyKind::Text)]);
    let found: Vec<_> = all(&store).into_iter().map(|p| (p.property, p.kind, p.status, p.first)).collect();
    let row = |name: &str, kind| (name.to_owned(), kind, "planned".to_owned(), at(1));
    assert_eq!(found, [row("amount", PropertyKind::Any), row("coupon", PropertyKind::List)]);
}

fn every_type_reads_back(store: Store) {
    use PropertyKind::{Any, Boolean, List, Number, Object, Text};
    let properties: Vec<PlanProperty> = [Text, Number, Boolean, List, Object, Any]
        .into_iter()
        .map(|kind| property("E", kind.name(), kind))
        .collect();
    observe(&store, &properties);
    for property in properties {
        let found = pool(&store).read(|tx| plan_fetch(&scope(), tx, "E", &property.property)).unwrap();
        assert_eq!(found, property);
    }
}

fn pages_follow_each_other_in_code_point_order(store: Store) {
    let mut properties = Vec::new();
    for event in ["$profile", "a", "B", "下单", "😀"] {
        properties.extend(["z", "Z", "é", "金额"].map(|name| property(event, name, PropertyKind::Text)));
    }
    observe(&store, &properties);
    let (mut pages, mut after) = (Vec::new(), (String::new(), String::new()));
    loop {
        let page = read(&store, |scope, tx| plan_page(scope, tx, (&after.0, &after.1), 3));
        let Some(last) = page.last() else { break };
        after = (last.event.clone(), last.property.clone());
        pages.extend(page);
    }
    properties.sort_by(|a, b| (&a.event, &a.property).cmp(&(&b.event, &b.property)));
    assert_eq!(pages, properties);
}

fn a_property_needs_names(store: Store) {
    for (event, name) in [("", "a"), ("a", ""), ("", "")] {
        let refused = set(&store, &property(event, name, PropertyKind::Text));
        assert!(matches!(refused, Err(Failure::Invalid { .. })), "{event:?} {name:?}");
    }
    assert!(all(&store).is_empty());
}

fn a_property_that_is_not_there_is_not_found(store: Store) {
    observe(&store, &[property("Order", "amount", PropertyKind::Number)]);
    for (event, name) in [("Order", "Amount"), ("order", "amount"), ("amount", "Order")] {
        let found = pool(&store).read(|tx| plan_fetch(&scope(), tx, event, name));
        assert!(matches!(found, Err(Failure::NotFound { .. })), "{found:?}");
    }
}
