//! How a count is divided: what is answered.

use serde::Serialize;
use serde_json::Value as Json;

use super::Count;

/// A count, divided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breakdown {
    /// Everybody who is counted, each once.
    pub people: Count,
    /// How many events, if events are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The sum of the property, if one is summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Json>,
    /// For each dimension the borders between its parts; none where each value is by itself.
    pub borders: Vec<Vec<Json>>,
    /// The values with most people, or events if those are counted; equal ones by value.
    pub rows: Vec<BreakdownRow>,
    /// All other values, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<BreakdownRest>,
}

/// One value, or one for each dimension.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakdownRow {
    /// By dimension: the value, `null` for those without. A part between borders is called by its place,
    /// counted from 1.
    pub values: Vec<Option<String>>,
    /// Who has them.
    pub people: Count,
    /// How many events have them, if events are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The sum of the property, if one is summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Json>,
    /// What part of all people or events that is.
    pub share: f64,
}

/// The values that are not told apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakdownRest {
    /// How many values.
    pub values: u64,
    /// Who has any of them.
    pub people: Count,
    /// How many events have them, if events are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// The sum of the property, if one is summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Json>,
}
