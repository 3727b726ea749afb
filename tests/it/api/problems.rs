//! What goes wrong is answered with a problem document (RFC 9457) and a stable code.

use headwater_tests::Answer;
use serde_json::json;

use super::{World, identify};

fn check(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}: {}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{what}");
    assert_eq!(problem["status"], status, "{what}");
    for field in ["title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
    assert_eq!(problem["field"].is_string(), code == "invalid", "{what}: {problem}");
}

#[test]
fn what_does_not_exist_is_not_found() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({}))]);
    let nobody = "pty_00000000000000000000000000";
    let paths = [
        "/nothing".to_owned(),
        "/api/v1/nothing".to_owned(),
        format!("/api/v1/parties/{nobody}"),
        format!("/api/v1/parties/{nobody}/timeline"),
        format!("/api/v1/parties/{nobody}/explain"),
        "/api/v1/parties/u-1".to_owned(),
        "/api/v1/parties/%FF".to_owned(),
        "/api/v1/parties/%F0%9F%98%80/timeline".to_owned(),
        "/api/v1/parties/by/user_id/u-2".to_owned(),
        "/api/v1/parties/by/no_such_kind/u-1".to_owned(),
        "/api/v1/parties/by/mobile/abc".to_owned(),
        "/api/v1/quarantine/00000000000000000000000000".to_owned(),
        "/api/v1/quarantine/x".to_owned(),
        "/api/v1/objects/group/x".to_owned(),
    ];
    for path in paths {
        check(&world.server.get(&world.workspace.token, &path), 404, "not_found", &path);
    }
}

#[test]
fn what_cannot_be_read_is_invalid_and_says_where() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({}))]);
    let timeline = format!("/api/v1/parties/{}/timeline", world.id("user_id:u-1"));
    let get = [
        "/api/v1/parties?limit=many".to_owned(),
        "/api/v1/parties?limit=-1".to_owned(),
        "/api/v1/parties?cursor=x".to_owned(),
        "/api/v1/quarantine?state=lost".to_owned(),
        "/api/v1/audit?order=random".to_owned(),
        format!("{timeline}?from=yesterday"),
        format!("{timeline}?to=2026-13-01T00:00:00Z"),
        format!("{timeline}?cursor=7b7d"),
        format!("{timeline}?limit=1.5"),
    ];
    for path in get {
        check(&world.server.get(&world.workspace.token, &path), 422, "invalid", &path);
    }
    let post = ["/api/v1/parties/merge", "/api/v1/identity/dry-run", "/api/v1/sources", "/api/v1/tokens"];
    for path in post {
        for body in ["{", "[1", "\u{0}", "null", "{\"parties\":7,\"id\":7,\"name\":7}"] {
            let call = world.server.call("POST", path).token(&world.workspace.token);
            check(&call.body(body).send(), 422, "invalid", &format!("{path} {body}"));
        }
    }
}

#[test]
fn a_route_asked_with_another_method_is_refused_as_a_problem() {
    let world = World::new();
    for (method, path) in
        [("DELETE", "/api/v1/pipeline"), ("PUT", "/api/v1/parties"), ("GET", "/api/v1/parties/merge")]
    {
        let answer = world.server.call(method, path).token(&world.workspace.token).send();
        assert!([404, 405].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
    }
}

#[test]
fn nobody_is_told_more_than_that_a_token_is_needed() {
    let world = World::new();
    for token in ["", "x", "hw_x_y", &world.workspace.write_key, &world.workspace.token[..90]] {
        let answer = world.server.get(token, "/api/v1/pipeline");
        check(&answer, 401, "unauthenticated", token);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let weak = world.server.token(&world.workspace, "profile:read");
    check(&world.server.get(&weak, "/api/v1/pipeline"), 403, "forbidden", "profile:read");
}
