//! Signed webhooks, as Standard Webhooks has them: one request a message, its key being `webhook-id`.
//!
//! Several parties are served at a time, the messages of one party one after the other.

mod sign;

use kernel::Instant;
use kernel::time::SECOND;
use reqwest::{Client, Url};
use serde_json::json;

pub use sign::{Key, sign};

use crate::exchange::{exchange, in_order};
use crate::{Attempt, Channel, Guard, Message};

/// Requests to one receiver at a time.
const IN_FLIGHT_MAX: usize = 16;

/// A receiver of webhooks.
pub struct Webhook {
    guard: Guard,
    client: Client,
    url: Url,
    keys: Vec<Key>,
}

impl Webhook {
    /// A receiver at `url`. All of `keys` sign, the newest first.
    ///
    /// # Errors
    /// The machine lacks what a client needs.
    pub fn new(guard: Guard, url: Url, keys: Vec<Key>) -> kernel::Result<Self> {
        Ok(Self { client: guard.client()?, guard, url, keys })
    }

    async fn post(&self, now: Instant, message: &Message) -> Attempt {
        let body = body(message).to_string();
        let timestamp = now.0.div_euclid(SECOND);
        let signature = sign(&self.keys, &message.key, timestamp, body.as_bytes());
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let request = request.header("webhook-id", &message.key).header("webhook-timestamp", timestamp);
        exchange(&self.guard, &self.url, request.header("webhook-signature", signature).body(body)).await
    }
}

#[async_trait::async_trait]
impl Channel for Webhook {
    async fn send(&self, now: Instant, messages: &[Message]) -> Vec<Attempt> {
        in_order(messages, IN_FLIGHT_MAX, |message| self.post(now, message)).await
    }
}

/// What a receiver reads.
pub fn body(message: &Message) -> serde_json::Value {
    let topic = &message.topic;
    let mut data = json!({
        "party": message.party,
        topic.kind.as_str(): { "id": topic.id, "name": topic.name },
        "present": message.is_present,
        "seq": message.seq,
    });
    if message.is_present {
        data["fields"] = message.fields.clone().into();
    }
    json!({ "type": message.event, "timestamp": message.at.to_string(), "data": data })
}
