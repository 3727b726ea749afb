//! Visits: what is answered.

use serde::Serialize;

use super::Count;
use crate::form::At;

/// Sessions, together and told apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sessions {
    /// All of them.
    pub all: Visits,
    /// By the period they began in, if time is cut; those without any are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub periods: Option<Vec<VisitPeriod>>,
    /// By value, if they are told apart by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<VisitGroup>>,
    /// Pages sessions began on, the most frequent first.
    pub landing: Vec<VisitPage>,
    /// Pages sessions ended on, the most frequent first.
    pub exit: Vec<VisitPage>,
}

/// Figures of some sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Visits {
    /// How many.
    pub sessions: u64,
    /// Whose they are.
    pub people: Count,
    /// Views in them.
    pub views: u64,
    /// Clicks in them.
    pub clicks: u64,
    /// Orders in them.
    pub orders: u64,
    /// Who ordered in them.
    pub buyers: Count,
    /// How many have one view at most, and no click and no order.
    pub bounces: u64,
    /// What part of them that is; `null` of none.
    pub bounce_rate: Option<f64>,
    /// Seconds from the first event to the last, on average; `null` of none.
    pub seconds_mean: Option<f64>,
}

/// Sessions that began in one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisitPeriod {
    /// Where the period begins.
    pub start: At,
    /// Their figures.
    #[serde(flatten)]
    pub visits: Visits,
}

/// Sessions with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisitGroup {
    /// The value; `null` where there was none.
    pub value: Option<String>,
    /// Their figures.
    #[serde(flatten)]
    pub visits: Visits,
}

/// A page sessions began or ended on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisitPage {
    /// The page; `null` for views that name none.
    pub page: Option<String>,
    /// How many sessions.
    pub sessions: u64,
    /// Whose they are.
    pub people: Count,
}
