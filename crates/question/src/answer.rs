//! Answers: numbers with names, each with its people if they were asked for.

mod breakdown;
mod closure;
mod paths;
mod sessions;

use roaring::RoaringBitmap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::form::At;

pub use breakdown::{Breakdown, BreakdownRest, BreakdownRow};
pub use closure::{Closure, ClosureGroup, ClosureStore, DataFunnel, DataFunnelGroup, DataFunnelStep, Fate};
pub use paths::{PathLink, PathNode, PathStep, Paths};
pub use sessions::{Sessions, VisitGroup, VisitPage, VisitPeriod, Visits};

/// A number of people, and who they are if that was asked for. In JSON it is the number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    count: u64,
    people: Option<RoaringBitmap>,
}

impl Count {
    /// So many, nobody by number.
    pub fn of(count: u64) -> Self {
        Self { count, people: None }
    }

    /// So many, of whom these are known.
    pub(crate) fn with(count: i128, people: Option<RoaringBitmap>) -> Self {
        Self { count: u64::try_from(count).unwrap_or(0), people }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Who, by party number.
    pub fn people(&self) -> Option<&RoaringBitmap> {
        self.people.as_ref()
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.count)
    }
}

/// The answer of a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// As of when it was asked.
    pub as_of: At,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// What was found, by the kind of the question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// For whom a rule holds.
    Members(Count),
    /// The latest events of one party, newest first.
    Latest(Vec<LatestEvent>),
    /// How many get to each step; and so for each value by which people are told apart.
    Funnel {
        /// All people.
        steps: Vec<FunnelStep>,
        /// Those who began with each value.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Vec<FunnelGroup>>,
    },
    /// Cohorts by value and in the order of time; those nobody belongs to are left out.
    Retention(Vec<Cohort>),
    /// Who did something and not the next thing.
    Absence {
        /// How many events were not followed.
        events: u64,
        /// Whose they are.
        people: Count,
    },
    /// Buyers by recency, frequency and money.
    Rfm(Rfm),
    /// Things, the one that brought most first; equal ones by name.
    Top(Vec<TopItem>),
    /// Who is in which groups: those in exactly these and no other, by all combinations anybody is in.
    Overlap {
        /// Who is in each group, in the order of the question.
        sizes: Vec<Count>,
        /// The combinations.
        parts: Vec<OverlapPart>,
    },
    /// How the group is divided by each trait.
    Profile {
        /// Who is in the group.
        group: Count,
        /// With whom it is compared.
        base: Count,
        /// The values of each trait.
        traits: Vec<ProfileTrait>,
    },
    /// Periods in the order of time, those in which nothing happened left out.
    Trend(Vec<TrendPoint>),
    /// A count, divided.
    Breakdown(Box<Breakdown>),
    /// Sessions.
    Sessions(Box<Sessions>),
    /// Steps after an event, or before it.
    Paths(Box<Paths>),
    /// What became of a store's customers.
    Closure(Box<Closure>),
    /// A data funnel.
    DataFunnel(Box<DataFunnel>),
}

/// Those in exactly some groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverlapPart {
    /// Places of the groups in the question.
    pub of: Vec<usize>,
    /// Who.
    pub people: Count,
}

/// A trait of a group and its base.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileTrait {
    /// Its name.
    pub name: String,
    /// Its values, the most frequent in the group first.
    pub values: Vec<ProfileValue>,
}

/// A value of a trait in a group and its base.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileValue {
    /// The value; `null` for those without.
    pub value: Option<String>,
    /// Who of the group has it.
    pub group: Count,
    /// Who of the base has it.
    pub base: Count,
    /// Its share in the group.
    pub share: f64,
    /// Share in the group ÷ share in the base × 100; `null` where the base has none.
    pub index: Option<f64>,
    /// How far the shares of the group and of the base without the group lie apart, in standard errors of
    /// their difference; `null` where one of them is empty or both are all or nothing.
    pub z: Option<f64>,
    /// Whether that is beyond chance: more than 1.96 standard errors.
    pub is_significant: bool,
}

/// What happened in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrendPoint {
    /// Where the period begins.
    pub start: At,
    /// The value events are told apart by; `null` for events without, and where nothing tells them apart.
    pub value: Option<String>,
    /// How many events.
    pub events: u64,
    /// The sum of the property, if one is summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<Json>,
    /// Whose they are.
    pub people: Count,
}

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunnelStep {
    /// The event.
    pub event: String,
    /// Who got here.
    pub people: Count,
}

/// A funnel of those who began with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunnelGroup {
    /// The value; `null` where there was none.
    pub value: Option<String>,
    /// The steps.
    pub steps: Vec<FunnelStep>,
}

/// Who began in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohort {
    /// The value cohorts are divided by; `null` for people without, and where nothing divides them.
    pub value: Option<String>,
    /// Where the period begins.
    pub start: At,
    /// Who began in it.
    pub size: Count,
    /// Who acted in the same period, the next, and so on as far as time has come.
    pub returned: Vec<Count>,
}

/// Buyers by recency, frequency and money.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rfm {
    /// The buyers.
    pub buyers: Count,
    /// The cells of the grid in which there is anybody.
    pub cells: Vec<RfmCell>,
    /// The segments by the grid of recency and frequency.
    pub segments: Vec<RfmSegment>,
    /// The segments by what is above and below the mean.
    pub eight: Vec<RfmSegment>,
    /// The scores of each buyer.
    #[serde(skip)]
    pub scores: Vec<RfmScore>,
}

/// The scores of a buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RfmScore {
    /// The party's number.
    pub party: u32,
    /// Local days since the last order.
    pub days: i64,
    /// Local days with an order.
    pub orders: i64,
    /// Net amount with [`criteria::number::SCALE_MAX`] fraction digits.
    pub money: i128,
    /// Recency, frequency and money, each 1 to 5.
    pub scores: [u8; 3],
}

/// A cell of the grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RfmCell {
    /// Recency, 5 is lately.
    pub r: u8,
    /// Frequency, 5 is often.
    pub f: u8,
    /// Money, 5 is much.
    pub m: u8,
    /// Who is in it.
    pub people: Count,
}

/// A named segment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RfmSegment {
    /// Its name.
    pub segment: &'static str,
    /// Who is in it.
    pub people: Count,
    /// What they brought together.
    pub money: Json,
}

/// A thing and what it brought.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopItem {
    /// Its name.
    pub item: String,
    /// What it brought: the sum of the values, or how many events.
    pub value: Json,
    /// How many events.
    pub events: u64,
    /// Who, period by period; those without anybody are left out.
    pub periods: Vec<TopPeriod>,
}

/// Who met a thing in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopPeriod {
    /// Where the period begins.
    pub start: At,
    /// Who.
    pub people: Count,
}

/// An event of a party.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatestEvent {
    /// When.
    pub time: At,
    /// Its name.
    pub event: String,
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// Its properties.
    pub properties: Json,
}
