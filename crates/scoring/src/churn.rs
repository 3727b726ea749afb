//! Churn in numbers: rate, quality of the warnings, and the reasons of the churned (§4.5, LIF-06). See
//! docs/definitions/churn.md.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::statistics::{median, sorted};

/// Customers who moved to churned in a month ÷ those at risk of it at its start. `None` if nobody was.
pub fn rate(churned: u64, at_risk: u64) -> Option<f64> {
    (at_risk > 0).then(|| churned as f64 / at_risk as f64)
}

/// What became of one customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The day of the first warning, if there was one.
    pub warned: Option<Day>,
    /// The day silence reached twice the usual, if it did: the point at which the customer was lost.
    pub lost: Option<Day>,
}

/// How good warnings were.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Of the warned, how many were lost.
    pub precision: Option<f64>,
    /// Of the lost, how many were warned of before.
    pub recall: Option<f64>,
    /// Days from the warning to the loss, the median.
    pub lead_days: Option<f64>,
}

impl Quality {
    /// The quality of warnings with these outcomes. A warning on the day of the loss or later came too late.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let warned = outcomes.iter().filter(|outcome| outcome.warned.is_some()).count() as u64;
        let lost = outcomes.iter().filter(|outcome| outcome.lost.is_some()).count() as u64;
        let leads = outcomes.iter().filter_map(|outcome| Some(outcome.lost?.since(outcome.warned?)));
        let leads = sorted(leads.filter(|lead| *lead > 0).map(f64::from));
        Self {
            precision: rate(leads.len() as u64, warned),
            recall: rate(leads.len() as u64, lost),
            lead_days: median(&leads),
        }
    }
}

/// What is known of a churned customer that may tell why.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// What the customer said, if it said something.
    pub stated: Option<Business>,
    /// It moved, closed or changed hands.
    pub has_moved: bool,
    /// Complaints and returns in the ninety days before the last order and after.
    pub troubles: u32,
    /// Orders or searches that met an empty shelf in that time.
    pub stock_outs: u32,
    /// The share competitors have of its purchases, where it was observed.
    pub competitor_share: Option<f64>,
    /// Its decile of price sensitivity.
    pub price_decile: Option<u8>,
    /// A price went up, or an offer ended, in that time.
    pub has_dearer_price: bool,
    /// The day of the warning.
    pub warned: Option<Day>,
    /// The day it was lost.
    pub lost: Option<Day>,
    /// Follow-ups between the warning and the loss.
    pub follow_ups: u32,
    /// Its stage when it went silent was one that is not followed up, though its facts were of a higher one.
    pub was_in_wrong_stage: bool,
    /// A channel might lawfully be used.
    pub has_channel: bool,
}

/// Reasons on the side of business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Business {
    /// It moved or closed.
    Moved,
    /// Service: complaints, returns.
    Service,
    /// The goods were not there.
    StockOut,
    /// A competitor.
    Competitor,
    /// The price.
    Price,
    /// The need is gone: nothing else speaks for itself.
    NeedGone,
}

/// Reasons on our own side: the technical reflection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Nobody could have been reached.
    NoChannel,
    /// No warning, or none before the loss.
    WarnedTooLate,
    /// Warned in time, and nobody followed up.
    NoFollowUp,
    /// Treated by a stage it was not in.
    WrongStage,
}

/// The share of competitors from which they are the reason.
const COMPETITOR_SHARE_MIN: f64 = 0.5;
/// The decile of price sensitivity from which a dearer price is the reason.
const PRICE_DECILE_MIN: u8 = 8;

impl Case {
    /// The reason on the side of business. What the customer said counts before what was observed.
    pub fn business(&self) -> Business {
        let is_price =
            self.has_dearer_price && self.price_decile.is_some_and(|decile| decile >= PRICE_DECILE_MIN);
        match self {
            Self { stated: Some(stated), .. } => *stated,
            Self { has_moved: true, .. } => Business::Moved,
            Self { troubles: 1.., .. } => Business::Service,
            Self { stock_outs: 1.., .. } => Business::StockOut,
            Self { competitor_share: Some(share), .. } if *share >= COMPETITOR_SHARE_MIN => {
                Business::Competitor
            }
            _ if is_price => Business::Price,
            _ => Business::NeedGone,
        }
    }

    /// What went wrong on our side; empty if nothing did. Several things can.
    pub fn system(&self) -> Vec<System> {
        let mut reasons = Vec::new();
        if !self.has_channel {
            reasons.push(System::NoChannel);
        }
        let is_in_time = self.warned.is_some_and(|warned| self.lost.is_none_or(|lost| warned < lost));
        if !is_in_time {
            reasons.push(System::WarnedTooLate);
        } else if self.follow_ups == 0 {
            reasons.push(System::NoFollowUp);
        }
        if self.was_in_wrong_stage {
            reasons.push(System::WrongStage);
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> Case {
        Case {
            has_channel: true,
            warned: Some(Day(0)),
            lost: Some(Day(20)),
            follow_ups: 1,
            ..Case::default()
        }
    }

    #[test]
    fn totals_of_the_reasons_equal_what_was_planted_lif_06() {
        let plants = [
            (Business::Moved, Case { has_moved: true, troubles: 1, ..case() }, 80),
            (Business::Service, Case { troubles: 2, stock_outs: 1, ..case() }, 120),
            (Business::StockOut, Case { stock_outs: 1, ..case() }, 60),
            (Business::Competitor, Case { competitor_share: Some(0.7), ..case() }, 90),
            (Business::Price, Case { has_dearer_price: true, price_decile: Some(9), ..case() }, 100),
            (Business::NeedGone, case(), 50),
        ];
        let cases: Vec<&Case> =
            plants.iter().flat_map(|(_, case, count)| std::iter::repeat_n(case, *count)).collect();
        assert_eq!(cases.len(), 500);
        for (reason, _, count) in &plants {
            assert_eq!(cases.iter().filter(|case| case.business() == *reason).count(), *count, "{reason:?}");
        }
        let stated = Case { stated: Some(Business::Price), has_moved: true, ..case() };
        assert_eq!(stated.business(), Business::Price);
    }

    #[test]
    fn our_own_side_is_named_too() {
        assert_eq!(case().system(), []);
        assert_eq!(Case { follow_ups: 0, ..case() }.system(), [System::NoFollowUp]);
        assert_eq!(Case { warned: Some(Day(20)), ..case() }.system(), [System::WarnedTooLate]);
        assert_eq!(
            Case { warned: None, has_channel: false, was_in_wrong_stage: true, ..case() }.system(),
            [System::NoChannel, System::WarnedTooLate, System::WrongStage]
        );
    }

    #[test]
    fn a_warning_is_good_if_it_comes_before_the_loss() {
        let outcome =
            |warned: Option<i32>, lost: Option<i32>| Outcome { warned: warned.map(Day), lost: lost.map(Day) };
        let quality = Quality::of(&[
            outcome(Some(0), Some(10)),
            outcome(Some(0), Some(30)),
            outcome(Some(30), Some(30)),
            outcome(None, Some(5)),
            outcome(Some(3), None),
            outcome(None, None),
        ]);
        assert_eq!(quality, Quality { precision: Some(0.5), recall: Some(0.5), lead_days: Some(20.0) });
        assert_eq!(rate(3, 0), None);
    }
}
