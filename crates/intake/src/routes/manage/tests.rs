//! Quarantine, plan and objects over real databases: two workspaces, and tokens that see more or less.

mod quarantine;
mod world;

use serde_json::{Value, json};
use utoipa::OpenApi;
use web::Api;

use crate::store::object::{ObjectFact, object_merge};
use world::{Document, NOW, World};

#[tokio::test]
async fn a_property_gets_its_type_through_the_log_and_is_listed_with_it() {
    let world = World::new();
    let line = "PUT /api/v1/plan/Order%20Paid/a%2Fb";
    let set = world.ok(line, json!({ "kind": "any" })).await;
    let expected = json!({
        "event": "Order Paid", "property": "a/b", "kind": "any", "status": "planned",
        "first_seen": NOW.to_string(),
    });
    assert_eq!(set, expected);
    assert_eq!(world.pipe.commands.lock().as_slice(), ["plan.set"]);
    world.ok("PUT /api/v1/plan/$profile/phone", json!({ "kind": "text" })).await;

    let first = world.ok("GET /api/v1/plan?limit=1", json!({})).await;
    assert_eq!(first["items"][0]["event"], "$profile");
    let next = format!("GET /api/v1/plan?cursor={}", first["next"].as_str().unwrap());
    assert_eq!(world.ok(&next, json!({})).await, json!({ "items": [expected], "next": null }));
    let (_, theirs) = world.call(&world.stranger, "GET /api/v1/plan", "").await;
    assert_eq!(theirs["items"], json!([]));
}

#[tokio::test]
async fn a_type_that_is_none_is_refused_before_it_reaches_the_log() {
    let world = World::new();
    let long = format!("PUT /api/v1/plan/E/{}", "p".repeat(401));
    for (line, body, field) in [
        ("PUT /api/v1/plan/E/p", r#"{"kind":"colour"}"#, "kind"),
        ("PUT /api/v1/plan/E/p", "{}", "body"),
        ("PUT /api/v1/plan/E/p", r#"{"kind":"any","status":"planned"}"#, "body"),
        ("PUT /api/v1/plan/E/p%00", r#"{"kind":"any"}"#, "property"),
        (&long, r#"{"kind":"any"}"#, "property"),
    ] {
        let (status, answer) = world.call(&world.owner, line, body).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{line} {body}: {answer}");
    }
    let (status, _) = world.call(&world.reader, "PUT /api/v1/plan/E/p", r#"{"kind":"any"}"#).await;
    assert_eq!(status, 403);
    assert!(world.pipe.commands.lock().is_empty());
}

#[tokio::test]
async fn an_object_shows_the_latest_value_of_each_field_and_only_in_its_workspace() {
    let world = World::new();
    let fact = |field: &str, value: &str, micros| ObjectFact {
        kind: "item:product".to_owned(),
        id: "p/1".to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        at: NOW.plus(micros),
        key: kernel::Key([1; 16]),
    };
    let facts = [fact("price", "12.50", 0), fact("price", "9.90", -1), fact("tags", r#"["a"]"#, 1_000_000)];
    let (pool, scope) = world.first();
    pool.write(|tx| object_merge(&scope, tx, &facts)).unwrap();
    let line = "GET /api/v1/objects/item:product/p%2F1";
    let (status, text) = world.text(&world.reader, line, "").await;
    assert_eq!(status, 200);
    assert!(text.contains(r#""price":12.50"#), "a number keeps its digits: {text}");
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["updated_at"], NOW.plus(1_000_000).to_string());
    assert_eq!(shown["fields"]["tags"], json!(["a"]));
    assert_eq!(world.call(&world.stranger, line, "").await.0, 404);
    assert_eq!(world.call(&world.reader, "GET /api/v1/objects/group/p%2F1", "").await.0, 404);
}

#[tokio::test]
async fn every_operation_is_documented_with_its_problems_and_needs_a_token() {
    let world = World::new();
    let auth = std::sync::Arc::new(world.installation.clone());
    let (_, document, guarded) = super::routes(Api::new(auth, Document::openapi())).finish();
    assert_eq!(guarded.len(), 9);
    let document = serde_json::to_value(&document).unwrap();
    for route in guarded {
        let operation = &document["paths"][&route.path][route.method.to_lowercase()];
        let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"];
        assert_eq!(problem["$ref"], "#/components/schemas/ProblemDocument", "{}", route.path);
        assert!(operation["summary"].is_string(), "{}", route.path);
        let line = format!("{} {}", route.method, route.path.replace(['{', '}'], ""));
        assert_eq!(world.call("hw_no_token", &line, "").await.0, 401, "{line}");
    }
    assert!(document["components"]["schemas"]["ProblemDocument"].is_object());
}
