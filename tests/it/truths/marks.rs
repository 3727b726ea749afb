//! P20, P26, P31 and P40, as far as rules answer: outlets with all their measures, a workspace with few
//! customers, statements past their limit, and an audience of exactly half of everybody.

use serde_json::{Value, json};

use super::{rows_with, world};

#[test]
fn exactly_the_planted_statements_are_past_their_limit() {
    let world = world();
    let _reading = world.read();
    let mut stale = 0;
    for (name, limit) in
        [("address_verified_at", "365d"), ("phone_verified_at", "180d"), ("preference_verified_at", "180d")]
    {
        let rule = json!({ "trait": name, "op": "older_than", "value": limit });
        stale += world.holds_for(world.w2(), &rule, rows_with(&world, "P31", &[("trait", name)]));
        let (fresh, _) =
            world.found(world.w2(), &json!({ "trait": name, "op": "within_last", "value": limit }));
        assert!(fresh > 0, "{name} is fresh for nobody");
    }
    println!("P31: {stale} stale");
    assert_eq!(stale, world.truth["P31"].len());
}

#[test]
fn the_audience_of_subscribers_has_exactly_half_of_everybody() {
    let world = world();
    let _reading = world.read();
    let rule = json!({ "trait": "newsletter", "op": "eq", "value": true });
    let count = world.holds_for(world.w2(), &rule, &world.truth["P40"]);
    println!("P40: {count} subscribe");
    assert_eq!(count, if super::profile() == demo::Profile::Small { 10_000 } else { 200 });
}

#[test]
fn the_dealer_s_workspace_has_two_hundred_customers() {
    let world = world();
    let _reading = world.read();
    let dealer = &world.workspaces["yulan"];
    let count = world.holds_for(dealer, &json!({ "always": true }), &world.truth["P26"]);
    assert_eq!(count, 200);
}

#[test]
fn outlets_rank_in_each_measure_as_planted() {
    let world = world();
    let _reading = world.read();
    let rows = &world.truth["P20"];
    let outlet = json!({ "trait": "outlet_type", "op": "eq", "value": "supermarket" });
    assert_eq!(world.holds_for(world.w1(), &outlet, rows), rows.len());
    for (axis, measure) in [("contribution", "net_sales_12m"), ("potential", "headroom")] {
        let place = |row: &Value| row[axis].as_u64().unwrap() as usize;
        let median = rows.iter().find(|row| place(row) == rows.len() / 2).unwrap();
        let party = world.parties(world.w1(), [median]).pop_first().unwrap();
        let party = world.server.get(&world.w1().token, &format!("/api/v1/parties/{party}")).ok();
        let value = party["traits"][measure].clone();
        let above = json!({ "trait": measure, "op": "gt", "value": value });
        world.holds_for(world.w1(), &above, rows.iter().filter(|row| place(row) > rows.len() / 2));
    }
}
