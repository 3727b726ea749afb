//! What a model needs to be a tag, a score or a stage that is live.
//!
//! A model says which rules, one leaf each, measure what it looks at. It is made ready with the constants of the
//! whole population, and asked for a party's value with what its rules measure, as of an instant; it says when
//! to ask again. It keeps nothing: the same facts, constants and instant give the same value.

use std::fmt;
use std::ops::Range;

use criteria::value::Type;
use criteria::{Evaluation, Input, Outcome, Point, Rule, Zone};
use kernel::{Failure, Instant, Key};
use serde_json::Value as Json;

/// A model with its settings and constants read.
pub trait Prepared: fmt::Debug + Send + Sync {
    /// What it looks at: rules of one leaf each where it is measured, and whole ones where it is whether they hold.
    fn inputs(&self) -> &[Rule];

    /// The value of one party.
    fn apply(&self, sight: &mut Sight<'_, '_, '_>) -> Worked;
}

/// What a model came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worked {
    /// The value; nothing if too little is known.
    pub value: Option<Json>,
    /// Why, for people: what was looked at and what came of it.
    pub reasons: Json,
    /// When to ask again: perhaps too early, never too late; `None` is not before a new fact.
    pub changes_at: Option<Instant>,
}

/// One party, as a model sees it.
pub struct Sight<'s, 'e, 'p> {
    pub(super) evaluation: &'s mut Evaluation<'e, 'p>,
    pub(super) rules: Range<usize>,
    /// The key of the party's public id, which breaks ties of ranks: whatever the order of arrival, it is the same.
    pub party: Key,
    /// When the party was first seen.
    pub first_seen: Instant,
    /// As of when.
    pub as_of: Instant,
    /// The zone of the workspace's days.
    pub zone: &'s Zone,
}

impl Sight<'_, '_, '_> {
    /// What the rule at a place among the model's inputs measures.
    pub fn measured(&mut self, input: usize) -> Input {
        self.evaluation.value(self.rules.start + input)
    }

    /// Whether the rule at a place among the model's inputs holds, and when that can change.
    pub fn outcome(&mut self, input: usize) -> Outcome {
        self.evaluation.outcome(self.rules.start + input)
    }

    /// The events the rule at a place among the model's inputs would measure, in order.
    pub fn events(&mut self, input: usize) -> Vec<Point> {
        self.evaluation.series(self.rules.start + input)
    }
}

/// A model of a name, with settings and the constants it applies, for values of a type.
///
/// # Errors
/// [`Failure::Invalid`] for a name that is not known, settings that make no sense, or a type it has no values of.
pub(super) fn prepare(
    model: &str,
    config: &Json,
    constants: Option<&Json>,
    value_type: Type,
) -> kernel::Result<Box<dyn Prepared>> {
    crate::models::prepare(model, config, constants, value_type)
        .unwrap_or_else(|| Err(Failure::invalid("model", format!("there is no model `{model}`"))))
}
