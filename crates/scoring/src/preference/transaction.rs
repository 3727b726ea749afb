//! Where a party buys: the share of its order days on each channel, with Laplace's half (§4.15).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::Value;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Added to every channel's count.
    pub laplace: f64,
    /// Order days below which the label is `mixed`.
    pub days_min: usize,
    /// The share below which it is `mixed`.
    pub share_min: f64,
    /// Days an order counts.
    pub window_days: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { laplace: 0.5, days_min: 3, share_min: 0.6, window_days: 365 }
    }
}

/// The share of each channel, with `others` channels there are besides those counted.
pub fn shares<'a>(counts: &BTreeMap<&'a str, usize>, others: usize, laplace: f64) -> BTreeMap<&'a str, f64> {
    let all: f64 = counts.values().map(|count| *count as f64).sum();
    let total = all + laplace * (counts.len() + others) as f64;
    counts.iter().map(|(channel, count)| (*channel, (*count as f64 + laplace) / total)).collect()
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let orders = facts.orders.iter().filter(|order| order.day.is_within(settings.window_days, today));
    let days: BTreeSet<(Day, &str)> =
        orders.filter_map(|order| Some((order.day, order.channel.as_deref()?))).collect();
    if days.is_empty() {
        return Value::missing("没有带渠道的订单", "no order that names a channel");
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    days.iter().for_each(|(_, channel)| *counts.entry(channel).or_default() += 1);
    let others = constants.channels.iter().filter(|channel| !counts.contains_key(channel.as_str())).count();
    let shares = shares(&counts, others, settings.laplace);
    let best = shares
        .iter()
        .fold(("", 0.0), |best, (channel, share)| if *share > best.1 { (channel, *share) } else { best });
    let is_clear = days.len() >= settings.days_min && best.1 >= settings.share_min;
    let value = shares
        .iter()
        .fold(Value::text(if is_clear { best.0 } else { "mixed" }), |value, (channel, share)| {
            value.with(channel, *share)
        });
    let (channel, share, count) = (best.0, best.1 * 100.0, days.len());
    value
        .because(
            format!("{count}个下单日中,{channel}占{share:.0}%(拉普拉斯平滑)"),
            format!("{channel} has {share:.0} % of {count} order days (smoothed)"),
        )
        .until(days.first().map(|(day, _)| day.plus(settings.window_days)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Order;

    #[test]
    fn a_label_takes_three_order_days_and_three_fifths() {
        let label = |channels: &[&str]| {
            let order = |(day, channel): (usize, &&str)| Order {
                day: Day(day as i32),
                channel: Some((*channel).to_owned()),
                ..Order::default()
            };
            let facts =
                Facts { orders: channels.iter().enumerate().map(order).collect(), ..Facts::default() };
            let constants = Constants {
                channels: vec!["app".to_owned(), "branch".to_owned(), "phone".to_owned()],
                ..Constants::default()
            };
            apply(&facts, &constants, &Settings::default(), Day(9)).value
        };
        assert_eq!(label(&["branch"; 4]).as_text(), Some("branch"));
        assert_eq!(label(&["branch"; 2]).as_text(), Some("mixed"));
        assert_eq!(label(&["branch", "app", "branch", "app"]).as_text(), Some("mixed"));
        assert_eq!(label(&[]), crate::model::Measure::Missing);
        // 3 of 3 with two other channels: 3.5/4.5.
        let shares = shares(&BTreeMap::from([("branch", 3)]), 2, 0.5);
        assert!((shares["branch"] - 3.5 / 4.5).abs() < 1e-12);
    }
}
