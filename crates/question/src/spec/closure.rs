//! What becomes of a store's customers when it closes, and of whom a data funnel is made: what is asked.

use serde::{Deserialize, Serialize};

use crate::form::{At, By, For, Property, Who};
use crate::which::Which;

/// What became of those who bought often in a store and often online, once it closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// Orders.
    #[serde(default = "orders")]
    pub order: Which,
    /// The property of an order that names its store; an order without it is online.
    #[serde(default = "store_id")]
    pub store: Property,
    /// The store that closed.
    pub closed: String,
    /// Open stores like it, at most 50: what their customers did in the same time is what would have happened anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// When it closed.
    pub at: At,
    /// How long before that customers are looked at.
    #[serde(default = "half_a_year")]
    pub before: For,
    /// How long after that.
    #[serde(default = "ninety_days")]
    pub after: For,
    /// On how many local days somebody bought there.
    #[serde(default = "three")]
    pub store_days: u32,
    /// On how many local days the same person bought online.
    #[serde(default = "three")]
    pub online_days: u32,
    /// A trait by which what became of them is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

impl Closure {
    /// First microsecond of the time before, the closing, and the last microsecond of the time after.
    pub(crate) fn times(&self) -> (i64, i64, i64) {
        let at = self.at.micros();
        let from = at.saturating_sub(self.before.micros()).saturating_add(1);
        (from, at, at.saturating_add(self.after.micros()))
    }
}

fn orders() -> Which {
    Which::written(&["Order Completed"])
}

fn store_id() -> Property {
    Property(crate::needs::path("store_id"))
}

fn half_a_year() -> For {
    For::written("180d")
}

fn ninety_days() -> For {
    For::written("90d")
}

fn three() -> u32 {
    3
}

/// How many come how far through conditions that follow one another: collected, identified, tagged, reachable,
/// served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFunnel {
    /// The conditions, one to eight. Whoever meets one and all before it is at that step.
    pub steps: Vec<DataStep>,
    /// A trait by which people are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// One condition of a data funnel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataStep {
    /// What it is called.
    pub name: String,
    /// The rule.
    pub of: Who,
}
