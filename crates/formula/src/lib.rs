//! Formulas: values computed from what a party did and is.
//!
//! ```text
//! round(sum("Order Completed".total, last 365d) / nullif(count("Order Completed", last 365d), 0), 2)
//! ```
//!
//! A formula is read once ([`Formula::parse`]); its aggregates over events, its traits, tags and scores become
//! rules of one leaf each ([`Formula::inputs`]), which `criteria` measures. The rest is arithmetic over what
//! was measured ([`Formula::evaluate`]), pure and exact: decimals, no binary fraction but in `log`, `sqrt` and
//! fractional powers, which are rounded to twelve digits.
//!
//! - **Missing is not zero.** What is computed from something missing is missing, and so is a division by
//!   zero, an overflow, or a value of another type than an operation takes. `coalesce` and `is_missing` look
//!   at it; `if` and `case` take the branch whose condition is true, and a missing one is not. `and` is false
//!   if either side is, `or` true if either side is, else missing if either is missing.
//! - **Time.** The present is known as a local day only (`today()`, `days_since(x)`, `age(x)`), so a value
//!   changes at facts, at the edges of windows, and at local midnights. When is said with each value: perhaps
//!   too early, never too late.
//! - **Types** are number, text, boolean, instant and list of text. What a trait or property is, is known only
//!   when it is read.
//!
//! | aggregates | `count days first_time last_time` of `"Event"`; `sum avg min max distinct first last` of `"Event".path` |
//! |---|---|
//! | several events | `count("A" or "B")`, any event: `count(*)` |
//! | filters | `sum("Order".total where channel = 'app' and total > 10, last 30d)` |
//! | windows | `last 30d`, `this_month` …, `since last "Event"`, `from '2026-01-01T00:00:00Z' to '…'`; else ever |
//! | known of a party | `trait('city')`, `tag('vip')`, `score('activity')`, `stage('purchase')`, `in_audience('aud_…')` |
//! | logic | `and or not = != < <= > >= in (…)`, `if(c, a, b)`, `case when c then a … else b end` |

mod aggregate;
mod call;
mod evaluate;
mod function;
mod number;
mod parse;
mod token;
mod tree;
mod typing;

use std::collections::BTreeMap;

use criteria::value::{Type, Value};
use criteria::{Input, Rule, Zone};
use kernel::Instant;

use tree::Expression;

/// Characters of a formula.
pub const FORMULA_CHARS_MAX: usize = 4_000;
/// Formulas a formula names.
pub const MEASURES_MAX: usize = 50;
/// What a formula reads of a party.
pub const INPUTS_MAX: usize = 100;
/// Parts within parts.
pub const DEPTH_MAX: usize = 40;

/// What is wrong with a formula, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}at character {}: {message}", measure.as_ref().map(|name| format!("in `{name}` ")).unwrap_or_default(), at + 1)]
pub struct Error {
    /// The measure it is in; nothing for the formula itself.
    pub measure: Option<String>,
    /// How many characters come before it.
    pub at: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A formula that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    root: Expression,
    inputs: Vec<Rule>,
    names: Vec<String>,
    of: Option<Type>,
}

/// What a formula came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The value; nothing if it is missing.
    pub value: Option<Value>,
    /// No earlier than this can it differ if no new fact arrives; `None` is never.
    pub changes_at: Option<Instant>,
    /// What was read, by its place among the inputs, in the order it was asked for.
    pub read: Vec<(usize, Option<Value>)>,
}

impl Formula {
    /// Reads a formula. `measures` are formulas it may name, and which may name one another.
    ///
    /// # Errors
    /// [`Error`] with the place of the first thing that is wrong: form, names or types.
    pub fn parse(text: &str, measures: &BTreeMap<String, String>) -> Result<Self, Error> {
        let parsed = parse::parse(text, measures)?;
        Ok(Self { root: parsed.root, inputs: parsed.inputs, names: parsed.names, of: parsed.of })
    }

    /// What it reads of a party: rules of one leaf each.
    pub fn inputs(&self) -> &[Rule] {
        &self.inputs
    }

    /// What it reads, as it is written in the formula.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The type of its value; nothing if that is known only when it is read.
    pub fn value_type(&self) -> Option<Type> {
        self.of
    }

    /// Its value. `read` is asked for what the inputs measure, each at most once and only if it is needed.
    pub fn evaluate(&self, read: &mut dyn FnMut(usize) -> Input, zone: &Zone, as_of: Instant) -> Outcome {
        evaluate::evaluate(&self.root, self.inputs.len(), read, zone, as_of)
    }
}

#[cfg(test)]
mod tests;
