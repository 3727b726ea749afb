//! What is wrong with rules and audiences, told by place; and what is not there.

use serde_json::{Value, json};

use super::buyers;
use crate::api::{World, identify, track};

/// A rule, the field that is to blame, and a word of what is said.
fn wrong_rules(own: &str) -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({}), "rule", "a rule has one of"),
        (json!([]), "rule", ""),
        (json!({ "all": [{ "always": true }, { "trait": "city" }] }), "rule/all/1", "op"),
        (json!({ "trait": "city", "op": "is", "value": 1 }), "rule/op", "is"),
        (
            json!({ "event": "Paid", "window": { "last": "30" }, "op": "gte", "value": 1 }),
            "rule/window/last",
            "",
        ),
        (
            json!({ "any": [{ "trait": "points", "op": "eq", "value": "many" }] }),
            "rule/any/0/value",
            "number",
        ),
        (json!({ "trait": "city", "op": "gte", "value": 5 }), "rule/value", ""),
        (
            json!({ "event": "E", "where": [{ "property": "day", "op": "eq", "value": "x" }], "op": "gte", "value": 1 }),
            "rule/where/0/value",
            "number",
        ),
        (json!({ "all": [{ "audience": "aud_nothing" }] }), "rule/all/0/audience", "aud_nothing"),
        (json!({ "none": [{ "audience": own }] }), "rule", "ask for one another"),
    ]
}

#[test]
fn a_rule_that_is_wrong_is_refused_at_its_place_wherever_it_is_given() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "city": "临澄", "points": 7 })), track("u-1", 2, "E")]);
    let audience = world.audience("a", json!({ "always": true }));
    let other = world.audience("b", json!({ "audience": audience }));
    let explain = format!("/api/v1/parties/{}/explain", world.id("user_id:u-1"));
    let put = format!("/api/v1/audiences/{audience}");
    for (rule, field, said) in wrong_rules(&other) {
        let is_circle = said.contains("one another");
        let define = json!({ "name": "n", "rule": rule });
        let mut asks = vec![("PUT", put.as_str(), define.clone())];
        if !is_circle {
            asks.push(("POST", "/api/v1/audiences", define));
            asks.push(("POST", "/api/v1/audiences/preview", json!({ "rule": rule })));
            asks.push(("POST", &explain, json!({ "rule": rule })));
        }
        for (method, path, body) in asks {
            let answer = world.server.call(method, path).token(&world.workspace.token).json(&body).send();
            let problem = answer.json();
            assert_eq!((answer.status.as_u16(), &problem["code"]), (422, &json!("invalid")), "{path} {body}");
            assert_eq!(problem["field"], field, "{path} {body}: {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(said), "{path} {body}: {problem}");
        }
    }
    assert_eq!(world.at(&audience, "")["version"], 1);
    assert_eq!(world.get("/api/v1/audiences")["items"].as_array().unwrap().len(), 2, "nothing was made");
}

#[test]
fn what_the_workspace_has_not_seen_yet_may_be_asked_for() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "born": "1990-05-01T00:00:00Z" }))]);
    for rule in [
        json!({ "trait": "tomorrow", "op": "gte", "value": 5 }),
        json!({ "event": "New", "measure": { "sum": "total" }, "op": "gt", "value": 1 }),
        // A text may be an instant.
        json!({ "trait": "born", "op": "before", "value": "2000-01-01T00:00:00Z" }),
        json!({ "trait": "born", "op": "starts_with", "value": "1990" }),
        json!({ "all": [{ "trait": "born", "op": "before", "value": "2000-01-01T00:00:00Z" },
            { "trait": "born", "op": "contains", "value": "05" }] }),
    ] {
        world.post("/api/v1/audiences/preview", json!({ "rule": rule }));
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_changes_nothing() {
    let world = World::new();
    world.send(&[track("u-1", 1, "E")]);
    let audience = world.audience("a", json!({ "always": true }));
    let gone = world.audience("gone", json!({ "always": true }));
    let away = format!("/api/v1/audiences/{gone}");
    world.server.call("DELETE", &away).token(&world.workspace.token).send().ok();
    let (explain, preview) =
        (format!("/api/v1/parties/{}/explain", world.id("user_id:u-1")), "/api/v1/audiences/preview");
    let nobody = "/api/v1/parties/pty_00000000000000000000000000/explain";
    let rule = json!({ "always": true });
    let cases = [
        ("POST", "/api/v1/audiences", json!({ "name": " ", "rule": rule }), 422, "name"),
        ("POST", "/api/v1/audiences", json!({ "name": "字".repeat(201), "rule": rule }), 422, "name"),
        ("POST", "/api/v1/audiences", json!({ "name": "n", "rule": rule, "mode": "weekly" }), 422, "body"),
        ("POST", "/api/v1/audiences", json!({ "name": "n", "rule": rule, "colour": "red" }), 422, "body"),
        ("POST", "/api/v1/audiences", json!({ "name": "n" }), 422, "body"),
        ("POST", preview, json!({ "rule": rule, "as_of": "yesterday" }), 422, "as_of"),
        ("POST", preview, json!({ "rule": { "audience": gone } }), 422, "rule/audience"),
        ("POST", &explain, json!({}), 422, "rule"),
        ("POST", &explain, json!({ "rule": rule, "audience": audience }), 422, "rule"),
        ("POST", &explain, json!({ "audience": "aud_x" }), 422, "audience"),
        ("POST", &explain, json!({ "audience": gone }), 409, ""),
        ("POST", nobody, json!({ "rule": rule }), 404, ""),
        ("POST", "/api/v1/parties/x/explain", json!({ "rule": rule }), 404, ""),
        ("PUT", &away, json!({ "name": "n", "rule": rule }), 409, ""),
        ("DELETE", &away, json!({}), 409, ""),
        ("PUT", "/api/v1/audiences/aud_x", json!({ "name": "n", "rule": rule }), 404, ""),
        ("DELETE", "/api/v1/audiences/aud_x", json!({}), 404, ""),
        ("GET", "/api/v1/audiences?cursor=zz", json!({}), 422, "cursor"),
        ("GET", "/api/v1/audiences/aud_x/members", json!({}), 404, ""),
    ];
    for (method, path, body, status, field) in cases {
        let answer = world.server.call(method, path).token(&world.workspace.token).json(&body).send();
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{method} {path} {body}: {problem}");
    }
    assert_eq!(world.get("/api/v1/audiences")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_number_that_would_be_rounded_is_refused_and_others_are_kept_exactly() {
    let world = World::new();
    let preview = |value: &str| {
        let body = format!(r#"{{"rule":{{"trait":"n","op":"eq","value":{value}}}}}"#);
        let call = world.server.call("POST", "/api/v1/audiences/preview").token(&world.workspace.token);
        call.body(body).send().status.as_u16()
    };
    assert_eq!(["0.1", "1e3", "9007199254740993", "-2.50"].map(preview), [200; 4]);
    assert_eq!(["12345678901234567.89", "0.1234567890123456789"].map(preview), [422; 2]);
}

#[test]
fn the_audience_of_another_workspace_is_not_there() {
    let world = World::new();
    world.send(&[track("u-1", 1, "E")]);
    let audience = world.audience("a", buyers(1, json!({ "ever": true })));
    let (other, party) = (world.server.workspace("other"), world.id("user_id:u-1"));
    let path = format!("/api/v1/audiences/{audience}");
    let define = json!({ "name": "n", "rule": { "always": true } });
    let cases = [
        ("GET", path.clone(), json!({})),
        ("GET", format!("{path}/versions"), json!({})),
        ("GET", format!("{path}/members"), json!({})),
        ("GET", format!("{path}/changes"), json!({})),
        ("PUT", path.clone(), define.clone()),
        ("DELETE", path.clone(), json!({})),
        ("POST", format!("/api/v1/parties/{party}/explain"), json!({ "rule": { "always": true } })),
    ];
    for (method, path, body) in cases {
        let answer = world.server.call(method, &path).token(&other.token).json(&body).send();
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (404, &json!("not_found")),
            "{method} {path}"
        );
    }
    let nested = json!({ "rule": { "audience": audience } });
    assert_eq!(world.server.post(&other.token, "/api/v1/audiences/preview", &nested).status.as_u16(), 422);
    assert_eq!(world.server.get(&other.token, "/api/v1/audiences").ok()["items"], json!([]));
    let everybody =
        world.server.post(&other.token, "/api/v1/audiences/preview", &json!({ "rule": { "always": true } }));
    assert_eq!(everybody.ok()["count"], 0, "nobody of the first workspace is looked at");
}

#[test]
fn definitions_and_putting_away_are_in_the_audit_log() {
    let world = World::new();
    let audience = world.audience("a", json!({ "always": true }));
    let path = format!("/api/v1/audiences/{audience}");
    world.server.call("DELETE", &path).token(&world.workspace.token).send().ok();
    let audit = world.get("/api/v1/audit?limit=200");
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    let of_audiences: Vec<&&str> = actions.iter().filter(|action| action.starts_with("audience")).collect();
    assert_eq!(of_audiences, [&"audience.put", &"audience.archive"]);
}
