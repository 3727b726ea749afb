//! The shops' world told a second time, the last fortnight day by day: for plants that are about what changes.
//!
//! Everything that happened until a fortnight before the end is told first, with the clock standing there.
//! Then the models are defined, and each day's events are told on their day.

use std::collections::{BTreeMap, HashMap};

use demo::Message;
use headwater_tests::{TestServer, TestWorkspace};
use kernel::Instant;
use kernel::time::{Clock, DAY, HOUR, SECOND};
use serde_json::Value;

use super::{SEED, profile, send, settle, timed};

/// The last days, one by one.
pub(super) const DAYS: i64 = 14;

/// A server whose clock moves through the last days.
pub(super) struct Replay {
    pub(super) server: TestServer,
    pub(super) workspace: TestWorkspace,
    pub(super) truth: BTreeMap<&'static str, Vec<Value>>,
    keys: HashMap<(&'static str, &'static str), String>,
    /// What is still to happen, by the instant it happens.
    left: Vec<(Instant, Message)>,
}

impl Replay {
    /// Told until a fortnight before the end.
    pub(super) fn begin() -> Self {
        let drawn = demo::World::generate(profile(), SEED);
        // The clock stands at noon UTC; the day ends there four hours later.
        let server = TestServer::on("2026-06-16");
        server.clock().advance(4 * HOUR - SECOND);
        let workspace = server.workspace("xiulin");
        let sources = demo::SOURCES.into_iter().filter(|(name, _)| *name == "xiulin");
        let keys = sources.map(|source| (source, server.source(&workspace, source.1))).collect();
        let begin = server.clock().now();
        let mut left = Vec::new();
        let of_shops = drawn.messages().filter(|message| message.workspace == "xiulin");
        let first = of_shops.filter_map(|message| {
            let at = happened(&message);
            if at <= begin {
                return Some(message);
            }
            left.push((at, message));
            None
        });
        timed("telling all but the last fortnight", || {
            send(&server, &keys, first);
            server.drain(&workspace);
        });
        left.sort_by_key(|(at, _)| *at);
        left.reverse();
        Self { truth: drawn.truth(), server, workspace, keys, left }
    }

    /// The next day passes, with what happens on it.
    pub(super) fn next_day(&mut self) {
        self.server.clock().advance(DAY);
        let now = self.server.clock().now();
        let place = self.left.partition_point(|(at, _)| *at > now);
        let today: Vec<Message> = self.left.drain(place..).rev().map(|(_, message)| message).collect();
        send(&self.server, &self.keys, today.into_iter());
        self.server.drain(&self.workspace);
        settle(&self.server, &self.workspace);
    }
}

/// When what a message tells happened.
fn happened(message: &Message) -> Instant {
    let event: Value = serde_json::from_str(&message.json).unwrap();
    Instant::parse(event["timestamp"].as_str().unwrap()).unwrap()
}
