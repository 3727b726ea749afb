//! Timelines: shape, order, pages that stay, filters.

use serde_json::{Value, json};

use super::{World, identify, ids, track};

fn timeline(world: &World, query: &str) -> Value {
    let id = world.id("user_id:u");
    world.get(&format!("/api/v1/parties/{id}/timeline{query}"))
}

#[test]
fn an_item_has_exactly_the_documented_shape() {
    let world = World::new();
    let event = json!({ "type": "track", "messageId": "m-1", "userId": "u", "event": "下单", "timestamp": "2026-06-01T08:00:00.000Z",
        "properties": { "total": 9.5, "items": ["a"] }, "context": { "ip": "203.0.113.9" } });
    world.send(std::slice::from_ref(&event));
    let item = json!({
        "id": "m-1", "event": "下单", "type": "track", "time": "2026-06-01T08:00:00.000Z",
        "received_at": "2026-07-02T12:00:00.000Z", "source": "default",
        "properties": { "total": 9.5, "items": ["a"] }, "context": { "ip": "203.0.113.9" }, "message": event,
    });
    assert_eq!(timeline(&world, ""), json!({ "items": [item], "next": null }));
}

#[test]
fn events_are_newest_first_and_those_of_one_instant_keep_their_order() {
    let world = World::new();
    let at = |id: &str, time: &str| json!({ "type": "track", "messageId": id, "userId": "u", "event": "E", "timestamp": time });
    let same = "2026-06-02T08:00:00.000Z";
    world.send(&[at("b", same), at("c", same), at("d", same), at("a", "2026-06-01T08:00:00.000Z")]);
    world.send(&[at("e", "2026-06-03T08:00:00.000Z")]);
    assert_eq!(ids(&timeline(&world, "")), ["e", "d", "c", "b", "a"]);
}

#[test]
fn pages_go_on_where_they_were_whatever_arrives_meanwhile() {
    let world = World::new();
    let days = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
    world.send(&days.map(|day| track("u", day, "E")));
    let first = timeline(&world, "?limit=4");
    assert_eq!(ids(&first), [19, 17, 15, 13].map(|day| format!("t-u-{day}-E")));
    // Newer, in the pages already seen, and in those to come.
    world.send(&[track("u", 25, "E"), track("u", 14, "E"), track("u", 8, "E")]);
    let mut rest = Vec::new();
    let mut cursor = first["next"].as_str().map(str::to_owned);
    while let Some(at) = cursor {
        let page = timeline(&world, &format!("?limit=2&cursor={at}"));
        rest.extend(ids(&page));
        cursor = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(rest, [11, 9, 8, 7, 5, 3, 1].map(|day| format!("t-u-{day}-E")));
}

#[test]
fn a_page_is_never_longer_than_asked_nor_than_the_limit() {
    let world = World::new();
    let many: Vec<Value> = (0..230)
        .map(|n| json!({ "type": "track", "messageId": format!("m-{n}"), "userId": "u", "event": "E" }))
        .collect();
    world.send(&many);
    for (query, expected) in [("", 50), ("?limit=7", 7), ("?limit=0", 1), ("?limit=100000", 200)] {
        let page = timeline(&world, query);
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{query}");
        assert!(page["next"].is_string(), "{query}");
    }
}

#[test]
fn filters_keep_what_was_asked_for() {
    let world = World::new();
    world.send(&[
        identify("u", 1, json!({ "vip": true })),
        track("u", 2, "Order Completed"),
        track("u", 3, "Product Viewed"),
        track("u", 4, "Order Completed"),
        track("u", 5, "Order Refunded"),
    ]);
    let cases = [
        ("?event=Order%20Completed", &["t-u-4-Order Completed", "t-u-2-Order Completed"][..]),
        ("?event=Product%20Viewed,Order%20Refunded", &["t-u-5-Order Refunded", "t-u-3-Product Viewed"]),
        ("?event=Nothing", &[]),
        ("?from=2026-06-04T09:00:00Z", &["t-u-5-Order Refunded", "t-u-4-Order Completed"]),
        ("?to=2026-06-02T09:00:00Z", &["i-u-1"]),
        ("?from=2026-06-03T17:00:00%2B08:00&to=2026-06-04T17:00:00%2B08:00", &["t-u-3-Product Viewed"]),
        ("?event=Order%20Completed&from=2026-06-03T00:00:00Z", &["t-u-4-Order Completed"]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&timeline(&world, query)), expected, "{query}");
    }
    let page = timeline(&world, "?event=Order%20Completed&limit=1");
    let next = page["next"].as_str().unwrap();
    let page = timeline(&world, &format!("?event=Order%20Completed&limit=1&cursor={next}"));
    assert_eq!(ids(&page), ["t-u-2-Order Completed"]);
}
