//! Activity: decayed, weighted interactions (§4.7, SCO-01). See docs/definitions/activity.md.
//!
//! raw = Σ w(kind)·2^(−age/h), score = 100·raw/(raw + K), where K is the peers' median of positive raws.

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, Kind, TouchKind};
use crate::model::Value;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days in which a consumer's interaction loses half its weight.
    pub half_life_consumer: f64,
    /// The same of a merchant's: they order less often and by plan.
    pub half_life_merchant: f64,
    /// Interactions of weight 1 that count on one day; a crawler or a restless finger is no interest.
    pub light_a_day_max: u32,
    /// K where no peer has any activity.
    pub midpoint: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { half_life_consumer: 14.0, half_life_merchant: 30.0, light_a_day_max: 20, midpoint: 6.0 }
    }
}

impl Settings {
    /// The half-life of a kind of party.
    pub const fn half_life(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Consumer => self.half_life_consumer,
            Kind::Merchant => self.half_life_merchant,
        }
    }
}

/// The weight of an order.
pub const ORDER_WEIGHT: f64 = 10.0;

/// The weight of a touch; `None` if it is no activity.
pub const fn weight(kind: TouchKind) -> Option<f64> {
    match kind {
        TouchKind::Page | TouchKind::Content => Some(1.0),
        TouchKind::ProductView | TouchKind::Search => Some(2.0),
        TouchKind::VisitMet | TouchKind::StockReport | TouchKind::StockLeft => Some(3.0),
        TouchKind::Review => Some(4.0),
        TouchKind::Cart | TouchKind::StoreVisit | TouchKind::PromotionJoined => Some(5.0),
        TouchKind::Enquiry | TouchKind::Referral => Some(6.0),
        TouchKind::Complaint | TouchKind::Return | TouchKind::WakeUp | TouchKind::Response => None,
    }
}

/// Σ w·2^(−age/h) of (weight, age in days), in the order given.
pub fn decayed(interactions: impl IntoIterator<Item = (f64, f64)>, half_life: f64) -> f64 {
    interactions.into_iter().map(|(weight, age)| weight * (-age / half_life).exp2()).sum()
}

/// 100·raw/(raw + K).
pub fn score(raw: f64, midpoint: f64) -> f64 {
    if raw > 0.0 { 100.0 * raw / (raw + midpoint) } else { 0.0 }
}

/// The raw activity of a party today.
pub fn raw(facts: &Facts, settings: &Settings, today: Day) -> f64 {
    let half_life = settings.half_life(facts.kind);
    let orders = facts.orders.iter().map(|order| (ORDER_WEIGHT, f64::from(today.since(order.day))));
    let mut light = (Day(i32::MIN), 0);
    let touches = facts.touches.iter().filter_map(|touch| {
        let weight = weight(touch.kind)?;
        if weight <= 1.0 {
            light = if light.0 == touch.day { (light.0, light.1 + 1) } else { (touch.day, 1) };
            if light.1 > settings.light_a_day_max {
                return None;
            }
        }
        Some((weight, f64::from(today.since(touch.day))))
    });
    decayed(orders.chain(touches), half_life)
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let raw = raw(facts, settings, today);
    let midpoint = constants.activity_midpoint(facts).unwrap_or(settings.midpoint);
    let value = score(raw, midpoint);
    let last = facts.touches.iter().map(|t| t.day).chain(facts.orders.iter().map(|o| o.day)).max();
    let value = Value::number(value).with("raw", raw).with("midpoint", midpoint);
    let (count, half_life) = (facts.touches.len() + facts.orders.len(), settings.half_life(facts.kind));
    match last {
        None => value.because("没有任何互动", "no interaction at all"),
        Some(last) => {
            let days = today.since(last);
            value
                .because(
                    format!("共{count}次互动,最近一次在{days}天前;每{half_life}天权重减半"),
                    format!(
                        "{count} interactions, the last {days} days ago; weights halve every {half_life} days"
                    ),
                )
                .until(Some(today.plus(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_value_of_section_4_7_and_sco_01() {
        let raw = decayed([(1.0, 0.0), (3.0, 7.0), (10.0, 14.0), (1.0, 28.0)], 14.0);
        assert!((raw - 8.371_320).abs() < 5e-7);
        assert!((score(raw, 6.0) - 58.2502).abs() < 5e-5);
    }

    proptest! {
        #[test]
        fn an_interaction_more_is_never_less_activity(
            ages in prop::collection::vec(0.0..400.0f64, 0..20), more in 0.0..400.0f64,
        ) {
            let all: Vec<_> = ages.iter().map(|age| (2.0, *age)).collect();
            let before = score(decayed(all.clone(), 14.0), 6.0);
            let after = score(decayed(all.into_iter().chain([(2.0, more)]), 14.0), 6.0);
            prop_assert!(after >= before && after <= 100.0);
        }
    }
}
