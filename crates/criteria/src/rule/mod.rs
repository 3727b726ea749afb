//! A rule as a tree. What its parts mean is decided by `evaluate`; how they are written, by `read` and
//! `write`. Two rules are equal if their canonical JSON is.

mod comparison;
mod window;

pub use comparison::{Comparison, Literal, Relation, TextRelation};
pub use window::{DURATION_MICROS_MAX, Duration, Period, Since, Unit, Window};

use crate::path::Path;

/// Levels of `all`, `any` and `none`, the leaf included: what a person can still read.
pub const DEPTH_MAX: usize = 8;
/// Leaves of one rule, and conditions of one `where`.
pub const LEAVES_MAX: usize = 200;
/// Steps of one sequence.
pub const STEPS_MAX: usize = 20;
/// Values of one list; a longer list is an audience.
pub const LIST_VALUES_MAX: usize = 10_000;
/// Characters of a regular expression.
pub const PATTERN_CHARS_MAX: usize = 256;
/// A condition on one party.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    /// Every one is true.
    All(Vec<Rule>),
    /// At least one is true.
    Any(Vec<Rule>),
    /// None is true.
    None(Vec<Rule>),
    /// On a field of the profile.
    Trait(Named),
    /// On a measure over events.
    Event(EventRule),
    /// On events one after the other.
    Sequence(SequenceRule),
    /// On a tag.
    Tag(Named),
    /// On a score.
    Score(Named),
    /// On the state of a state machine.
    Stage(Named),
    /// Member of an audience.
    Audience(String),
    /// On what was consented to.
    Consent(ConsentRule),
    /// On records reached by a relation.
    Related(RelatedRule),
    /// True or false for everybody.
    Always(bool),
}

/// A comparison of something that has a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Named {
    /// The name of the trait, tag, score or state machine.
    pub name: String,
    /// What has to hold of its value.
    pub comparison: Comparison,
}

/// A measure over events.
#[derive(Clone, PartialEq, Debug)]
pub struct EventRule {
    /// Which events.
    pub events: Events,
    /// Conditions on each event.
    pub filters: Vec<Filter>,
    /// When.
    pub window: Window,
    /// What is measured.
    pub measure: Measure,
    /// What has to hold of it.
    pub comparison: Comparison,
}

/// Which events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Events {
    /// Every event of the timeline, written `"*"`.
    Every,
    /// Events of these names.
    Named(Vec<String>),
}

/// What is measured over events.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Measure {
    /// How many.
    Count,
    /// On how many local days.
    Days,
    /// When the first happened.
    FirstTime,
    /// When the last happened.
    LastTime,
    /// Something of a property.
    Of(Aggregate, Path),
}

/// What is made of the values of a property.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many different ones.
    Distinct,
    /// The earliest.
    First,
    /// The latest.
    Last,
}

impl Aggregate {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("distinct", Self::Distinct),
        ("first", Self::First),
        ("last", Self::Last),
    ];
}

/// A condition on one event or record.
#[derive(Clone, PartialEq, Debug)]
pub enum Filter {
    /// Every one is true.
    All(Vec<Filter>),
    /// At least one is true.
    Any(Vec<Filter>),
    /// None is true.
    None(Vec<Filter>),
    /// On a property.
    Property(Path, Comparison),
}

/// Events one after the other; the measure is how often they came so.
#[derive(Clone, PartialEq, Debug)]
pub struct SequenceRule {
    /// The steps; the first is never absent and has neither `within` nor `same`.
    pub steps: Vec<Step>,
    /// When the first step happens.
    pub window: Window,
    /// What has to hold of the number of matches.
    pub comparison: Comparison,
}

/// A step of a sequence.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Names of its events.
    pub events: Vec<String>,
    /// Conditions on them.
    pub filters: Vec<Filter>,
    /// How long after the step before.
    pub within: Option<Duration>,
    /// Properties that equal those of the first step.
    pub same: Vec<Path>,
    /// The step holds if there is no such event.
    pub is_absent: bool,
}

/// What was consented to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsentRule {
    /// Through which channel.
    pub channel: String,
    /// For which purpose.
    pub purpose: String,
    /// What was said.
    pub state: Consent,
}

/// What a party said to a question for consent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Consent {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Yes at first, and later no.
    Withdrawn,
    /// Nothing.
    #[default]
    Unknown,
}

impl Consent {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("granted", Self::Granted),
        ("denied", Self::Denied),
        ("withdrawn", Self::Withdrawn),
        ("unknown", Self::Unknown),
    ];
}

/// How many records of an object a relation reaches.
#[derive(Clone, PartialEq, Debug)]
pub struct RelatedRule {
    /// The object.
    pub object: String,
    /// The relation that leads to it.
    pub via: String,
    /// Conditions on each record.
    pub filters: Vec<Filter>,
    /// What has to hold of their number.
    pub comparison: Comparison,
}

/// The name of `value` in one of the tables `ALL`.
pub(crate) fn name_of<T: PartialEq + Copy>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, other)| *other == value).map_or("", |(name, _)| name)
}

/// The value called `name` in one of the tables `ALL`.
pub(crate) fn by_name<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<T> {
    table.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

impl Measure {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Days => "days",
            Self::FirstTime => "first_time",
            Self::LastTime => "last_time",
            Self::Of(aggregate, _) => name_of(&Aggregate::ALL, *aggregate),
        }
    }
}

impl Rule {
    /// The rules directly inside a group; nothing for a leaf.
    pub fn members(&self) -> &[Rule] {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::None(rules) => rules,
            _ => &[],
        }
    }

    /// Calls `visit` with every leaf.
    pub fn each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&'a Rule)) {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::None(rules) => {
                rules.iter().for_each(|rule| rule.each_leaf(visit));
            }
            leaf => visit(leaf),
        }
    }
}

/// Names joined by commas, or `*`.
impl std::fmt::Display for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::Named(names) => f.write_str(&names.join(", ")),
        }
    }
}
