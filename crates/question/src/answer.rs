//! Answers: numbers with names, each with its people if they were asked for.

use roaring::RoaringBitmap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::form::At;

/// A number of people, and who they are if that was asked for. In JSON it is the number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    count: u64,
    people: Option<RoaringBitmap>,
}

impl Count {
    /// So many, nobody by number.
    pub fn of(count: u64) -> Self {
        Self { count, people: None }
    }

    /// So many, of whom these are known.
    pub(crate) fn with(count: i128, people: Option<RoaringBitmap>) -> Self {
        Self { count: u64::try_from(count).unwrap_or(0), people }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Who, by party number.
    pub fn people(&self) -> Option<&RoaringBitmap> {
        self.people.as_ref()
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.count)
    }
}

/// The answer of a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// As of when it was asked.
    pub as_of: At,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// What was found, by the kind of the question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// For whom a rule holds.
    Members(Count),
    /// The latest events of one party, newest first.
    Latest(Vec<LatestEvent>),
}

/// An event of a party.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatestEvent {
    /// When.
    pub time: At,
    /// Its name.
    pub event: String,
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// Its properties.
    pub properties: Json,
}
