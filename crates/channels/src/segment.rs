//! Segment-shaped calls to anything that takes them: `track` says that somebody entered or left an audience,
//! `identify` keeps it as a trait under the audience's id.
//!
//! The party's public id is the user's id. Requests follow one another, so that the calls of a party keep
//! their order; each call has a message id of its own, made of the message's key.

use kernel::Instant;
use reqwest::{Client, Url};
use serde_json::{Value, json};

use crate::exchange::exchange;
use crate::{Attempt, Channel, Guard, Message, Outcome};

/// Messages in one request, two calls each: far below Segment's limit of 500 KB.
const BATCH_MAX: usize = 100;

/// A place that takes Segment's calls.
pub struct Segment {
    guard: Guard,
    client: Client,
    url: Url,
    write_key: String,
}

impl Segment {
    /// A place at `url`, to which `/v1/batch` is added.
    ///
    /// # Errors
    /// The machine lacks what a client needs.
    pub fn new(guard: Guard, mut url: Url, write_key: String) -> kernel::Result<Self> {
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "batch"]);
        }
        Ok(Self { client: guard.client()?, guard, url, write_key })
    }
}

#[async_trait::async_trait]
impl Channel for Segment {
    async fn send(&self, now: Instant, messages: &[Message]) -> Vec<Attempt> {
        let mut attempts = Vec::with_capacity(messages.len());
        for batch in messages.chunks(BATCH_MAX) {
            let calls: Vec<Value> = batch.iter().flat_map(calls).collect();
            let body = json!({ "batch": calls, "sentAt": now.to_string() });
            let request = self.client.post(self.url.clone()).basic_auth(&self.write_key, Some(""));
            let attempt = exchange(&self.guard, &self.url, request.json(&body)).await;
            let is_through = attempt.outcome == Outcome::Delivered;
            attempts.resize(attempts.len() + batch.len(), attempt);
            if !is_through {
                break;
            }
        }
        attempts.resize(messages.len(), Attempt::UNTRIED);
        attempts
    }
}

fn calls(message: &Message) -> Vec<Value> {
    let topic = &message.topic;
    let user = if message.party.is_empty() { "headwater-test" } else { &message.party };
    let at = message.at.to_string();
    let name = match (topic.kind.as_str(), message.is_present) {
        ("audience", true) => "Audience Entered".to_owned(),
        ("audience", false) => "Audience Exited".to_owned(),
        ("test", _) => "Headwater Test".to_owned(),
        (_, true) => format!("{} Set", topic.kind),
        (_, false) => format!("{} Unset", topic.kind),
    };
    let track = json!({ "type": "track", "messageId": format!("{}-t", message.key), "userId": user,
        "timestamp": at, "event": name,
        "properties": { "audience_key": topic.id, "audience_name": topic.name } });
    if topic.id.is_empty() {
        return vec![track];
    }
    let mut traits = message.fields.clone();
    traits.insert(topic.id.clone(), message.is_present.into());
    let identify = json!({ "type": "identify", "messageId": format!("{}-i", message.key), "userId": user,
        "timestamp": at, "traits": traits });
    vec![identify, track]
}
