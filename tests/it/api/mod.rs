//! The contract of the API: shapes, pages, searches, decisions, problems, permissions, the document.

mod audiences;
mod decisions;
mod document;
mod jobs;
mod lakes;
mod parties;
mod permissions;
mod problems;
mod questions;
mod search;
mod sql;
mod tags;
mod timelines;

use headwater_tests::{TestServer, TestWorkspace, encoded};
use serde_json::{Value, json};

/// A server, its workspace, and the calls most tests make.
struct World {
    server: TestServer,
    workspace: TestWorkspace,
}

impl World {
    fn new() -> Self {
        let (server, workspace) = TestServer::with_workspace();
        Self { server, workspace }
    }

    /// Sends events; all must be accepted.
    fn send(&self, events: &[Value]) {
        let report = self.server.collect(&self.workspace, events);
        assert_eq!(report["rejected"], 0, "{report}");
    }

    fn get(&self, path: &str) -> Value {
        self.server.get(&self.workspace.token, path).ok()
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.server.post(&self.workspace.token, path, &body).ok()
    }

    /// The party that holds `kind:value`.
    fn party(&self, identifier: &str) -> Value {
        self.get(&by(identifier))
    }

    fn id(&self, identifier: &str) -> String {
        self.party(identifier)["id"].as_str().unwrap().to_owned()
    }
}

fn by(identifier: &str) -> String {
    let (kind, value) = identifier.split_once(':').unwrap();
    format!("/api/v1/parties/by/{}/{}", encoded(kind), encoded(value))
}

/// `identify` of a user on a day of June 2026.
fn identify(user: &str, day: u32, traits: Value) -> Value {
    json!({ "type": "identify", "messageId": format!("i-{user}-{day}"), "userId": user,
        "timestamp": format!("2026-06-{day:02}T08:00:00.000Z"), "traits": traits })
}

/// `track` of a user on a day of June 2026.
fn track(user: &str, day: u32, event: &str) -> Value {
    json!({ "type": "track", "messageId": format!("t-{user}-{day}-{event}"), "userId": user, "event": event,
        "timestamp": format!("2026-06-{day:02}T09:00:00.000Z"), "properties": { "day": day } })
}

/// The identifiers of a party as `kind:value`.
fn identifiers(party: &Value) -> Vec<String> {
    let text = |i: &Value, field: &str| i[field].as_str().unwrap().to_owned();
    let list = party["identifiers"].as_array().unwrap();
    list.iter().map(|i| format!("{}:{}", text(i, "kind"), text(i, "value"))).collect()
}

/// The ids of a page's items.
fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}
