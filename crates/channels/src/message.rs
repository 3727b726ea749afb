//! What is sent, and what can come of it.

use kernel::Instant;
use serde_json::{Map, Value};

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What it is: `audience`, `tag`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// One change of one party, as it leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Names the change for ever: the receiver that sees it twice has seen it once.
    pub key: String,
    /// What happened, for example `audience.entered`.
    pub event: String,
    /// The public id of the party; empty in a test.
    pub party: String,
    /// What it is about.
    pub topic: Topic,
    /// Whether the party is in it from now on.
    pub is_present: bool,
    /// The place of the change in its ledger; 0 if it has none.
    pub seq: u64,
    /// When it happened.
    pub at: Instant,
    /// What is told of the party, under the names the receiver wants.
    pub fields: Map<String, Value>,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It may work later: nobody there, too busy, out of order.
    Later {
        /// Why, for people.
        reason: String,
        /// The receiver wants to be left alone for so many seconds.
        pause_seconds: Option<u32>,
    },
    /// It will never work as it is.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// Not tried, because one before it did not get through.
    Untried,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's code, if there was an answer: an HTTP status, or what the channel has in its place.
    pub code: Option<u16>,
    /// How long it took, in microseconds.
    pub latency_us: u64,
}

impl Attempt {
    /// A message that was not tried.
    pub const UNTRIED: Self = Self { outcome: Outcome::Untried, code: None, latency_us: 0 };

    /// A try that may work later.
    pub fn later(reason: impl Into<String>) -> Self {
        let outcome = Outcome::Later { reason: reason.into(), pause_seconds: None };
        Self { outcome, code: None, latency_us: 0 }
    }

    /// A try that never works.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused { reason: reason.into() }, code: None, latency_us: 0 }
    }

    /// A try that worked.
    pub const DELIVERED: Self = Self { outcome: Outcome::Delivered, code: None, latency_us: 0 };
}
