//! What is known leaves the house, to real receivers: once in effect, in order, and never without consent.

mod crashes;
mod files;
mod lists;
pub(crate) mod receiver;
mod segment;
mod tables;
mod webhooks;

use std::time::Duration;

use headwater_tests::{TestServer, TestWorkspace};
use serde_json::{Value, json};

use receiver::Receiver;

/// A server, its workspace, and who receives.
struct World {
    server: TestServer,
    workspace: TestWorkspace,
}

impl World {
    fn new() -> Self {
        let (server, workspace) = TestServer::with_workspace();
        Self { server, workspace }
    }

    fn get(&self, path: &str) -> Value {
        self.server.get(&self.workspace.token, path).ok()
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.server.post(&self.workspace.token, path, &body).ok()
    }

    fn put(&self, path: &str, body: Value) -> Value {
        self.server.put(&self.workspace.token, path, &body).ok()
    }

    fn send(&self, events: &[Value]) {
        for part in events.chunks(500) {
            let report = self.server.collect(&self.workspace, part);
            assert_eq!(report["rejected"], 0, "{report}");
        }
    }

    /// A live audience of everybody whose trait `tier` is `gold`, filled.
    fn gold(&self) -> String {
        let rule = json!({ "trait": "tier", "op": "eq", "value": "gold" });
        let made = self.post("/api/v1/audiences", json!({ "name": "黄金会员", "rule": rule }));
        text(&made["id"])
    }

    /// A receiver, and a destination of signed webhooks that follows an audience. The definition may be
    /// changed before it is given.
    fn webhook(&self, audience: &str, change: impl FnOnce(&mut Value)) -> (Receiver, String) {
        let secret = self.post("/api/v1/destination-secrets", json!({ "name": "hook" }));
        let receiver = Receiver::start(&self.server, &text(&secret["value"]));
        let mut definition = json!({
            "name": "CRM",
            "target": { "kind": "webhook", "url": receiver.url(), "secret": secret["id"] },
            "follows": [{ "ledger": "audience", "id": audience }],
            "fields": [{ "as": "city", "trait": "city" }],
        });
        change(&mut definition);
        let made = self.post("/api/v1/destinations", definition);
        (receiver, text(&made["id"]))
    }

    fn status(&self, destination: &str) -> Value {
        self.get(&format!("/api/v1/destinations/{destination}"))["status"].clone()
    }

    /// Waits until the status is as wanted.
    fn wait(&self, destination: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..6_000 {
            let status = self.status(destination);
            if is_so(&status) {
                return status;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("it does not come to that: {}", self.status(destination));
    }

    /// Waits until a destination has accounted for everything and nothing waits.
    fn settled(&self, destination: &str) -> Value {
        self.wait(destination, |status| status["lag"] == 0 && status["waiting"] == 0)
    }

    fn log(&self, destination: &str, state: &str) -> Vec<Value> {
        let path = format!("/api/v1/destinations/{destination}/deliveries?state={state}");
        headwater_tests::pages(&self.server, &self.workspace.token, &path)
    }

    fn party(&self, user: &str) -> String {
        text(&self.get(&format!("/api/v1/parties/by/user_id/{user}"))["id"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// What a user says of himself, on a day of June 2026.
fn identify(user: &str, day: u32, traits: Value) -> Value {
    json!({ "type": "identify", "messageId": format!("i-{user}-{day}"), "userId": user,
        "timestamp": format!("2026-06-{day:02}T08:00:00.000Z"), "traits": traits })
}

/// What a user says about a purpose, on a day of June 2026.
fn consent(user: &str, day: u32, purpose: &str, status: &str) -> Value {
    json!({ "type": "track", "messageId": format!("c-{user}-{day}-{purpose}"), "userId": user,
        "event": "Consent Changed", "timestamp": format!("2026-06-{day:02}T09:00:00.000Z"),
        "properties": { "cp": "", "channel": "*", "purpose": purpose, "status": status } })
}

/// A user who is gold and shares.
fn sharing(user: &str) -> [Value; 2] {
    [
        consent(user, 1, "third_party_share", "granted"),
        identify(
            user,
            2,
            json!({ "tier": "gold", "city": "临澄", "name": "王小明", "phone": "19912345678" }),
        ),
    ]
}
