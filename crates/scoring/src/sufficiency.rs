//! When a model has enough data to be believed, and what is shown instead (§4.19).
//!
//! Quality is judged by the lower bound of the Wilson interval, not by the point: 97 of 100 may be 91 %.

use serde::{Deserialize, Serialize};

pub use crate::statistics::interval::wilson;

/// Buyers from which quintiles mean something.
pub const RFM_BUYERS_MIN: u64 = 500;
/// Repeat buyers from which BG/NBD is fitted.
pub const CLV_REPEAT_BUYERS_MIN: u64 = 1_000;
/// Days of history from which BG/NBD is fitted: six months.
pub const CLV_HISTORY_DAYS_MIN: i32 = 183;
/// Correlation of frequency and amount from which Gamma–Gamma does not hold.
pub const CLV_CORRELATION_MAX: f64 = 0.3;
/// Positives from which a classifier is trained.
pub const CLASSIFIER_POSITIVES_MIN: u64 = 1_000;
/// Area under the curve a classifier has to reach on later data.
pub const CLASSIFIER_AUC_MIN: f64 = 0.70;
/// Seeds from which look-alikes are learned.
pub const LOOKALIKE_SEEDS_MIN: usize = 100;
/// Lift at the size asked for that a learned look-alike has to reach.
pub const LOOKALIKE_LIFT_MIN: f64 = 2.0;
/// Baskets from which items are compared.
pub const ITEM_BASKETS_MIN: u64 = 5_000;
/// Baskets an item has to be in.
pub const ITEM_COUNT_MIN: u64 = 20;
/// Labelled pairs from which matching may decide by itself.
pub const MATCHING_LABELS_MIN: u64 = 300;
/// The lower bound of its precision.
pub const MATCHING_PRECISION_MIN: f64 = 0.99;
/// Levels of spending from which a response curve is fitted, and customers on each.
pub const RESPONSE_LEVELS_MIN: (u64, u64) = (4, 30);
/// The share of variance a response curve has to explain.
pub const RESPONSE_R2_MIN: f64 = 0.3;
/// Weeks from which a forecast is made.
pub const FORECAST_WEEKS_MIN: u64 = 8;

/// Why a model was refused; the fallback is shown instead.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Refusal {
    /// Fewer than needed.
    TooFew {
        /// Of what.
        what: String,
        /// How many there are.
        have: u64,
        /// How many it takes.
        need: u64,
    },
    /// A figure of quality is on the wrong side of its bound.
    TooPoor {
        /// Which figure.
        what: String,
        /// Its value.
        is: f64,
        /// The bound.
        bound: f64,
    },
}

impl Refusal {
    /// In words: Chinese, English.
    pub fn words(&self) -> (String, String) {
        match self {
            Self::TooFew { what, have, need } => (
                format!("数据不足:{what}为{have},至少需要{need}"),
                format!("too little data: {what} is {have}, at least {need} are needed"),
            ),
            Self::TooPoor { what, is, bound } => (
                format!("质量不足:{what}为{is:.4},界限为{bound:.4}"),
                format!("too poor: {what} is {is:.4}, the bound is {bound:.4}"),
            ),
        }
    }
}

/// Passes if there are enough.
///
/// # Errors
/// [`Refusal::TooFew`].
pub fn enough(what: &str, have: u64, need: u64) -> Result<(), Refusal> {
    if have >= need { Ok(()) } else { Err(Refusal::TooFew { what: what.to_owned(), have, need }) }
}

/// Passes if a figure reaches its bound.
///
/// # Errors
/// [`Refusal::TooPoor`], also of what is no number.
pub fn at_least(what: &str, is: f64, bound: f64) -> Result<(), Refusal> {
    if is >= bound { Ok(()) } else { Err(Refusal::TooPoor { what: what.to_owned(), is, bound }) }
}

/// Passes if a figure does not exceed its bound.
///
/// # Errors
/// [`Refusal::TooPoor`], also of what is no number.
pub fn at_most(what: &str, is: f64, bound: f64) -> Result<(), Refusal> {
    if is <= bound { Ok(()) } else { Err(Refusal::TooPoor { what: what.to_owned(), is, bound }) }
}

/// Whether matching may decide by itself: enough labels, and the lower bound of its precision.
///
/// # Errors
/// [`Refusal`].
pub fn matching(right: u64, labels: u64) -> Result<(), Refusal> {
    enough("labelled pairs", labels, MATCHING_LABELS_MIN)?;
    at_least("lower bound of precision", wilson(right, labels).0, MATCHING_PRECISION_MIN)
}

/// Whether a response curve may be fitted and believed; `customers` are those of each level.
///
/// # Errors
/// [`Refusal`].
pub fn response_curve(customers: &[u64], r2: f64) -> Result<(), Refusal> {
    let (levels, each) = RESPONSE_LEVELS_MIN;
    let full = customers.iter().filter(|customers| **customers >= each).count() as u64;
    enough("levels with 30 customers", full, levels)?;
    at_least("explained variance", r2, RESPONSE_R2_MIN)
}

/// Whether a forecast may be used instead of the naive one.
///
/// # Errors
/// [`Refusal`].
pub fn forecast(weeks: u64, error: f64, error_of_naive: f64) -> Result<(), Refusal> {
    enough("weeks", weeks, FORECAST_WEEKS_MIN)?;
    at_most("weighted error", error, error_of_naive)
}

/// Whether items may be recommended by what is bought together.
///
/// # Errors
/// [`Refusal`].
pub fn item_to_item(baskets: u64, hit_rate: f64, hit_rate_of_popular: f64) -> Result<(), Refusal> {
    enough("baskets", baskets, ITEM_BASKETS_MIN)?;
    at_least("hits of ten", hit_rate, hit_rate_of_popular)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_seven_of_a_hundred_is_not_precise_enough_to_decide_alone_section_4_19() {
        assert!(matching(97, 100).is_err());
        assert!(matching(970, 1_000).is_err());
        assert!(matching(2_000, 2_000).is_ok());
    }

    #[test]
    fn a_figure_that_is_no_number_passes_no_gate() {
        assert!(at_least("x", f64::NAN, 0.0).is_err());
        assert!(at_most("x", f64::NAN, 1.0).is_err());
        let refusal = enough("buyers", 200, 500).unwrap_err();
        assert_eq!(refusal.words().1, "too little data: buyers is 200, at least 500 are needed");
    }
}
