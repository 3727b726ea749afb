//! What people do next, or did before: what is asked.

use serde::{Deserialize, Serialize};

use super::Window;
use crate::form::{For, Property};
use crate::which::Which;

/// Which steps people take after an event, or took before it. Each person is looked at once: from its first such
/// event in the window onwards, or from its last one backwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Where paths begin, or end.
    pub anchor: Which,
    /// On which side of it steps are looked at.
    #[serde(default)]
    pub side: Side,
    /// Which events are steps.
    #[serde(default = "every")]
    pub events: Which,
    /// The property steps are called by, such as a page; their events' names if absent. Events without it are
    /// no steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Property>,
    /// How many steps, at most 10.
    #[serde(default = "five")]
    pub depth: u32,
    /// All steps lie within so long of the anchor.
    #[serde(default = "a_day")]
    pub within: For,
    /// Whether a step that is called as the one before it is a step of its own.
    #[serde(default)]
    pub repeats: bool,
    /// When the anchor happens.
    #[serde(default)]
    pub window: Window,
    /// How many names are told apart at each step, at most 100; all others are one.
    #[serde(default = "ten")]
    pub limit: u32,
}

/// A side of an event in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Later.
    #[default]
    After,
    /// Earlier.
    Before,
}

fn every() -> Which {
    Which::written(&["*"])
}

fn five() -> u32 {
    5
}

fn a_day() -> For {
    For::written("24h")
}

fn ten() -> u32 {
    10
}
