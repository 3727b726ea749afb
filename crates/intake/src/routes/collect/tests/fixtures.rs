//! Every request that real SDKs were seen to send, replayed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// One captured request.
pub(super) struct Captured {
    /// File and place in it.
    pub name: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub answered: u64,
    pub messages: Vec<Value>,
}

impl Captured {
    pub(super) fn request(&self, body: Vec<u8>) -> Request<Body> {
        let mut builder = Request::builder().method(&*self.method).uri(&*self.path);
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("content-length") {
                builder = builder.header(name, value);
            }
        }
        builder.body(body.into()).unwrap()
    }
}

pub(super) fn all() -> Vec<Captured> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sdk");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.sort();
    let mut captured = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "json")) {
        let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let name = file.iter().rev().take(2).map(|part| part.to_string_lossy()).collect::<Vec<_>>();
        for (no, request) in document["requests"].as_array().into_iter().flatten().enumerate() {
            captured.push(one(format!("{}/{} #{no}", name[1], name[0]), request));
        }
    }
    captured
}

fn one(name: String, request: &Value) -> Captured {
    let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
    let query = text("query");
    let path = if query.is_empty() { text("path") } else { format!("{}?{query}", text("path")) };
    let body = match request.get("body_base64").and_then(Value::as_str) {
        Some(packed) => crate::rules::open::base64(packed.as_bytes()).unwrap(),
        None => text("body").into_bytes(),
    };
    let pair = |h: &Value| (h[0].as_str().unwrap().to_owned(), h[1].as_str().unwrap().to_owned());
    Captured {
        name,
        method: text("method"),
        path,
        headers: request["headers"].as_array().unwrap().iter().map(pair).collect(),
        body,
        answered: request["answered"].as_u64().unwrap(),
        messages: request["messages"].as_array().cloned().unwrap_or_default(),
    }
}

#[tokio::test]
async fn every_event_of_a_real_sdk_lands_as_it_was_sent_and_says_something() {
    let (mut requests, mut events) = (0, 0);
    for captured in all().iter().filter(|captured| captured.answered == 200) {
        let world = World::new();
        let answer = world.send(captured.request(captured.body.clone())).await;
        assert_eq!(answer.status, 200, "{}: {}", captured.name, answer.text());
        let is_dry = captured.path.starts_with("/debug");
        let expected = if is_dry { &[][..] } else { &captured.messages[..] };
        let landed: Vec<Value> =
            world.events().iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        assert_eq!(landed, expected, "{}", captured.name);
        for line in world.records() {
            let is_record = line.starts_with(|c: char| c.is_ascii_uppercase());
            assert!(is_record, "{}: {line}", captured.name);
        }
        requests += 1;
        events += landed.len();
    }
    // So that a fixture folder that is not found does not pass.
    assert!(requests >= 130 && events >= 150, "{requests} requests with {events} events");
}

#[tokio::test]
async fn no_two_facts_of_a_real_sdk_share_a_message_id_and_a_retry_keeps_its() {
    for captured in all().iter().filter(|captured| captured.answered == 200) {
        let mut ids = HashSet::new();
        for _ in 0..2 {
            let world = World::new();
            world.send(captured.request(captured.body.clone())).await;
            for (_, _, bytes) in world.landed.lock().iter() {
                let frame = Frame::decode(bytes).unwrap();
                for index in 0..frame.events.len() {
                    ids.insert(record::decode(&frame, index).unwrap().message_id.into_owned());
                }
            }
        }
        let is_dry = captured.path.starts_with("/debug");
        let expected = if is_dry { 0 } else { captured.messages.len() };
        assert_eq!(ids.len(), expected, "{}", captured.name);
    }
}

#[tokio::test]
async fn events_of_one_person_land_in_one_partition_in_their_order() {
    for captured in all().iter().filter(|captured| captured.answered == 200 && captured.messages.len() > 3) {
        let world = World::with_partitions(8);
        world.send(captured.request(captured.body.clone())).await;
        let mut landed = 0;
        for (_, partition, bytes) in world.landed.lock().iter() {
            assert!(*partition < 8);
            let frame = Frame::decode(bytes).unwrap();
            let places: Vec<usize> = frame
                .events
                .iter()
                .map(|event| {
                    let event: Value = serde_json::from_slice(event).unwrap();
                    captured.messages.iter().position(|message| *message == event).unwrap()
                })
                .collect();
            assert!(places.is_sorted(), "{}: {places:?}", captured.name);
            landed += places.len();
        }
        let partition_of = |person: &str| -> HashSet<u64> {
            let landed = world.landed.lock();
            let holds = |bytes: &[u8]| {
                Frame::decode(bytes).unwrap().events.iter().any(|event| {
                    let event: Value = serde_json::from_slice(event).unwrap();
                    event["userId"] == person || event["distinct_id"] == person
                })
            };
            landed.iter().filter(|(_, _, bytes)| holds(bytes)).map(|(_, partition, _)| *partition).collect()
        };
        assert!(partition_of("u-1001").len() <= 1, "{}", captured.name);
        assert_eq!(landed, captured.messages.len(), "{}", captured.name);
        let receipts: HashSet<_> =
            world.landed.lock().iter().map(|(_, _, bytes)| Frame::decode(bytes).unwrap().receipt).collect();
        assert_eq!(receipts.len(), world.landed.lock().len(), "every frame has its own receipt");
    }
}
