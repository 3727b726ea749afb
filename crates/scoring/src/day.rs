//! Local calendar days, as whole numbers.
//!
//! Scores step at midnight of the workspace's zone and not every microsecond, so that a value stays
//! true for the rest of the day unless a fact arrives (ADR-0013). Which day an instant belongs to is
//! a question of zones, answered by whoever prepares the facts.

use serde::{Deserialize, Serialize};

/// Days since 1970-01-01 on the calendar of the workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The day `days` later.
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Days from `earlier` to this one; negative if it is later.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether this day is one of the last `days` days that end with `today`.
    pub const fn is_within(self, days: i32, today: Self) -> bool {
        let age = today.since(self);
        age >= 0 && age < days
    }
}
