//! What becomes of a store's customers when it closes, and data funnels: what is answered.

use serde::Serialize;

use super::Count;

/// What became of a store's customers, beside those of stores like it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Closure {
    /// Whether the time after is over; until then more can come back.
    pub is_over: bool,
    /// Customers of the store that closed.
    pub closed: Fate,
    /// Customers of stores like it, if some were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<Fate>,
    /// The part that left after the closing, less the part that left stores like it; `null` without them.
    pub excess_loss: Option<f64>,
    /// To which stores customers went, the one with most first.
    pub stores: Vec<ClosureStore>,
    /// By the value of the trait, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<ClosureGroup>>,
}

/// What became of some customers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fate {
    /// All of them.
    pub people: Count,
    /// Who bought in a store again; of the store that closed, in another one.
    pub store: Count,
    /// Who bought online only.
    pub online: Count,
    /// Who bought nothing.
    pub none: Count,
    /// What part that is; `null` of nobody.
    pub lost: Option<f64>,
}

/// A store customers went to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClosureStore {
    /// The store.
    pub store: String,
    /// Who bought there.
    pub people: Count,
}

/// Customers with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClosureGroup {
    /// The value; `null` for those without.
    pub value: Option<String>,
    /// What became of them.
    #[serde(flatten)]
    pub fate: Fate,
}

/// A data funnel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataFunnel {
    /// Everybody's way.
    pub steps: Vec<DataFunnelStep>,
    /// The same by the value of the trait, if one was named; the value with most people at the first step first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<DataFunnelGroup>>,
}

/// A step of a data funnel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataFunnelStep {
    /// What it is called.
    pub name: String,
    /// Who meets this condition and all before it.
    pub people: Count,
    /// Who meets all before it, and not this one: what is lost here; `null` at the first.
    pub lost: Option<Count>,
}

/// The way of those with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataFunnelGroup {
    /// The value; `null` for those without.
    pub value: Option<String>,
    /// Their steps.
    pub steps: Vec<DataFunnelStep>,
}
