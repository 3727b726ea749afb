//! What a party looks like, to those who may see it and to those who may see less.

use serde_json::{Value, json};

use super::{World, identifiers, identify, track};

#[test]
fn a_party_has_exactly_the_documented_shape() {
    let world = World::new();
    world.send(&[
        identify("u-1", 1, json!({ "name": "王小明", "email": "Wang@Example.com", "vip": true })),
        track("u-1", 2, "Order Completed"),
    ]);
    let party = world.party("user_id:u-1");
    assert!(party["id"].as_str().unwrap().starts_with("pty_"));
    let provenance = json!({ "source": "default", "time": "2026-06-01T08:00:00.000Z", "grade": "C", "identifier_kind": "user_id" });
    let identifier = |kind: &str, value: &str| json!({ "kind": kind, "value": value, "first_seen": "2026-06-01T08:00:00.000Z", "is_shared": false });
    let expected = json!({
        "id": party["id"],
        "identifiers": [identifier("user_id", "u-1"), identifier("email", "wang@example.com")],
        "traits": { "email": "Wang@Example.com", "name": "王小明", "vip": true },
        "provenance": { "email": provenance, "name": provenance, "vip": provenance },
        "tags": {}, "scores": {}, "stages": {},
        "event_count": 2,
        "first_seen": "2026-06-01T08:00:00.000Z",
        "last_seen": "2026-06-02T09:00:00.000Z",
    });
    assert_eq!(party, expected);
    let id = party["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/api/v1/parties/{id}")), expected);
    assert_eq!(world.get("/api/v1/parties"), json!({ "items": [expected], "next": null }));
}

#[test]
fn an_identifier_is_found_in_any_form_that_normalises_to_it() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "phone": "+86 138-0013-8000", "email": "Wang@Example.com" }))]);
    let id = world.id("user_id:u-1");
    for form in [
        "mobile:13800138000",
        "mobile:+8613800138000",
        "mobile:１３８ ００１３ ８０００",
        "email: WANG@EXAMPLE.COM ",
    ] {
        assert_eq!(world.id(form), id, "{form}");
    }
}

#[test]
fn without_the_permission_personal_data_is_masked_everywhere() {
    let world = World::new();
    let personal = json!({ "name": "王小明", "email": "wang@example.com", "phone": "13800138000", "plan": "gold",
        "address": { "city": "上海", "street": "南京东路 1 号" } });
    world.send(&[identify("user-1001", 1, personal)]);
    let wrong = identify("user-1001", 2, json!({ "phone": "1380013800" }));
    world.server.collect(&world.workspace, &[wrong]);
    let token = world.server.token(&world.workspace, "profile:read pipeline:read identity:read");
    let get = |path: &str| world.server.get(&token, path).ok();
    let party = get("/api/v1/parties/by/user_id/user-1001");
    let masked = ["user_id:*******01", "mobile:*********00", "email:w***@example.com"];
    assert_eq!(identifiers(&party), masked);
    assert_eq!(party["traits"]["name"], "王**");
    assert_eq!(party["traits"]["plan"], "gold");
    let id = party["id"].as_str().unwrap();
    let answers = [
        party.clone(),
        get("/api/v1/parties"),
        get("/api/v1/parties?q=wxm"),
        get(&format!("/api/v1/parties/{id}/timeline")),
        get(&format!("/api/v1/parties/{id}/explain")),
        get("/api/v1/identity/contested"),
        get("/api/v1/quarantine"),
        get("/api/v1/events/recent"),
    ];
    for answer in answers {
        let text = answer.to_string();
        for secret in ["王小明", "小明", "13800138000", "1380013800", "wang@example.com", "南京东路"]
        {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert_eq!(get("/api/v1/parties?q=wxm")["items"][0]["id"], id, "finding is not seeing");
    let item = &get(&format!("/api/v1/parties/{id}/timeline"))["items"][0];
    assert_eq!((&item["message"], &item["context"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_first_holder_of_a_recycled_number_keeps_id_and_past() {
    let world = World::new();
    let seen = |id: &str, name: &str, time: &str, more: Value| {
        let mut event = json!({ "type": "identify", "messageId": id, "timestamp": time,
            "traits": { "name": name, "phone": "13800138000" } });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    // The number is the oldest identifier of its first holder, and so what the id is made of.
    world.send(&[
        seen("m-1", "王伟", "2025-01-01T08:00:00.000Z", json!({ "anonymousId": "a-1" })),
        seen("m-2", "王伟", "2025-01-02T08:00:00.000Z", json!({ "userId": "u-1" })),
    ]);
    let first = world.id("mobile:13800138000");
    world.send(&[seen("m-3", "李芳", "2026-06-01T08:00:00.000Z", json!({ "userId": "u-2" }))]);
    let (one, two) = (world.party("user_id:u-1"), world.party("user_id:u-2"));
    assert_eq!(one["id"], first);
    assert_ne!(two["id"], first);
    assert_eq!(world.id("mobile:13800138000"), two["id"], "whose the number is today");
    for party in [&one, &two] {
        let id = party["id"].as_str().unwrap();
        assert_eq!(world.get(&format!("/api/v1/parties/{id}")), *party, "an id leads to its own party");
        let timeline = world.get(&format!("/api/v1/parties/{id}/timeline"));
        assert_eq!(party["event_count"], timeline["items"].as_array().unwrap().len());
    }
    assert_eq!(world.get("/api/v1/parties")["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.get("/api/v1/pipeline")["parties"], 2);
}

#[test]
fn what_a_device_did_long_before_its_user_came_stays_on_a_listed_party() {
    let world = World::new();
    let at = |id: &str, time: &str, user: Option<&str>| json!({ "type": "track", "messageId": id, "event": "Seen", "anonymousId": "a-1", "userId": user, "timestamp": time });
    world.send(&[at("m-1", "2026-01-01T08:00:00.000Z", None), at("m-2", "2026-05-01T08:00:00.000Z", None)]);
    let visitor = world.id("anonymous_id:a-1");
    world.send(&[at("m-3", "2026-06-01T08:00:00.000Z", Some("u-1"))]);
    let user = world.party("user_id:u-1");
    assert_eq!(user["event_count"], 2, "the ninety days before the login are the user's");
    let page = world.get("/api/v1/parties");
    let counts: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|p| &p["event_count"]).collect();
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 3, "{page}");
    let rest = world.get(&format!("/api/v1/parties/{visitor}"));
    assert_eq!(rest["event_count"], 1, "{rest}");
    assert_eq!(world.id("anonymous_id:a-1"), user["id"], "whose the cookie is today");
}

#[test]
fn the_id_of_a_visitor_leads_to_the_user_it_turned_out_to_be() {
    let world = World::new();
    let seen = |id: &str, user: Option<&str>| {
        json!({ "type": "track", "messageId": id, "event": "Seen", "anonymousId": "a-1", "userId": user,
            "timestamp": format!("2026-06-0{}T08:00:00.000Z", &id[2..]) })
    };
    world.send(&[seen("m-1", None)]);
    let visitor = world.id("anonymous_id:a-1");
    world.send(&[seen("m-2", Some("u-1"))]);
    let user = world.party("user_id:u-1");
    assert_eq!(world.get(&format!("/api/v1/parties/{visitor}")), user);
    assert_eq!(user["event_count"], 2);
    assert_eq!(world.get("/api/v1/parties")["items"], json!([user]));
}
