//! The OpenAPI document: it lists every route, and a client can be generated from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::World;

fn document(world: &World) -> Value {
    let answer = world.server.call("GET", "/api/v1/openapi.json").send();
    assert_eq!(answer.header("content-type"), "application/json");
    answer.ok()
}

/// Every operation as `METHOD path`.
fn operations(document: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.insert(format!("{} {path}", method.to_uppercase()), operation.clone());
        }
    }
    found
}

#[test]
fn the_document_lists_exactly_the_routes_there_are() {
    let world = World::new();
    let (_, guarded) = world.server.server().api();
    let routes: BTreeSet<String> =
        guarded.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let open = BTreeSet::from(["POST /api/v1/events".to_owned()]); // Asks for a write key.
    let routes: BTreeSet<String> = routes.union(&open).cloned().collect();
    let listed: BTreeSet<String> = operations(&document(&world)).into_keys().collect();
    assert_eq!(listed, routes);
}

#[test]
fn every_operation_has_an_id_a_tag_a_summary_a_success_a_problem_and_a_security_scheme() {
    let world = World::new();
    let document = document(&world);
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}: `{id}`");
        assert!(ids.insert(id.to_owned()), "{name}: `{id}` is taken");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        let responses = operation["responses"].as_object().unwrap();
        let success = responses.iter().find(|(status, _)| status.starts_with('2'));
        let schema =
            &success.unwrap_or_else(|| panic!("{name} has no success")).1["content"]["application/json"];
        assert!(schema["schema"].is_object(), "{name} says nothing of its answer");
        let says = |status: &str| responses.contains_key(status);
        assert!(says("default") || says("400") && says("401"), "{name} says nothing of problems");
        let scheme = operation["security"][0].as_object().and_then(|s| s.keys().next().cloned());
        let scheme = scheme.unwrap_or_else(|| panic!("{name} is not secured"));
        assert!(document["components"]["securitySchemes"][&scheme].is_object(), "{name}: {scheme}");
    }
}

#[test]
fn the_document_is_well_formed() {
    let world = World::new();
    let document = document(&world);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    for (name, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut in_path = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for parameter in &parameters {
            let (place, called) = (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap());
            assert!(seen.insert((place, called)), "{name}: {called} twice");
            assert!(["path", "query"].contains(&place), "{name}: {called} in {place}");
            assert!(parameter["schema"].is_object(), "{name}: {called} has no schema");
            assert!(
                parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {called}"
            );
            if place == "path" {
                assert_eq!(parameter["required"], true, "{name}: {called}");
                in_path.insert(called);
            }
        }
        let path = name.split_once(' ').unwrap().1;
        let expected: BTreeSet<&str> =
            path.split('{').skip(1).map(|part| part.split_once('}').unwrap().0).collect();
        assert_eq!(in_path, expected, "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].is_string(), "{name} {status}");
        }
        let body = &operation["requestBody"];
        assert!(body.is_null() || body["content"]["application/json"]["schema"].is_object(), "{name}");
    }
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some_and(Value::is_object), "{reference} leads nowhere");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_a_schema = ["type", "oneOf", "allOf", "anyOf", "$ref", "enum"];
        assert!(is_a_schema.iter().any(|keyword| !schema[keyword].is_null()), "{name}: {schema}");
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(schema["properties"][required.as_str().unwrap()].is_object(), "{name}: {required}");
        }
    }
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|inner| collect_references(inner, into));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect_references(inner, into)),
        _ => {}
    }
}

#[test]
fn the_command_prints_the_document_the_server_shows() {
    let world = World::new();
    let printed = headwater::command::openapi::document().unwrap().to_pretty_json().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), document(&world));
}

#[test]
fn answers_have_the_members_the_document_promises() {
    let world = World::new();
    world.send(&[super::identify("u-1", 1, serde_json::json!({ "name": "王小明" }))]);
    let document = document(&world);
    let id = world.id("user_id:u-1");
    let everybody = serde_json::json!({ "name": "all", "rule": { "always": true } });
    let made = world.post("/api/v1/audiences", everybody);
    let audience = format!("/api/v1/audiences/{}", made["id"].as_str().unwrap());
    let tag = serde_json::json!({ "key": "all", "name": "all", "kind": "rule", "value_type": "boolean",
                                  "rule": { "always": true } });
    world.server.put(&world.workspace.token, "/api/v1/tags/all", &tag).ok();
    world.settle();
    let answers = [
        ("GET /api/v1/pipeline", "/api/v1/pipeline".to_owned()),
        ("GET /api/v1/events/recent", "/api/v1/events/recent".to_owned()),
        ("GET /api/v1/parties", "/api/v1/parties".to_owned()),
        ("GET /api/v1/parties/{id}", format!("/api/v1/parties/{id}")),
        ("GET /api/v1/parties/{id}/timeline", format!("/api/v1/parties/{id}/timeline")),
        ("GET /api/v1/parties/{id}/explain", format!("/api/v1/parties/{id}/explain")),
        ("GET /api/v1/identity/rules", "/api/v1/identity/rules".to_owned()),
        ("GET /api/v1/audiences", "/api/v1/audiences".to_owned()),
        ("GET /api/v1/audiences/{id}", audience.clone()),
        ("GET /api/v1/audiences/{id}/versions", format!("{audience}/versions")),
        ("GET /api/v1/audiences/{id}/members", format!("{audience}/members")),
        ("GET /api/v1/audiences/{id}/changes", format!("{audience}/changes")),
        ("GET /api/v1/tags", "/api/v1/tags".to_owned()),
        ("GET /api/v1/tags/{key}", "/api/v1/tags/all".to_owned()),
        ("GET /api/v1/tags/{key}/versions", "/api/v1/tags/all/versions".to_owned()),
        ("GET /api/v1/tags/{key}/lineage", "/api/v1/tags/all/lineage".to_owned()),
        ("GET /api/v1/tags/{key}/changes", "/api/v1/tags/all/changes".to_owned()),
        ("GET /api/v1/parties/{id}/tags", format!("/api/v1/parties/{id}/tags")),
        ("GET /api/v1/plan", "/api/v1/plan".to_owned()),
        ("GET /api/v1/sources", "/api/v1/sources".to_owned()),
        ("GET /api/v1/tokens", "/api/v1/tokens".to_owned()),
        ("GET /api/v1/audit", "/api/v1/audit".to_owned()),
    ];
    let operations = operations(&document);
    for (operation, path) in answers {
        let schema = &operations[operation]["responses"]["200"]["content"]["application/json"]["schema"];
        fits(&document, schema, &world.get(&path), operation);
    }
    let posts = [
        ("/api/v1/identity/dry-run", world.get("/api/v1/identity/rules")["rules"].clone()),
        ("/api/v1/audiences/preview", serde_json::json!({ "rule": { "always": true } })),
    ];
    for (path, body) in posts {
        let operation = format!("POST {path}");
        let schema = &operations[&operation]["responses"]["200"]["content"]["application/json"]["schema"];
        fits(&document, schema, &world.post(path, body), &operation);
    }
    let report = world.server.collect(&world.workspace, &[super::track("u-1", 2, "E")]);
    let operation = "POST /api/v1/events";
    let schema = &operations[operation]["responses"]["200"]["content"]["application/json"]["schema"];
    fits(&document, schema, &report, operation);
}

/// Whether a value has the members of a schema, and no others; as far as plain schemas go.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    };
    let is_named = |name: &str| {
        schema["type"] == name || schema["type"].as_array().is_some_and(|l| l.contains(&name.into()))
    };
    match value {
        Value::Object(map) if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().unwrap();
            for (name, inner) in map {
                let of = properties.get(name).unwrap_or_else(|| panic!("{at}: `{name}` is not documented"));
                fits(document, of, inner, &format!("{at}.{name}"));
            }
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(map.contains_key(required.as_str().unwrap()), "{at}: {required} is missing");
            }
        }
        Value::Array(list) if schema["items"].is_object() => {
            list.iter().for_each(|inner| fits(document, &schema["items"], inner, &format!("{at}[]")));
        }
        Value::String(_) => {
            assert!(is_named("string") || schema["type"].is_null(), "{at}: {value} is {schema}")
        }
        Value::Number(_) => assert!(is_named("integer") || is_named("number"), "{at}: {value} is {schema}"),
        Value::Bool(_) => {
            assert!(is_named("boolean") || schema["type"].is_null(), "{at}: {value} is {schema}")
        }
        _ => {}
    }
}
