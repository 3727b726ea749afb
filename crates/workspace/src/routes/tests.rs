//! The API of a workspace over real databases: two workspaces, and tokens of different power.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use db::{Location, Store};
use kernel::id::IdSource;
use kernel::scope::Permissions;
use kernel::time::{Clock, DAY};
use kernel::{Instant, WorkspaceNo};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::OpenApi;
use web::Api;

use crate::store::token::{NewToken, token_create};
use crate::store::workspace::{NewWorkspace, workspace_create};
use crate::{Installation, credential};

const NOW: Instant = Instant(1_795_285_800_000_000);

/// A clock turned by hand, and ids that count.
struct Machine {
    now: AtomicI64,
    next: AtomicU64,
}

impl Clock for Machine {
    fn now(&self) -> Instant {
        Instant(self.now.load(Relaxed))
    }
}

impl IdSource for Machine {
    fn fresh(&self) -> [u8; 16] {
        u128::from(self.next.fetch_add(1, Relaxed)).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        credential::hash(&self.next.fetch_add(1, Relaxed).to_string())
    }
}

#[derive(OpenApi)]
struct Document;

struct World {
    _directory: tempfile::TempDir,
    machine: Arc<Machine>,
    installation: Installation,
    owner: String,
    reader: String,
    stranger: String,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Directory(directory.path().to_owned())).unwrap();
        let machine = Arc::new(Machine { now: AtomicI64::new(NOW.0), next: AtomicU64::new(1) });
        let pool = store.installation().unwrap();
        let token = |workspace, scopes: &str| {
            let token = credential::token(&machine.fresh(), &machine.secret());
            let permissions = Permissions::parse(scopes).unwrap();
            let new = NewToken { workspace, name: "test", permissions, expires: None };
            pool.write(|tx| token_create(tx, &token, &new, NOW)).unwrap();
            token.text
        };
        let create = |name| {
            let new =
                NewWorkspace { name, secret: machine.secret(), partitions: 1, time_zone: "Asia/Shanghai" };
            pool.write(|tx| workspace_create(tx, &new, NOW)).unwrap().no
        };
        let (first, second) = (create("first"), create("second"));
        let owner = token(first, "workspace:read workspace:write profile:read");
        let reader = token(first, "workspace:read");
        let stranger = token(second, "all");
        let installation = Installation::open(store, machine.clone(), machine.clone()).unwrap();
        Self { _directory: directory, machine, installation, owner, reader, stranger }
    }

    async fn call(&self, token: &str, line: &str, body: &str) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let auth = Arc::new(self.installation.clone());
        let (router, ..) = super::routes(Api::new(auth, Document::openapi())).finish();
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = router.with_state(self.installation.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{line}: {e}: {bytes:?}")))
    }

    async fn ok(&self, line: &str, body: Value) -> Value {
        let (status, answer) = self.call(&self.owner, line, &body.to_string()).await;
        assert_eq!(status, 200, "{line}: {answer}");
        answer
    }

    /// `action subject` of every audit entry, oldest first.
    async fn audited(&self) -> Vec<String> {
        let log = self.ok("GET /api/v1/audit", json!({})).await;
        let line =
            |e: &Value| format!("{} {}", e["action"].as_str().unwrap(), e["subject"].as_str().unwrap());
        log["items"].as_array().unwrap().iter().map(line).collect()
    }
}

#[tokio::test]
async fn the_workspace_is_the_callers_and_shows_no_secret() {
    let world = World::new();
    let mine = world.ok("GET /api/v1/workspace", json!({})).await;
    assert_eq!(mine, json!({ "id": 1, "name": "first", "partitions": 1, "time_zone": "Asia/Shanghai" }));
    let (_, theirs) = world.call(&world.stranger, "GET /api/v1/workspace", "").await;
    assert_eq!(theirs["name"], "second");
}

#[tokio::test]
async fn a_source_is_found_by_the_key_that_was_shown_once_until_the_key_is_replaced() {
    let world = World::new();
    let wanted = json!({
        "id": "web", "origins": ["https://Shop.example/"], "events_per_second": 50, "priority": -2,
        "grade": "B", "sensors_project": "default",
    });
    let made = world.ok("POST /api/v1/sources", wanted).await;
    let first = made["write_key"].as_str().unwrap().to_owned();
    let found = world.installation.source_by_write_key(&first).unwrap();
    assert_eq!(
        (found.id.as_str(), found.events_per_second, found.priority, found.grade),
        ("web", 50, -2, 'B')
    );
    assert_eq!(found.origins, ["https://shop.example"]);
    assert_eq!(world.installation.source_by_project("default").unwrap().no, found.no);

    let rotated = world.ok("POST /api/v1/sources/web/rotate_key", json!({})).await;
    let second = rotated["write_key"].as_str().unwrap();
    assert!(world.installation.source_by_write_key(&first).is_none(), "the old key still works");
    assert_eq!(world.installation.source_by_write_key(second).unwrap().no, found.no);

    let change = json!({ "is_enabled": false, "origins": [] });
    let changed = world.ok("PATCH /api/v1/sources/web", change).await;
    assert_eq!((&changed["is_enabled"], &changed["origins"]), (&json!(false), &json!([])));
    assert_eq!(changed["events_per_second"], 50, "what is absent stays");
    assert!(!world.installation.source_by_write_key(second).unwrap().is_enabled);

    let listed = world.ok("GET /api/v1/sources", json!({})).await;
    assert!(!listed.to_string().contains("key"), "no list shows a key: {listed}");
    let expected = ["source.create web", "source.rotate_key web", "source.update web"];
    assert_eq!(world.audited().await, expected);
    let log = world.ok("GET /api/v1/audit", json!({})).await.to_string();
    assert!(!log.contains(&first) && !log.contains(second), "the audit log holds a key");
}

#[tokio::test]
async fn what_a_source_is_found_by_cannot_be_taken_from_another_workspace() {
    let world = World::new();
    let wanted = r#"{"id":"web","write_key":"WRITE_KEY_ONE","sensors_project":"default"}"#;
    assert_eq!(world.call(&world.stranger, "POST /api/v1/sources", wanted).await.0, 200);
    for (body, status) in [
        (r#"{"id":"pos","write_key":"WRITE_KEY_ONE"}"#, 409),
        (r#"{"id":"pos","sensors_project":"default"}"#, 409),
        (r#"{"id":"web"}"#, 200),
        (r#"{"id":"web"}"#, 409),
    ] {
        let (answered, answer) = world.call(&world.owner, "POST /api/v1/sources", body).await;
        assert_eq!(answered, status, "{body}: {answer}");
        assert!(status == 200 || !answer.to_string().contains("second"), "tells whose it is: {answer}");
    }
    let owner = world.installation.source_by_project("default").unwrap().workspace;
    assert_eq!(owner, WorkspaceNo(2));
    let audited = world.audited().await;
    assert_eq!(audited.iter().filter(|line| line.starts_with("source.create.failed")).count(), 3);
}

#[tokio::test]
async fn ids_of_another_workspace_do_not_exist() {
    let world = World::new();
    assert_eq!(world.call(&world.stranger, "POST /api/v1/sources", r#"{"id":"theirs"}"#).await.0, 200);
    let (_, tokens) = world.call(&world.stranger, "GET /api/v1/tokens", "").await;
    let theirs = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    for (line, body) in [
        ("PATCH /api/v1/sources/theirs", r#"{"is_enabled":false}"#),
        ("POST /api/v1/sources/theirs/rotate_key", ""),
        (&format!("DELETE /api/v1/tokens/{theirs}"), ""),
        ("DELETE /api/v1/tokens/nonsense", ""),
        ("PATCH /api/v1/sources/%FF", r#"{"is_enabled":false}"#),
    ] {
        let (status, answer) = world.call(&world.owner, line, body).await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{line}");
    }
    assert!(world.audited().await.is_empty(), "an id that is none is not written into the log");
    let mine = world.ok("GET /api/v1/sources", json!({})).await;
    assert_eq!(mine["items"], json!([]));
    assert!(world.call(&world.stranger, "GET /api/v1/workspace", "").await.0 == 200, "still valid");
}

#[tokio::test]
async fn wrong_input_names_the_field() {
    let world = World::new();
    world.ok("POST /api/v1/sources", json!({ "id": "web" })).await;
    let before = world.audited().await;
    for (line, body, field) in [
        ("POST /api/v1/sources", r#"{"id":"Web"}"#, "id"),
        ("POST /api/v1/sources", r#"{"id":"a","write_key":"a:b"}"#, "write_key"),
        ("POST /api/v1/sources", r#"{"id":"a","grade":"E"}"#, "grade"),
        ("POST /api/v1/sources", r#"{"id":"a","sensors_project":""}"#, "sensors_project"),
        ("POST /api/v1/sources", r#"{"id":"a","origins":["https://a","b c"]}"#, "origins[1]"),
        ("POST /api/v1/sources", r#"{"id":"a","secret":1}"#, "body"),
        ("POST /api/v1/sources", r#"{"id":"a","events_per_second":-1}"#, "body"),
        ("POST /api/v1/sources", "", "body"),
        ("PATCH /api/v1/sources/web", "{}", "body"),
        ("PATCH /api/v1/sources/web", r#"{"grade":""}"#, "grade"),
        ("POST /api/v1/tokens", r#"{"name":" ","scopes":["profile:read"]}"#, "name"),
        ("POST /api/v1/tokens", r#"{"name":"a","scopes":[]}"#, "scopes"),
        ("POST /api/v1/tokens", r#"{"name":"a","scopes":["profile:write"]}"#, "scopes"),
        (
            "POST /api/v1/tokens",
            r#"{"name":"a","scopes":["profile:read"],"expires_at":"soon"}"#,
            "expires_at",
        ),
        (
            "POST /api/v1/tokens",
            r#"{"name":"a","scopes":["profile:read"],"expires_at":"2020-01-01T00:00:00Z"}"#,
            "expires_at",
        ),
        ("GET /api/v1/audit?cursor=zz", "", "cursor"),
        ("GET /api/v1/audit?limit=many", "", "query"),
        ("GET /api/v1/audit?order=random", "", "query"),
    ] {
        let (status, answer) = world.call(&world.owner, line, body).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{line} {body}: {answer}");
    }
    assert_eq!(world.audited().await, before, "a request that is not valid changes nothing");
}

#[tokio::test]
async fn a_token_works_until_it_expires_or_is_revoked_and_is_listed_without_its_secret() {
    let world = World::new();
    let expires = NOW.plus(DAY).to_string();
    let wanted = json!({ "name": "看板", "scopes": ["workspace:read"], "expires_at": expires });
    let made = world.ok("POST /api/v1/tokens", wanted.clone()).await;
    let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(world.call(text, "GET /api/v1/sources", "").await.0, 200);
    assert_eq!(world.call(text, "POST /api/v1/sources", r#"{"id":"a"}"#).await.0, 403);

    let listed = world.ok("GET /api/v1/tokens?limit=2", json!({})).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let next = format!("GET /api/v1/tokens?cursor={}", listed["next"].as_str().unwrap());
    let rest = world.ok(&next, json!({})).await;
    let expected = json!({
        "id": id, "name": "看板", "scopes": ["workspace:read"], "created_at": NOW.to_string(),
        "expires_at": expires, "revoked_at": null,
    });
    assert_eq!((&rest["items"], &rest["next"]), (&json!([expected]), &Value::Null));

    let gone = world.ok(&format!("DELETE /api/v1/tokens/{id}"), json!({})).await;
    assert_eq!(gone["revoked_at"], NOW.to_string());
    world.ok(&format!("DELETE /api/v1/tokens/{id}"), json!({})).await;
    // For five seconds a token that was just proved is believed.
    world.machine.now.fetch_add(6_000_000, Relaxed);
    assert_eq!(world.call(text, "GET /api/v1/sources", "").await.0, 401);

    let made = world.ok("POST /api/v1/tokens", wanted).await;
    world.machine.now.fetch_add(DAY, Relaxed);
    let text = made["token"].as_str().unwrap();
    assert_eq!(world.call(text, "GET /api/v1/sources", "").await.0, 401, "it has expired");
    let actions: Vec<String> =
        world.audited().await.iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(actions, ["token.create", "token.revoke", "token.create"], "revoking twice is one act");
}

#[tokio::test]
async fn nobody_gives_away_more_than_they_have() {
    let world = World::new();
    for scopes in [json!(["personal:read"]), json!(["profile:read", "event:write"]), json!(["all"])] {
        let body = json!({ "name": "more", "scopes": scopes }).to_string();
        let (status, answer) = world.call(&world.owner, "POST /api/v1/tokens", &body).await;
        assert_eq!((status, &answer["code"]), (403, &json!("forbidden")), "{scopes}");
    }
    let line = "POST /api/v1/tokens";
    let (status, _) = world.call(&world.reader, line, r#"{"name":"a","scopes":["workspace:read"]}"#).await;
    assert_eq!(status, 403, "reading is not writing");
    assert!(world.audited().await.is_empty());
}

#[tokio::test]
async fn the_audit_log_pages_both_ways_and_names_the_first_entry_that_was_changed() {
    let world = World::new();
    for id in ["a", "b", "c"] {
        world.ok("POST /api/v1/sources", json!({ "id": id })).await;
    }
    for (order, expected) in [("oldest", [1, 2, 3]), ("newest", [3, 2, 1])] {
        let first = world.ok(&format!("GET /api/v1/audit?limit=2&order={order}"), json!({})).await;
        let next = first["next"].as_str().unwrap();
        let line = format!("GET /api/v1/audit?limit=2&order={order}&cursor={next}");
        let second = world.ok(&line, json!({})).await;
        assert_eq!(second["next"], Value::Null);
        let items = [first["items"].as_array().unwrap().clone(), second["items"].as_array().unwrap().clone()];
        let numbers: Vec<i64> = items.concat().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
        assert_eq!(numbers, expected, "{order}");
    }
    let line = "GET /api/v1/audit/verify";
    assert_eq!(world.ok(line, json!({})).await, json!({ "is_intact": true, "first_wrong_seq": null }));
    let pool = world.installation.store().workspace(WorkspaceNo(1)).unwrap();
    let sql = "update audit set subject = 'x' where workspace_id = 1 and seq = 2";
    pool.write(|tx| tx.execute(sql, &[])).unwrap();
    assert_eq!(world.ok(line, json!({})).await, json!({ "is_intact": false, "first_wrong_seq": 2 }));
}

#[tokio::test]
async fn every_operation_is_documented_with_its_problems_and_needs_a_token() {
    let world = World::new();
    let auth = Arc::new(world.installation.clone());
    let (_, document, guarded) = super::routes(Api::new(auth, Document::openapi())).finish();
    assert_eq!(guarded.len(), 10);
    let document = serde_json::to_value(&document).unwrap();
    for route in guarded {
        let operation = &document["paths"][&route.path][route.method.to_lowercase()];
        let problem = &operation["responses"]["default"]["content"]["application/problem+json"]["schema"];
        assert_eq!(problem["$ref"], "#/components/schemas/ProblemDocument", "{}", route.path);
        assert!(operation["summary"].is_string(), "{}", route.path);
        let line = format!("{} {}", route.method, route.path.replace("{id}", "web"));
        assert_eq!(world.call("hw_no_token", &line, "").await.0, 401, "{line}");
    }
    assert!(document["components"]["schemas"]["ProblemDocument"].is_object());
}
