//! Price sensitivity: how much of what a party buys it buys for less (§4.9). See
//! docs/definitions/price-sensitivity.md.
//!
//! 0.8·(discount amount ÷ list amount) + 0.2·(discounted orders ÷ orders), with at least two orders;
//! reported with its decile among everyone. Elasticity is a matter of groups, not of a party.

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::Value;
use crate::money::Money;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Weights of the two ratios.
    pub weights: [f64; 2],
    /// Orders below which nothing is said.
    pub orders_min: u64,
    /// Days an order counts.
    pub window_days: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: [0.8, 0.2], orders_min: 2, window_days: 730 }
    }
}

/// What counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Discounts {
    /// Orders.
    pub orders: u64,
    /// Orders with a discount.
    pub discounted: u64,
    /// List amount of all orders.
    pub list: Money,
    /// Discount amount of all orders.
    pub discount: Money,
}

impl Discounts {
    /// The discounts of a party. An order that does not say its list price has cost net plus discount.
    pub fn of(facts: &Facts, settings: &Settings, today: Day) -> Self {
        let orders = facts.orders.iter().filter(|order| order.day.is_within(settings.window_days, today));
        orders.fold(Self::default(), |sum, order| Self {
            orders: sum.orders + 1,
            discounted: sum.discounted + u64::from(order.discount > Money::ZERO),
            list: sum.list.plus(order.list.unwrap_or_else(|| order.net.plus(order.discount))),
            discount: sum.discount.plus(order.discount.max(Money::ZERO)),
        })
    }

    /// The sensitivity, 0–1; `None` with too few orders.
    pub fn sensitivity(&self, settings: &Settings) -> Option<f64> {
        if self.orders < settings.orders_min || self.list <= Money::ZERO {
            return None;
        }
        let [amount, orders] = settings.weights;
        let depth = (self.discount.0 as f64 / self.list.0 as f64).min(1.0);
        Some(amount * depth + orders * self.discounted as f64 / self.orders as f64)
    }
}

/// 1–10 from a percentile rank.
pub fn decile(rank: f64) -> u8 {
    (rank * 10.0).ceil().clamp(1.0, 10.0) as u8
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let discounts = Discounts::of(facts, settings, today);
    let Some(sensitivity) = discounts.sensitivity(settings) else {
        return Value::missing("订单少于两笔", "fewer than two orders");
    };
    let decile = constants.price_sensitivity.rank(sensitivity).map(decile);
    let Discounts { orders, discounted, list, discount } = discounts;
    let first = facts
        .orders
        .iter()
        .map(|order| order.day)
        .filter(|day| day.is_within(settings.window_days, today))
        .min();
    Value::number(sensitivity)
        .with("decile", decile.map(f64::from))
        .with("discount", discount.units())
        .with("list", list.units())
        .with("discounted_orders", discounted as f64)
        .with("orders", orders as f64)
        .because(
            format!("{orders}笔订单中{discounted}笔有折扣,折扣{discount}/原价{list}"),
            format!("{discounted} of {orders} orders discounted, {discount} off a list amount of {list}"),
        )
        .until(first.map(|day| day.plus(settings.window_days)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Distribution;

    #[test]
    fn the_golden_value_of_section_4_9() {
        let discounts = Discounts { orders: 5, discounted: 3, list: Money(10_000), discount: Money(2_500) };
        assert!((discounts.sensitivity(&Settings::default()).unwrap() - 0.32).abs() < 1e-12);
        assert_eq!(Discounts { orders: 1, ..discounts }.sensitivity(&Settings::default()), None);
    }

    #[test]
    fn deciles_are_ten_and_equal_in_size() {
        let all = Distribution::of((0..1_000).map(f64::from));
        let mut sizes = [0; 10];
        (0..1_000).for_each(|n| sizes[usize::from(decile(all.rank(f64::from(n)).unwrap())) - 1] += 1);
        assert_eq!(sizes, [100; 10]);
        assert_eq!((decile(0.0), decile(1.0)), (1, 10));
    }
}
