//! What can be asked, as JSON. Names and meanings are stable; another meaning is another version.

use serde::{Deserialize, Serialize};

use crate::form::{At, Who};

/// Present version of the specification.
pub const VERSION: u32 = 1;

/// A question about everybody, as of an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Version of this form; the present one if absent.
    #[serde(default = "version")]
    pub version: u32,
    /// Nothing after it counts.
    pub as_of: At,
    /// The time zone days, weeks and months are cut in.
    #[serde(default = "zone")]
    pub zone: String,
    /// Whether numbers come with their people.
    #[serde(default)]
    pub people: bool,
    /// What is asked.
    pub ask: Ask,
}

fn version() -> u32 {
    VERSION
}

fn zone() -> String {
    "UTC".to_owned()
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// For whom a rule holds.
    Members(Who),
    /// The latest events of one party.
    Latest(Latest),
}

/// The latest events of one party.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latest {
    /// The party's number.
    pub party: u32,
    /// How many.
    #[serde(default = "fifty")]
    pub limit: u32,
}

fn fifty() -> u32 {
    50
}

impl Question {
    /// A question in the present version, without people.
    pub fn new(as_of: kernel::Instant, zone: &str, ask: Ask) -> Self {
        Self { version: VERSION, as_of: At(as_of), zone: zone.to_owned(), people: false, ask }
    }

    /// Reads a question.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(json: &str) -> kernel::Result<Self> {
        let read: Result<Self, _> = serde_json::from_str(json);
        read.map_err(|error| kernel::Failure::invalid("question", error.to_string()))
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a question has no map whose keys are not texts")
    }
}
