//! The attributes of the two axes, and what they are of a party (§4.10, catalogue §5).
//!
//! An attribute that came as a trait counts; one that did not is computed from orders and touches where
//! that is possible, and is missing otherwise.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::activity;
use crate::clv;
use crate::day::Day;
use crate::facts::{Facts, Kind, TouchKind};
use crate::money::Money;
use crate::quality;
use crate::rhythm::Rhythm;
use crate::settings::Settings;
use crate::statistics::special::deviation;
use crate::tier::Run;

/// An attribute with its weight on an axis.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Weighted {
    /// Its key in the catalogue.
    pub key: String,
    /// Its weight.
    pub weight: f64,
    /// Whether less of it is better.
    #[serde(default)]
    pub is_inverse: bool,
}

fn weighted(key: &str, weight: f64) -> Weighted {
    Weighted { key: key.to_owned(), weight, is_inverse: false }
}

/// Stars of merchants: realised contribution of twelve months.
pub fn merchant_stars() -> Vec<Weighted> {
    vec![
        weighted("net_sales", 25.0),
        weighted("margin_after_investment", 25.0),
        weighted("order_regularity", 10.0),
        weighted("category_breadth", 10.0),
        weighted("growth", 10.0),
        weighted("payment_discipline", 10.0),
        weighted("promotion_execution", 5.0),
        weighted("data_contribution", 5.0),
    ]
}

/// Diamonds of merchants: potential and relationship.
pub fn merchant_diamonds() -> Vec<Weighted> {
    vec![
        weighted("headroom", 30.0),
        weighted("location_traffic", 15.0),
        weighted("segment_trend", 10.0),
        weighted("relationship", 20.0),
        weighted("momentum", 10.0),
        weighted("wallet_gap", 5.0),
        weighted("verification_completeness", 10.0),
    ]
}

/// Stars of consumers, equal in weight.
pub fn consumer_stars() -> Vec<Weighted> {
    let return_rate = Weighted { is_inverse: true, ..weighted("return_rate", 1.0) };
    let keys = ["net_sales", "margin", "frequency", "category_breadth", "referrals"];
    keys.into_iter().map(|key| weighted(key, 1.0)).chain([return_rate]).collect()
}

/// Diamonds of consumers, equal in weight.
pub fn consumer_diamonds() -> Vec<Weighted> {
    let keys = ["clv", "engagement", "reachability", "headroom", "completeness"];
    keys.into_iter().map(|key| weighted(key, 1.0)).collect()
}

/// What attributes are computed from once constants are known.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Basis {
    /// The values known without constants, in the order of the attributes.
    pub values: Vec<Option<f64>>,
    /// Net of twelve months.
    pub volume: f64,
    /// How much the party could take, 1 being usual.
    pub capacity: Option<f64>,
}

impl Basis {
    /// The basis of a party.
    pub fn of(attributes: &[Weighted], facts: &Facts, settings: &Settings, today: Day) -> Self {
        let value = |attribute: &Weighted| {
            let told = facts.attributes.get(&attribute.key).copied();
            told.or_else(|| computed(&attribute.key, facts, settings, today))
        };
        Self {
            values: attributes.iter().map(value).collect(),
            volume: net(facts, today, 0..365).units(),
            capacity: facts.attributes.get("capacity_index").copied(),
        }
    }

    /// The values, with those that need constants.
    pub fn completed(
        mut self,
        attributes: &[Weighted],
        clv: Option<f64>,
        volume_p90: Option<f64>,
    ) -> Vec<Option<f64>> {
        for (attribute, value) in attributes.iter().zip(&mut self.values).filter(|(_, value)| value.is_none())
        {
            *value = match attribute.key.as_str() {
                "clv" => clv,
                "headroom" => volume_p90
                    .zip(self.capacity)
                    .map(|(peak, capacity)| (peak * capacity - self.volume).max(0.0)),
                _ => None,
            };
        }
        self.values
    }
}

/// The values of a party in a run, in the order of the attributes.
pub fn values(attributes: &[Weighted], facts: &Facts, run: &Run, settings: &Settings) -> Vec<Option<f64>> {
    let history = clv::History::of(facts, run.day);
    let clv = run.clv.expect(&history, &settings.clv).map(|expected| expected.value);
    let peak = run.volume_p90.get(facts).copied().flatten();
    Basis::of(attributes, facts, settings, run.day).completed(attributes, clv, peak)
}

/// Net of the orders whose age in days is in a range.
fn net(facts: &Facts, today: Day, ages: std::ops::Range<i32>) -> Money {
    let orders = facts.orders.iter().filter(|order| ages.contains(&today.since(order.day)));
    orders.map(|order| order.net).sum()
}

/// What can be computed from facts alone.
fn computed(key: &str, facts: &Facts, settings: &Settings, today: Day) -> Option<f64> {
    let year = || facts.orders.iter().filter(|order| order.day.is_within(365, today));
    let touches =
        |kind| facts.touches.iter().filter(|t| t.kind == kind && t.day.is_within(365, today)).count() as f64;
    let has_ordered = !facts.orders.is_empty();
    match key {
        "net_sales" => has_ordered.then(|| net(facts, today, 0..365).units()),
        "frequency" => {
            has_ordered.then(|| Rhythm::of_days(year().map(|order| order.day).collect()).days.len() as f64)
        }
        "category_breadth" => {
            let categories: BTreeSet<&str> =
                year().flat_map(|order| &order.lines).filter_map(|line| line.category.as_deref()).collect();
            (!categories.is_empty()).then_some(categories.len() as f64)
        }
        "order_regularity" => {
            let intervals = Rhythm::of(facts).intervals;
            let mean = intervals.iter().sum::<f64>() / intervals.len() as f64;
            (intervals.len() >= 2).then(|| 1.0 - deviation(&intervals) / mean)
        }
        "growth" => {
            let before = net(facts, today, 365..730);
            (before > Money::ZERO).then(|| net(facts, today, 0..365).minus(before).units() / before.units())
        }
        // The slope of the last three months: half of what the last is more than the first.
        "momentum" => {
            has_ordered.then(|| net(facts, today, 0..30).minus(net(facts, today, 60..90)).units() / 2.0)
        }
        "wallet_gap" => facts.attributes.get("share_of_wallet").map(|share| 1.0 - share),
        "referrals" => (facts.kind == Kind::Consumer).then(|| touches(TouchKind::Referral)),
        "return_rate" => {
            let orders = year().count() as f64;
            (orders > 0.0).then(|| touches(TouchKind::Return) / orders)
        }
        "engagement" => Some(activity::raw(facts, &settings.activity, today)),
        "reachability" => facts.relation.consented.as_ref().map(|channels| channels.len() as f64),
        "completeness" | "verification_completeness" => quality::completeness(&facts.fields, today),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_both_axes_of_merchants_add_up_to_a_hundred_section_4_10() {
        for axis in [merchant_stars(), merchant_diamonds()] {
            assert_eq!(axis.iter().map(|attribute| attribute.weight).sum::<f64>(), 100.0);
        }
    }

    #[test]
    fn headroom_is_what_the_best_peers_take_by_own_capacity_less_own_volume() {
        let attributes = [weighted("headroom", 1.0)];
        let basis = Basis { values: vec![None], volume: 300.0, capacity: Some(0.5) };
        assert_eq!(basis.clone().completed(&attributes, None, Some(1_000.0)), [Some(200.0)]);
        assert_eq!(basis.completed(&attributes, None, None), [None]);
    }

    #[test]
    fn what_a_trait_says_counts_before_what_orders_say() {
        let mut facts = Facts::default();
        assert_eq!(Basis::of(&merchant_stars(), &facts, &Settings::default(), Day(9)).values, [None; 8]);
        facts.attributes.insert("net_sales".to_owned(), 7.0);
        assert_eq!(Basis::of(&merchant_stars(), &facts, &Settings::default(), Day(9)).values[0], Some(7.0));
    }
}
