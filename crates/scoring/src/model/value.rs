//! What a model says of one party: the value, what it was computed from, and why, in words.

use serde::{Deserialize, Serialize};

use crate::day::Day;

/// A value with its explanation.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Value {
    /// The value; missing is not zero.
    pub value: Measure,
    /// The share, by weight, of what the definition asks for that was there; 1 if it asks for nothing.
    pub coverage: f64,
    /// The value is shown but not to be relied on: too little is known, or a fallback made it.
    pub is_provisional: bool,
    /// What it was computed from, in the order of the definition.
    pub inputs: Vec<Input>,
    /// Why, most important first.
    pub reasons: Vec<Reason>,
    /// The first later day on which the value could differ if no new fact arrives; `None` if it will not.
    pub changes_on: Option<Day>,
}

/// A number, a word, or nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measure {
    /// Not known. Not zero.
    #[default]
    Missing,
    /// A number, rounded to six places.
    Number(f64),
    /// A word.
    Text(String),
}

/// Something a value was computed from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: Measure,
}

/// A sentence for people, in both languages of the product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Measure {
    /// A number rounded to six places, so that the last bits of a logarithm do not make two values
    /// of one; what is no number is missing.
    pub fn number(number: f64) -> Self {
        if !number.is_finite() {
            return Self::Missing;
        }
        let rounded = (number * 1e6).round() / 1e6;
        Self::Number(if rounded == 0.0 { 0.0 } else { rounded })
    }

    /// A word.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The number, if it is one.
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The word, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Option<f64>> for Measure {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::number)
    }
}

impl Value {
    /// A number of full coverage.
    pub fn number(number: f64) -> Self {
        Self { value: Measure::number(number), coverage: 1.0, ..Self::default() }
    }

    /// A word of full coverage.
    pub fn text(text: impl Into<String>) -> Self {
        Self { value: Measure::text(text), coverage: 1.0, ..Self::default() }
    }

    /// No value, and why.
    pub fn missing(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::default().because(zh, en)
    }

    /// With one more input.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Measure>) -> Self {
        self.inputs.push(Input { name: name.to_owned(), value: value.into() });
        self
    }

    /// With one more reason.
    #[must_use]
    pub fn because(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.reasons.push(Reason { zh: zh.into(), en: en.into() });
        self
    }

    /// With the day it could change.
    #[must_use]
    pub fn until(mut self, day: Option<Day>) -> Self {
        self.changes_on = day;
        self
    }

    /// Marked as not to be relied on.
    #[must_use]
    pub const fn provisional(mut self) -> Self {
        self.is_provisional = true;
        self
    }

    /// With the share of its inputs that was there.
    #[must_use]
    pub const fn covering(mut self, coverage: f64) -> Self {
        self.coverage = coverage;
        self
    }
}

impl From<f64> for Measure {
    fn from(number: f64) -> Self {
        Self::number(number)
    }
}

impl From<&str> for Measure {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
