//! Purchasing power: where a party stands among its peers in what it pays (§4.9, SCO-03). See
//! docs/definitions/purchasing-power.md.
//!
//! Weighted mean percentile rank of: price-tier index Σ qty·(unit price ÷ category median) / Σ qty,
//! mean order value, P90 of order value, net amount of twelve months. A declared income band, if the
//! party consented to its use, replaces a quarter of the score.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::constants::Constants as All;
use crate::day::Day;
use crate::facts::{Facts, Order};
use crate::model::Value;
use crate::money::Money;
use crate::peers::Grouped;
use crate::statistics::{Distribution, quantile, sorted};

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Weights of price tier, mean order value, peak and twelve-month net.
    pub weights: [f64; 4],
    /// The share of the score a declared income band takes.
    pub income_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: [0.3, 0.25, 0.2, 0.25], income_share: 0.25 }
    }
}

/// The attribute with the declared income band; absent without consent.
pub const INCOME_BAND: &str = "income_band";

/// What the measures are called, in the order of the weights.
pub const MEASURES: [&str; 4] = ["price_tier_index", "order_value_mean", "order_value_p90", "net_12_months"];

/// The measures of a party; missing is not zero.
pub type Measures = [Option<f64>; 4];

/// Constants over everyone.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Constants {
    /// Median unit price of a category.
    pub prices: BTreeMap<String, f64>,
    /// How each measure is distributed over peers who have it.
    pub measures: Grouped<[Distribution; 4]>,
    /// How income bands are distributed.
    pub income: Grouped<Distribution>,
}

/// Orders of the last twelve months.
fn year(facts: &Facts, today: Day) -> impl Iterator<Item = &Order> + Clone {
    facts.orders.iter().filter(move |order| order.day.is_within(365, today))
}

/// Quantity, price and category of every line of the last twelve months that has them.
pub fn lines(facts: &Facts, today: Day) -> impl Iterator<Item = (&str, f64, Money)> {
    let lines = year(facts, today).flat_map(|order| &order.lines);
    lines.filter_map(|line| {
        let (category, price) = (line.category.as_deref()?, line.price?);
        (line.quantity > 0.0 && price > Money::ZERO).then_some((category, line.quantity, price))
    })
}

/// The price tier of lines; `None` if none has a category whose median is known.
pub fn price_tier<'a>(
    lines: impl Iterator<Item = (&'a str, f64, Money)>,
    median: impl Fn(&str) -> Option<f64>,
) -> Option<f64> {
    let (mut weighted, mut quantity) = (0.0, 0.0);
    for (category, count, price) in lines {
        if let Some(median) = median(category).filter(|median| *median > 0.0) {
            weighted += count * (price.units() / median);
            quantity += count;
        }
    }
    (quantity > 0.0).then(|| weighted / quantity)
}

/// Mean and P90 of order value, and the net of twelve months; `None` without an order.
pub fn amounts(facts: &Facts, today: Day) -> [Option<f64>; 3] {
    let orders = year(facts, today);
    let values = sorted(orders.clone().map(|order| order.net.units()));
    let net: Money = orders.map(|order| order.net).sum();
    let mean = (!values.is_empty()).then(|| net.units() / values.len() as f64);
    [mean, quantile(&values, 0.9), mean.map(|_| net.units())]
}

/// The score of a party's measures among its peers: value and coverage.
pub fn score(measures: &Measures, peers: &[Distribution; 4], settings: &Settings) -> Option<(f64, f64)> {
    let (mut sum, mut present) = (0.0, 0.0);
    for ((measure, peers), weight) in measures.iter().zip(peers).zip(settings.weights) {
        if let Some(rank) = measure.and_then(|measure| peers.rank(measure)) {
            sum += weight * rank;
            present += weight;
        }
    }
    let all: f64 = settings.weights.iter().sum();
    (present > 0.0).then(|| (100.0 * sum / present, present / all))
}

/// The model.
pub fn apply(facts: &Facts, all: &All, settings: &Settings, today: Day) -> Value {
    let constants = &all.purchasing_power;
    let [mean, peak, net] = amounts(facts, today);
    let tier = price_tier(lines(facts, today), |category| constants.prices.get(category).copied());
    let measures = [tier, mean, peak, net];
    let scored = constants
        .measures
        .named(facts)
        .and_then(|(group, peers)| Some((group, score(&measures, peers, settings)?)));
    let Some((group, (score, coverage))) = scored else {
        return Value::missing(
            "12个月内没有订单或尚无同群数据",
            "no order in twelve months, or no peers yet",
        );
    };
    let income = facts.attributes.get(INCOME_BAND).and_then(|band| constants.income.get(facts)?.rank(*band));
    let blended = income
        .map_or(score, |rank| (1.0 - settings.income_share) * score + settings.income_share * 100.0 * rank);
    let value = MEASURES
        .iter()
        .zip(measures)
        .fold(Value::number(blended), |value, (name, measure)| value.with(name, measure));
    let leaves = year(facts, today).map(|order| order.day.plus(365)).min();
    value
        .with("peer_group", group)
        .with("income_rank", income)
        .covering(coverage)
        .because(
            format!("在同群“{group}”中,消费能力高于约{score:.0}%的客户"),
            format!("pays more than about {score:.0} % of its peers ({group})"),
        )
        .until(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_its_group_on_all_inputs_scores_at_least_99_sco_03() {
        let group = || Distribution::of((0..100).map(f64::from));
        let peers = [group(), group(), group(), group()];
        let (score, coverage) = score(&[Some(99.0); 4], &peers, &Settings::default()).unwrap();
        assert!(score >= 99.0 && coverage == 1.0, "{score}");
    }

    #[test]
    fn what_is_missing_lowers_coverage_and_never_scores_as_zero() {
        let group = || Distribution::of((0..100).map(f64::from));
        let peers = [group(), group(), group(), group()];
        let (all, _) = score(&[Some(50.0); 4], &peers, &Settings::default()).unwrap();
        let (some, coverage) =
            score(&[None, Some(50.0), Some(50.0), Some(50.0)], &peers, &Settings::default()).unwrap();
        assert!((all - some).abs() < 1e-9);
        assert!((coverage - 0.7).abs() < 1e-12);
        assert_eq!(score(&[None; 4], &peers, &Settings::default()), None);
    }

    #[test]
    fn the_price_tier_weighs_prices_by_quantity_against_the_median_of_their_category() {
        let lines = [("tea", 3.0, Money(2_000)), ("wine", 1.0, Money(5_000)), ("toys", 9.0, Money(100))];
        let median =
            |category: &str| [("tea", 10.0), ("wine", 100.0)].iter().find(|m| m.0 == category).map(|m| m.1);
        let tier = price_tier(lines.into_iter(), median).unwrap();
        assert!((tier - (3.0 * 2.0 + 0.5) / 4.0).abs() < 1e-12);
    }
}
