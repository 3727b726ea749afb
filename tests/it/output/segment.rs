//! Segment's calls, taken by a collector that is compatible: our own, in another workspace.

use serde_json::json;

use super::{World, identify, sharing, text};

#[test]
fn a_compatible_collector_sees_who_is_in_an_audience_as_a_trait_and_as_events() {
    let world = World::new();
    let other = world.server.workspace("other");
    let audience = world.gold();
    let secret = json!({ "name": "write key", "value": other.write_key });
    let secret = world.post("/api/v1/destination-secrets", secret);
    let definition = json!({ "name": "S", "follows": [{ "ledger": "audience", "id": audience }],
        "fields": [{ "as": "city", "trait": "city" }],
        "target": { "kind": "segment", "url": format!("http://{}", world.server.address()), "secret": secret["id"] } });
    let destination = text(&world.post("/api/v1/destinations", definition)["id"]);
    let tested = world.post(&format!("/api/v1/destinations/{destination}/test"), json!({}));
    assert_eq!(tested["delivered"], true, "{tested}");
    world.server.dispatch();
    world.send(&[sharing("u-1"), sharing("u-2")].concat());
    world.server.clock().advance(kernel::time::MINUTE);
    world.send(&[identify("u-2", 9, json!({ "tier": "silver" }))]);
    let status = world.settled(&destination);
    assert_eq!((&status["delivered"], &status["dead"]), (&json!(3), &json!(0)));
    world.server.drain(&other);
    for (user, is_in, events) in [("u-1", true, 2), ("u-2", false, 4)] {
        let path = format!("/api/v1/parties/by/user_id/{}", world.party(user));
        let seen = world.server.get(&other.token, &path).ok();
        assert_eq!((&seen["traits"][&audience], &seen["traits"]["city"]), (&json!(is_in), &json!("临澄")));
        assert_eq!(seen["event_count"], events);
    }
}
