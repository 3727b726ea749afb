//! What people do next, or did before: what is answered.

use serde::Serialize;

use super::Count;

/// Steps of people, as a drawing of streams needs them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paths {
    /// Who has the anchor.
    pub people: Count,
    /// The steps, the one beside the anchor first. Who is at one step is at all steps before it.
    pub steps: Vec<PathStep>,
    /// Who goes from where to where, by step and with the most frequent first.
    pub links: Vec<PathLink>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathStep {
    /// What is done, the most frequent first.
    pub nodes: Vec<PathNode>,
    /// Who does something else.
    pub other: Count,
    /// Whose path ended at the step before.
    pub ended: Count,
}

/// Something that is done at a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathNode {
    /// What it is called.
    pub name: String,
    /// Who does it.
    pub people: Count,
}

/// From one step to the next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathLink {
    /// The place of the step it leads to, counted from 0.
    pub step: usize,
    /// From what; `null` is something else, or the anchor where the step is the first.
    pub from: Option<String>,
    /// To what; `null` is something else.
    pub to: Option<String>,
    /// Who goes.
    pub people: Count,
}
