//! Loyalty, 0–100 (§4.9, SCO-05). See docs/definitions/loyalty.md.
//!
//! 100·(.35·kept cycles of the last 15 + .25·share of wallet + .15·min(tenure/36 months, 1)
//! + .15·engagement percentile + .10·(1 − complaints and returns per order)). What is not known is
//!   dropped and the rest weighs more.

use serde::{Deserialize, Serialize};

use crate::activity;
use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, TouchKind};
use crate::model::Value;
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Weights of cycles, wallet, tenure, engagement, peace.
    pub weights: [f64; 5],
    /// Cycles looked at.
    pub cycles: usize,
    /// Days of tenure that count in full: 36 months.
    pub tenure_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: [0.35, 0.25, 0.15, 0.15, 0.10], cycles: 15, tenure_days: 1_096.0 }
    }
}

/// Attributes in which the share of wallet, or failing that the share of category need met, arrive.
pub const WALLET: [&str; 2] = ["share_of_wallet", "share_of_need"];

/// The five parts, each 0–1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parts {
    /// Cycles kept of those that were due.
    pub cycles: Option<f64>,
    /// Share of wallet.
    pub wallet: Option<f64>,
    /// Tenure of 36 months.
    pub tenure: Option<f64>,
    /// Rank of activity among peers.
    pub engagement: Option<f64>,
    /// 1 − complaints and returns per order.
    pub peace: Option<f64>,
}

/// Value and coverage of parts.
pub fn score(parts: Parts, settings: &Settings) -> Option<(f64, f64)> {
    let Parts { cycles, wallet, tenure, engagement, peace } = parts;
    let all: f64 = settings.weights.iter().sum();
    let (mut sum, mut present) = (0.0, 0.0);
    for (part, weight) in [cycles, wallet, tenure, engagement, peace].into_iter().zip(settings.weights) {
        if let Some(part) = part {
            sum += weight * part.clamp(0.0, 1.0);
            present += weight;
        }
    }
    (present > 0.0).then(|| (100.0 * sum / present, present / all))
}

/// The model. Loyalty is of customers: without an order there is none to speak of.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let rhythm = Rhythm::of(facts);
    let Some(first) = rhythm.days.first() else {
        return Value::missing("没有订单", "no order yet");
    };
    let own = &settings.loyalty;
    let threshold = constants.threshold(facts, &rhythm, settings);
    let cycles = rhythm.cycles(threshold, today, own.cycles);
    let kept = cycles.iter().filter(|is_kept| **is_kept).count();
    let activity = activity::raw(facts, &settings.activity, today);
    let troubles = facts.touches.iter().filter(|touch| {
        matches!(touch.kind, TouchKind::Complaint | TouchKind::Return) && touch.day.is_within(365, today)
    });
    let troubles = troubles.count() as f64;
    let orders = facts.orders.iter().filter(|order| order.day.is_within(365, today)).count().max(1) as f64;
    let since = facts.created.map_or(*first, |created| created.min(*first));
    let parts = Parts {
        cycles: (!cycles.is_empty()).then(|| kept as f64 / cycles.len() as f64),
        wallet: WALLET.iter().find_map(|name| facts.attributes.get(*name).copied()),
        tenure: Some(f64::from(today.since(since)) / own.tenure_days),
        engagement: constants.engagement.get(facts).and_then(|peers| peers.rank(activity)),
        peace: Some(1.0 - (troubles / orders).min(1.0)),
    };
    let Some((score, coverage)) = score(parts, own) else {
        return Value::missing("没有可用输入", "nothing to judge by");
    };
    let due = cycles.len();
    Value::number(score)
        .with("cycles_kept", parts.cycles)
        .with("share_of_wallet", parts.wallet)
        .with("tenure", parts.tenure)
        .with("engagement", parts.engagement)
        .with("without_trouble", parts.peace)
        .covering(coverage)
        .because(
            format!("应购{due}个周期中履行{kept}个;一年内投诉与退货{troubles}次"),
            format!("{kept} of {due} due cycles kept; {troubles} complaints and returns in a year"),
        )
        .until(Some(today.plus(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_of_fifteen_due_visits_kept_and_no_complaint_is_at_least_80_sco_05() {
        // Order every ten days for three years, one visit of the last fifteen missed.
        let skipped = 100;
        let days = (0..=110).filter(|n| *n != skipped).map(|n| Day(n * 10));
        let orders = days.map(|day| crate::facts::Order { day, ..Default::default() }).collect();
        let facts = Facts { orders, ..Facts::default() };
        let value = apply(&facts, &Constants::default(), &All::default(), Day(1_105));
        assert!(value.value.as_number().unwrap() >= 80.0, "{value:?}");
        let parts = Parts {
            cycles: Some(14.0 / 15.0),
            wallet: None,
            tenure: Some(1.0),
            engagement: Some(0.5),
            peace: Some(1.0),
        };
        let (score, coverage) = score(parts, &Settings::default()).unwrap();
        assert!(score >= 80.0 && (coverage - 0.75).abs() < 1e-12, "{score}");
    }

    #[test]
    fn a_complaint_never_makes_more_loyal() {
        let parts = |peace| Parts {
            cycles: Some(0.9),
            wallet: None,
            tenure: Some(0.4),
            engagement: None,
            peace: Some(peace),
        };
        let of = |peace| score(parts(peace), &Settings::default()).unwrap().0;
        assert!(of(1.0) > of(0.8) && of(0.8) > of(0.0));
    }
}
