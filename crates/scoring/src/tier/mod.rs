//! Nine stars and nine diamonds (§4.10).
use serde::{Deserialize, Serialize};

use crate::day::Day;

/// The level held, and the one the last run would have given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The level, 1–9.
    pub level: u8,
    /// The level the last run asked for, if hysteresis held it back.
    #[serde(default)]
    pub asked: Option<u8>,
    /// The run (day of the constants) that decided.
    pub run: Day,
}
