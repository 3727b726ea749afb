//! What real SDKs were seen to send, replayed over HTTP and looked for through the public API.
//!
//! A request that its SDK had answered with 200 must be accepted here, and every message in it must be
//! on exactly one timeline as it was sent. What SDKs send again counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use headwater_tests::{Answer, TestServer, TestWorkspace, encoded, pages};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

const SDKS: [&str; 6] = [
    "rudder-sdk-node",
    "segment-analytics-next",
    "segment-analytics-node",
    "segment-analytics-python",
    "sensors-python",
    "sensors-web",
];

/// One captured request.
struct Captured {
    name: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    messages: Vec<Value>,
}

/// The requests of an SDK that were answered with 200.
fn captured(sdk: &str) -> Vec<Captured> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sdk").join(sdk);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut list = Vec::new();
    for file in files {
        let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let scenario = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (no, request) in document["requests"].as_array().into_iter().flatten().enumerate() {
            if request["answered"] == 200 {
                list.push(one(format!("{sdk}/{scenario} #{no}"), request));
            }
        }
    }
    assert!(!list.is_empty(), "{sdk}: no requests");
    list
}

fn one(name: String, request: &Value) -> Captured {
    let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
    let query = text("query");
    let is_dry = text("path") == "/debug";
    let messages = request["messages"].as_array().filter(|_| !is_dry).cloned().unwrap_or_default();
    let body = match request["body_base64"].as_str() {
        Some(packed) => unpacked(packed),
        None => text("body").into_bytes(),
    };
    let pair = |h: &Value| (h[0].as_str().unwrap().to_owned(), h[1].as_str().unwrap().to_owned());
    Captured {
        name,
        method: text("method"),
        target: if query.is_empty() { text("path") } else { format!("{}?{query}", text("path")) },
        headers: request["headers"].as_array().unwrap().iter().map(pair).collect(),
        body,
        messages,
    }
}

fn unpacked(base64: &str) -> Vec<u8> {
    let mut bits = 0u32;
    let mut bytes = Vec::new();
    for (i, c) in base64.bytes().filter(|c| *c != b'=').enumerate() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(digit);
        if i % 4 > 0 {
            bytes.push((bits >> (6 - 2 * (i % 4))) as u8);
        }
    }
    bytes
}

/// A server on the day after the fixtures were captured.
fn server() -> (TestServer, TestWorkspace) {
    let server = TestServer::on("2026-11-22");
    let workspace = server.workspace_with_key("sdk", Some("WRITE_KEY_DEMO"), Some("default"));
    server.source_with_key(&workspace, "sensors", "TOKEN_DEMO");
    (server, workspace)
}

/// Sends requests over a real connection, as they were captured but for what HTTP does by itself.
fn replay(server: &TestServer, workspace: &TestWorkspace, requests: &[Captured]) {
    let client = reqwest::Client::new();
    let address = server.address();
    for request in requests {
        let url = format!("http://{address}{}", request.target);
        let mut sent = client.request(request.method.parse().unwrap(), url).body(request.body.clone());
        for (name, value) in &request.headers {
            if !["host", "content-length", "connection"].contains(&name.to_lowercase().as_str()) {
                let name: HeaderName = name.parse().unwrap();
                sent = sent.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        let answer = server.tokio().block_on(async {
            let answer = sent.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap_or_default())
        });
        let is_good = answer.0 == 200 || answer.0 == 204 && request.method == "OPTIONS";
        assert!(is_good, "{}: {} {}", request.name, answer.0, answer.1);
    }
    server.drain(workspace);
}

/// Every item of every timeline.
fn items(server: &TestServer, workspace: &TestWorkspace) -> Vec<Value> {
    let token = &workspace.token;
    let mut items = Vec::new();
    for party in pages(server, token, "/api/v1/parties") {
        let id = party["id"].as_str().unwrap();
        let timeline = pages(server, token, &format!("/api/v1/parties/{id}/timeline"));
        assert_eq!(party["event_count"], timeline.len(), "{id}");
        items.extend(timeline);
    }
    items
}

fn is_about_a_thing(message: &Value) -> bool {
    message["type"].as_str().is_some_and(|kind| kind.starts_with("item_"))
}

/// Messages without repetition, by what they say. Of copies the first is kept, as the server does.
fn distinct(requests: &[Captured]) -> BTreeMap<String, &Value> {
    let mut messages = BTreeMap::new();
    for message in requests.iter().flat_map(|request| &request.messages) {
        let mut said = message.clone();
        // How a message was sent, not what it says: 神策 writes it anew at every try.
        for field in ["_flush_time", "time_free"] {
            said.as_object_mut().unwrap().remove(field);
        }
        messages.entry(canonical(&said)).or_insert(message);
    }
    messages
}

/// JSON with members in order: equal exactly for equal values.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, String> = map.iter().map(|(k, v)| (k, canonical(v))).collect();
            format!("{sorted:?}")
        }
        Value::Array(list) => format!("{:?}", list.iter().map(canonical).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

/// The properties a message has on a timeline.
fn properties(message: &Value) -> &Value {
    let both = [&message["properties"], &message["traits"]];
    both.into_iter().find(|value| value.is_object()).unwrap_or(&Value::Null)
}

fn figures(server: &TestServer, workspace: &TestWorkspace) -> [u64; 3] {
    let status = server.get(&workspace.token, "/api/v1/pipeline").ok();
    assert_eq!(status["lag_ms"], 0);
    ["processed", "deduplicated", "quarantined"].map(|figure| status[figure].as_u64().unwrap())
}

/// Replays, looks for every message, and replays again.
fn check(server: &TestServer, workspace: &TestWorkspace, requests: &[Captured]) {
    replay(server, workspace, requests);
    let sent: usize = requests.iter().map(|request| request.messages.len()).sum();
    let expected = distinct(requests);
    let copies = (sent - expected.len()) as u64;
    assert_eq!(figures(server, workspace), [expected.len() as u64, copies, 0]);

    let found = items(server, workspace);
    let ids: BTreeSet<&str> = found.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), found.len(), "no two items share an id");
    let mut by_message: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for item in &found {
        by_message.entry(canonical(&item["message"])).or_default().push(item);
    }
    for message in expected.values() {
        let items = by_message.remove(&canonical(message)).unwrap_or_default();
        if is_about_a_thing(message) {
            assert!(items.is_empty(), "on a timeline: {message}");
            continue;
        }
        let [item] = items[..] else { panic!("on {} timelines: {message}", items.len()) };
        assert_eq!(item["message"], **message);
        let properties = properties(message);
        let shown = if properties.is_null() { json!({}) } else { properties.clone() };
        assert_eq!(item["properties"], shown, "{message}");
        if let Some(id) = message["messageId"].as_str() {
            assert_eq!(item["id"], id);
        }
        let name = if message["type"] == "track" { &message["event"] } else { &item["event"] };
        assert_eq!(item["event"], *name, "{message}");
    }
    assert!(by_message.is_empty(), "nobody sent {:?}", by_message.keys());

    replay(server, workspace, requests);
    assert_eq!(figures(server, workspace), [expected.len() as u64, sent as u64 + copies, 0]);
    assert_eq!(items(server, workspace), found, "a second copy of everything changes nothing");
}

fn party(server: &TestServer, workspace: &TestWorkspace, kind: &str, value: &str) -> Answer {
    let path = format!("/api/v1/parties/by/{}/{}", encoded(kind), encoded(value));
    server.get(&workspace.token, &path)
}

fn identifiers(party: &Value) -> BTreeSet<(String, String)> {
    let pair = |i: &Value| (i["kind"].as_str().unwrap().to_owned(), i["value"].as_str().unwrap().to_owned());
    party["identifiers"].as_array().unwrap().iter().map(pair).collect()
}

#[test]
fn every_message_of_each_sdk_is_on_one_timeline_as_it_was_sent() {
    for sdk in SDKS {
        let (server, workspace) = server();
        check(&server, &workspace, &captured(sdk));
    }
}

#[test]
fn every_message_of_all_sdks_in_one_workspace_is_on_one_timeline_as_it_was_sent() {
    let (server, workspace) = server();
    let requests: Vec<Captured> = SDKS.iter().flat_map(|sdk| captured(sdk)).collect();
    check(&server, &workspace, &requests);
}

/// The person all SDKs spoke of has these identifiers and traits, and none of those that were detached.
fn check_person(
    server: &TestServer,
    workspace: &TestWorkspace,
    found_by: (&str, &str),
    has: &[(&str, &str)],
    lacks: &[(&str, &str)],
    traits: Value,
) {
    let person = party(server, workspace, found_by.0, found_by.1).ok();
    let identifiers = identifiers(&person);
    let is_there = |(kind, value): &(&str, &str)| identifiers.contains(&((*kind).into(), (*value).into()));
    assert!(has.iter().all(is_there), "not all of {has:?} in {identifiers:?}");
    assert!(!lacks.iter().any(is_there), "one of {lacks:?} in {identifiers:?}");
    for (field, value) in traits.as_object().unwrap() {
        assert_eq!(person["traits"][field], *value, "{field}");
    }
}

const USER: (&str, &str) = ("user_id", "u-1001");
const EMAIL: (&str, &str) = ("email", "wang@example.com");
const MOBILE: (&str, &str) = ("mobile", "13800138000");

#[test]
fn the_person_in_each_segment_sdk_s_story_has_every_identifier_and_trait() {
    for sdk in SDKS.iter().filter(|sdk| !sdk.starts_with("sensors")) {
        let (server, workspace) = server();
        replay(&server, &workspace, &captured(sdk));
        let traits = json!({ "name": "王小明", "email": "wang@example.com", "phone": "+8613800138000" });
        let has = [USER, EMAIL, MOBILE, ("anonymous_id", "anon-7")];
        check_person(&server, &workspace, USER, &has, &[], traits);
    }
}

#[test]
fn the_person_in_the_python_story_of_sensors_has_what_was_bound_and_not_what_was_unbound() {
    let (server, workspace) = server();
    replay(&server, &workspace, &captured("sensors-python"));
    let has = [
        USER,
        ("$identity_login_id", "u-1001"),
        ("$identity_anonymous_id", "anon-7"),
        ("$identity_mp_unionid", "oUnion1"),
    ];
    let lacks = [MOBILE, ("$identity_mobile", "13800138000")];
    // Twice 120 and 5, sent by two consumers; what was unset is gone.
    let traits = json!({ "name": "王小明", "$city": "上海", "points": 250, "hobby": ["足球", "读书", "旅行"],
        "src": "store", "level": null, "vip": null });
    check_person(&server, &workspace, ("$identity_login_id", "u-1001"), &has, &lacks, traits);
    check_things(&server, &workspace, json!({ "name": "纯牛奶", "price": 99.75 }));
}

#[test]
fn the_person_in_the_browser_story_of_sensors_has_what_was_bound_and_not_what_was_unbound() {
    let (server, workspace) = server();
    replay(&server, &workspace, &captured("sensors-web"));
    let has = [USER, ("$identity_login_id", "u-1001"), MOBILE, ("$identity_mobile", "13800138000")];
    let lacks = [EMAIL, ("$identity_email", "wang@example.com"), ("member_no", "M-9")];
    let traits = json!({ "name": "王小明", "hobby": ["足球"], "points": 40, "first": "x" });
    check_person(&server, &workspace, USER, &has, &lacks, traits);
    // What was detached is one identifier under two names.
    let detached = ["email", "$identity_email"].map(|kind| party(&server, &workspace, kind, EMAIL.1).ok());
    assert_eq!(detached[0], detached[1]);
    // An unbind names the login id without saying that it is one; it is nobody's anonymous id.
    assert_eq!(party(&server, &workspace, "$identity_anonymous_id", "u-1001").status, 404);
    let other = [("$identity_member_no", "M-9"), ("member_no", "M-9")];
    check_person(&server, &workspace, ("member_no", "M-9"), &other, &[USER, MOBILE], json!({}));
    check_things(&server, &workspace, json!({ "name": "牛奶" }));
}

/// Catalogue items: one was set, the other deleted.
fn check_things(server: &TestServer, workspace: &TestWorkspace, fields: Value) {
    let item = |id: &str| server.get(&workspace.token, &format!("/api/v1/objects/item:product/{id}"));
    let kept = item("P1").ok();
    assert_eq!(kept["fields"], fields);
    assert_eq!(item("P0").status, 404);
}

#[test]
fn the_person_of_all_stories_is_one_in_one_workspace() {
    let (server, workspace) = server();
    let requests: Vec<Captured> = SDKS.iter().flat_map(|sdk| captured(sdk)).collect();
    replay(&server, &workspace, &requests);
    let by_user = party(&server, &workspace, USER.0, USER.1).ok();
    let by_login = party(&server, &workspace, "$identity_login_id", "u-1001").ok();
    assert_eq!(by_user, by_login);
    let has = [USER, ("anonymous_id", "anon-7"), ("$identity_anonymous_id", "anon-7")];
    check_person(&server, &workspace, USER, &has, &[("member_no", "M-9")], json!({ "name": "王小明" }));
    let list = pages(&server, &workspace.token, "/api/v1/quarantine?state=open");
    assert!(list.is_empty(), "{list:?}");
}
