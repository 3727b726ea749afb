//! What can be asked, as JSON. Names and meanings are stable; another meaning is another version.

mod breakdown;
mod closure;
mod paths;
mod sessions;

use serde::{Deserialize, Serialize};

use crate::form::{At, By, For, Property, Who};
use crate::which::Which;

pub use breakdown::{Bins, Breakdown, Dimension, Of};
pub use closure::{Closure, DataFunnel, DataStep};
pub use paths::{Paths, Side};
pub use sessions::Sessions;

/// Present version of the specification.
pub const VERSION: u32 = 1;

/// A question about everybody, as of an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Version of this form; the present one if absent.
    #[serde(default = "version")]
    pub version: u32,
    /// Nothing after it counts.
    pub as_of: At,
    /// The time zone days, weeks and months are cut in.
    #[serde(default = "zone")]
    pub zone: String,
    /// Whether numbers come with their people.
    #[serde(default)]
    pub people: bool,
    /// What is asked.
    pub ask: Ask,
}

fn version() -> u32 {
    VERSION
}

fn zone() -> String {
    "UTC".to_owned()
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// For whom a rule holds.
    Members(Who),
    /// The latest events of one party.
    Latest(Latest),
    /// Who gets how far in a chain of events.
    Funnel(Funnel),
    /// Who comes back in later periods.
    Retention(Retention),
    /// Who did something and not the next thing in time.
    Absence(Absence),
    /// Recency, frequency and money of buyers.
    Rfm(Rfm),
    /// Things by what they brought.
    Top(Top),
    /// How many are in several groups at once.
    Overlap(Overlap),
    /// How a group is divided by a trait, and how that differs from everybody.
    Profile(Box<Profile>),
    /// How often something happens, period by period.
    Trend(Trend),
    /// How a count of people or events is divided.
    Breakdown(Box<Breakdown>),
    /// How people visit.
    Sessions(Box<Sessions>),
    /// What people do next, or did before.
    Paths(Box<Paths>),
    /// What became of a store's customers when it closed.
    Closure(Box<Closure>),
    /// How many come how far through conditions that follow one another.
    DataFunnel(Box<DataFunnel>),
}

/// How many are in several groups at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// The groups, by rules: two to eight.
    pub of: Vec<Who>,
}

/// How a group is divided by traits, beside a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The group.
    pub of: Who,
    /// What it is compared with; everybody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Who>,
    /// Names of traits, at most 32.
    pub traits: Vec<String>,
}

/// How often something happens, period by period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// The events.
    pub event: Which,
    /// A property that is summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Property>,
    /// A property by which events are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Property>,
    /// How time is cut.
    #[serde(default = "day")]
    pub every: Every,
    /// When.
    pub window: Window,
}

fn day() -> Every {
    Every::Day
}

/// A stretch of time, never later than the question's instant. Without a member it is all time before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// So long before the question's instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<For>,
    /// From here on, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<At>,
    /// Until here, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
}

impl Window {
    /// Whether it is all time.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// First microsecond, and the one after the last.
    pub(crate) fn range(&self, as_of: i64) -> (i64, i64) {
        let end = as_of.saturating_add(1);
        let last = self.last.map_or(i64::MIN, |last| end.saturating_sub(last.micros()));
        let from = self.from.map_or(i64::MIN, At::micros).max(last);
        (from, self.until.map_or(end, At::micros).min(end))
    }
}

/// A part of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A local day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month.
    Month,
}

/// Who gets how far in a chain of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    /// Events, in order: two to eight.
    pub steps: Vec<Which>,
    /// What may lie between steps.
    #[serde(default)]
    pub order: ChainOrder,
    /// All steps come within so long of the first.
    pub within: For,
    /// When the first step happens; later steps may come after, but not after the question's instant.
    #[serde(default)]
    pub window: Window,
    /// A property of the first step by which people are told apart, where who began in several ways counts in
    /// each; or a trait of people. In any order the first step is whichever came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Properties that every step has in common with the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same: Vec<Property>,
}

/// What may lie between the steps of a funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainOrder {
    /// Anything; the steps themselves come in order.
    #[default]
    Ordered,
    /// No other step's event: each step's event is followed by the next step's.
    Strict,
    /// The steps come in any order, the first of them opens the time. An event does every step it meets.
    Any,
}

/// Who comes back in later periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// The events of which the first in the window puts a person in a cohort.
    pub first: Which,
    /// The events by which it comes back.
    pub again: Which,
    /// How time is cut.
    #[serde(default = "week")]
    pub every: Every,
    /// How many periods after the first are looked at, at most 63.
    #[serde(default = "eight")]
    pub periods: u32,
    /// A trait by which cohorts are divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// When cohorts begin.
    pub window: Window,
}

fn week() -> Every {
    Every::Week
}

fn eight() -> u32 {
    8
}

/// Who did something and not the next thing in time: put things in a cart and ordered nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// What was done.
    pub event: Which,
    /// What did not follow.
    pub without: Which,
    /// Within how long it did not follow; before that is over, nobody is counted.
    pub within: For,
    /// When `event` happened.
    pub window: Window,
}

/// Recency, frequency and money of buyers, each scored 1 to 5 by quintiles of rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfm {
    /// The events that are orders.
    pub order: Which,
    /// Its amount.
    pub amount: Property,
    /// The event that takes money back, and its amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Refund>,
    /// Which orders count: 730 days if absent.
    #[serde(default = "two_years")]
    pub window: Window,
}

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// The events.
    pub event: Which,
    /// Its amount, positive.
    pub amount: Property,
}

fn two_years() -> Window {
    Window { last: Some(For::written("730d")), ..Window::default() }
}

/// Things by what they brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Top {
    /// The events.
    pub event: Which,
    /// The property that names the thing.
    pub item: Property,
    /// What it brought; without it events are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Property>,
    /// How many things, at most 10,000.
    #[serde(default = "hundred")]
    pub limit: u32,
    /// Into what people are counted apart.
    #[serde(default = "week")]
    pub every: Every,
    /// When.
    #[serde(default)]
    pub window: Window,
}

fn hundred() -> u32 {
    100
}

/// The latest events of one party.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latest {
    /// The party's number.
    pub party: u32,
    /// How many.
    #[serde(default = "fifty")]
    pub limit: u32,
}

fn fifty() -> u32 {
    50
}

impl Question {
    /// A question in the present version, without people.
    pub fn new(as_of: kernel::Instant, zone: &str, ask: Ask) -> Self {
        Self { version: VERSION, as_of: At(as_of), zone: zone.to_owned(), people: false, ask }
    }

    /// Reads a question.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(json: &str) -> kernel::Result<Self> {
        let read: Result<Self, _> = serde_json::from_str(json);
        read.map_err(|error| kernel::Failure::invalid("question", error.to_string()))
    }

    /// The rules that say who counts.
    pub fn rules(&self) -> Vec<&criteria::Rule> {
        match &self.ask {
            Ask::Members(who) => vec![&who.0],
            Ask::Overlap(overlap) => overlap.of.iter().map(|who| &who.0).collect(),
            Ask::Profile(profile) => {
                std::iter::once(&profile.of).chain(&profile.base).map(|who| &who.0).collect()
            }
            Ask::DataFunnel(funnel) => funnel.steps.iter().map(|step| &step.of.0).collect(),
            Ask::Breakdown(breakdown) => breakdown.of.iter().map(|who| &who.0).collect(),
            _ => Vec::new(),
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a question has no map whose keys are not texts")
    }
}
