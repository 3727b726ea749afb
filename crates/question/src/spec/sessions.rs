//! Visits: what is asked.

use serde::{Deserialize, Serialize};

use super::{Every, Window};
use crate::form::{By, For, Property};
use crate::which::Which;

/// How people visit: events with no long pause between them are one session. A session counts when it began,
/// and so does everything in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Views of pages and screens.
    #[serde(default = "views")]
    pub views: Which,
    /// Clicks.
    #[serde(default = "clicks")]
    pub clicks: Which,
    /// Orders. They count in the session that is going on, and neither begin nor prolong one.
    #[serde(default = "orders")]
    pub orders: Which,
    /// Other events that begin and prolong sessions, as views and clicks do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Which>,
    /// A longer pause than this ends a session.
    #[serde(default = "half_an_hour")]
    pub gap: For,
    /// The property of views that names the page.
    #[serde(default = "path")]
    pub page: Property,
    /// A property of a session's first event, or a trait of people, by which sessions are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// How time is cut, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// When sessions begin.
    #[serde(default)]
    pub window: Window,
    /// How many pages are told apart, at most 1,000.
    #[serde(default = "twenty")]
    pub limit: u32,
}

fn views() -> Which {
    Which::written(&["Page Viewed", "Screen Viewed", "Page", "Screen"])
}

fn clicks() -> Which {
    Which::written(&["Element Clicked"])
}

fn orders() -> Which {
    Which::written(&["Order Completed"])
}

fn half_an_hour() -> For {
    For::written("30m")
}

fn path() -> Property {
    Property(crate::needs::path("path"))
}

fn twenty() -> u32 {
    20
}
