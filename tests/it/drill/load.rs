//! Load from several connections, and a ledger of what was sent and what was acknowledged.
//!
//! Messages carry a tag of their own (`messageId`, or 神策's `_track_id`), by which they are found again.
//! A connection sends new messages, repeats what was never answered, and repeats what was.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::server::WRITE_KEY;
use crate::properties::dice::Dice;

const CONNECTIONS: usize = 8;
/// Acknowledged requests remembered to be repeated.
const REPEATED_MAX: usize = 200;

/// One request as it was, or will be, sent.
#[derive(Clone)]
struct Request {
    path: String,
    body: Vec<u8>,
    tags: Vec<String>,
}

/// What happened to the messages.
#[derive(Default)]
pub(super) struct Ledger {
    /// Tags that left this process.
    pub(super) sent: HashSet<String>,
    /// Tags that were answered with 200.
    pub(super) acknowledged: HashSet<String>,
    /// Answers that told to come later.
    pub(super) refused: u64,
    /// What an answer should not have been.
    pub(super) wrong: Vec<String>,
    /// Requests without an answer.
    unanswered: Vec<Request>,
    repeatable: Vec<Request>,
}

/// A ledger for all connections of a drill.
pub(super) type Shared = Arc<Mutex<Ledger>>;

/// Connections that send.
pub(super) struct Load {
    senders: Vec<JoinHandle<()>>,
    answers: Receiver<u16>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Starts sending. `round` makes the tags of one start of the server differ from those of another.
    pub(super) fn start(address: SocketAddr, ledger: &Shared, dice: &mut Dice, round: u64) -> Self {
        let (said, answers) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let sender = |connection| {
            let sender = Connection {
                ledger: Arc::clone(ledger),
                dice: Dice::new(dice.next()),
                prefix: format!("{round}-{connection}"),
                next: 0,
                said: said.clone(),
                stop: Arc::clone(&stop),
            };
            std::thread::spawn(move || sender.run(address))
        };
        let senders = (0..CONNECTIONS).map(sender).collect();
        Self { senders, answers, stop }
    }

    /// Passes over the answers that came until now.
    pub(super) fn pass_over(&self) {
        self.answers.try_iter().for_each(drop);
    }

    /// Waits for so many answers of a status.
    pub(super) fn wait(&self, status: u16, count: usize) {
        let mut left = count;
        while left > 0 {
            match self.answers.recv_timeout(Duration::from_secs(30)) {
                Ok(answer) => left -= usize::from(answer == status),
                Err(_) => panic!("{left} of {count} answers with {status} did not come"),
            }
        }
    }

    /// Waits until every connection has ended because the server has.
    pub(super) fn end(self) {
        for sender in self.senders {
            sender.join().unwrap();
        }
    }

    /// Ends every connection after the answer it waits for.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.end();
    }
}

struct Connection {
    ledger: Shared,
    dice: Dice,
    prefix: String,
    next: u64,
    said: Sender<u16>,
    stop: Arc<AtomicBool>,
}

impl Connection {
    fn run(mut self, address: SocketAddr) {
        let Ok(mut client) = Client::connect(address) else { return };
        while !self.stop.load(Ordering::SeqCst) {
            let request = self.choose();
            self.ledger.lock().unwrap().sent.extend(request.tags.iter().cloned());
            let answer = client.post(&request.path, &request.body);
            let mut ledger = self.ledger.lock().unwrap();
            let Ok(answer) = answer else {
                ledger.unanswered.push(request);
                return;
            };
            match answer.status {
                200 => {
                    ledger.acknowledged.extend(request.tags.iter().cloned());
                    if ledger.repeatable.len() < REPEATED_MAX {
                        ledger.repeatable.push(request);
                    } else {
                        let place = self.dice.roll(REPEATED_MAX);
                        ledger.repeatable[place] = request;
                    }
                }
                503 if answer.has_retry_after => {
                    ledger.refused += 1;
                    ledger.unanswered.push(request);
                }
                status => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    ledger.wrong.push(format!("{status} for {}: {body}", request.path));
                }
            }
            let _ = self.said.send(answer.status);
        }
    }

    fn choose(&mut self) -> Request {
        let mut ledger = self.ledger.lock().unwrap();
        match self.dice.roll(10) {
            0..=1 if !ledger.unanswered.is_empty() => {
                let place = self.dice.roll(ledger.unanswered.len());
                return ledger.unanswered.swap_remove(place);
            }
            2 if !ledger.repeatable.is_empty() => {
                let place = self.dice.roll(ledger.repeatable.len());
                return ledger.repeatable[place].clone();
            }
            _ => {}
        }
        drop(ledger);
        self.fresh()
    }

    fn fresh(&mut self) -> Request {
        let count = if self.dice.chance(40) { 1 } else { 2 + self.dice.roll(30) };
        let is_sensors = self.dice.chance(30);
        let mut tags = Vec::with_capacity(count);
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            let tag = format!("{}-{}", self.prefix, self.next);
            self.next += 1;
            messages.push(if is_sensors {
                sensors(&mut self.dice, &tag)
            } else {
                segment(&mut self.dice, &tag)
            });
            tags.push(tag);
        }
        let (path, body) = match (is_sensors, messages.len()) {
            (true, 1) => (format!("/sa?token={WRITE_KEY}"), messages[0].take()),
            (true, _) => (format!("/sa?token={WRITE_KEY}"), messages.into()),
            (false, 1) => (format!("/v1/track?writeKey={WRITE_KEY}"), messages[0].take()),
            (false, _) => ("/v1/batch".to_owned(), json!({ "writeKey": WRITE_KEY, "batch": messages })),
        };
        Request { path, body: body.to_string().into_bytes(), tags }
    }
}

/// People are few, so that identifies keep merging what others are writing to.
const PEOPLE: usize = 300;

fn segment(dice: &mut Dice, tag: &str) -> Value {
    let person = dice.roll(PEOPLE);
    let mut message = json!({ "type": "track", "messageId": tag, "event": "Viewed",
                              "anonymousId": format!("cookie-{}", dice.roll(PEOPLE)),
                              "properties": { "tag": tag, "price": dice.roll(100) } });
    match dice.roll(10) {
        0..=1 => {
            message["type"] = "identify".into();
            message["userId"] = format!("u-{person}").into();
            message["traits"] = json!({ "email": format!("mail{}@example.com", dice.roll(PEOPLE)),
                                        "phone": format!("138{:08}", dice.roll(PEOPLE)), "tier": dice.roll(5) });
        }
        2 => message["userId"] = format!("u-{person}").into(),
        // Put aside, and to be found there.
        3 if dice.chance(20) => {
            message["type"] = "identify".into();
            message["traits"] = json!({ "email": "no address" });
        }
        _ => {}
    }
    message
}

fn sensors(dice: &mut Dice, tag: &str) -> Value {
    let person = dice.roll(PEOPLE);
    let cookie = format!("cookie-{}", dice.roll(PEOPLE));
    let base = |kind: &str, properties: Value| json!({ "type": kind, "distinct_id": cookie, "_track_id": tag, "properties": properties });
    let now = json!(1_780_000_000_000_u64 + dice.roll(1_000_000) as u64);
    let mut record = match dice.roll(4) {
        0 => base("profile_increment", json!({ "visits": 1 })),
        1 => base("track_signup", json!({})),
        _ => base("track", json!({ "price": dice.roll(100) })),
    };
    if record["type"] == "track_signup" {
        record["original_id"] = cookie.clone().into();
        record["distinct_id"] = format!("u-{person}").into();
    }
    if record["type"] == "track" {
        record["event"] = "Viewed".into();
    }
    record["time"] = now;
    record
}
