//! What a customer is worth in the next twelve months (§4.4). See docs/definitions/clv.md.
//!
//! CLV₁₂ = Σ over months of E[M]·ΔE[Y]/1.01^m, with E[Y] of BG/NBD and E[M] of Gamma–Gamma. Behind the
//! gates of §4.19; without them the historical mean is shown, and says so.

pub mod bgnbd;
pub mod fit;
pub mod gamma_gamma;

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::Value;
use crate::money::Money;

pub use fit::Fit;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Discount a month.
    pub discount: f64,
    /// Months looked ahead.
    pub months: u32,
    /// Days held out to judge the fit by.
    pub holdout_days: i32,
    /// Customers fitted; of more, evenly spaced ones are.
    pub customers_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { discount: 0.01, months: 12, holdout_days: 91, customers_max: 20_000 }
    }
}

/// Weeks in a month.
const MONTH: f64 = 365.25 / 7.0 / 12.0;

/// The purchases and amounts of a party.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct History {
    /// Whether there was a purchase at all.
    pub has_bought: bool,
    /// For BG/NBD.
    pub purchases: bgnbd::Purchases,
    /// For Gamma–Gamma.
    pub amounts: gamma_gamma::Amounts,
    /// All net, for the historical mean.
    pub net: Money,
}

impl History {
    /// The history of a party up to a day. Several orders of one day are one purchase.
    pub fn of(facts: &Facts, today: Day) -> Self {
        let mut days: Vec<(Day, Money)> = Vec::new();
        for order in facts.orders.iter().filter(|order| order.day <= today) {
            match days.last_mut() {
                Some((day, net)) if *day == order.day => *net = net.plus(order.net),
                _ => days.push((order.day, order.net)),
            }
        }
        let (Some((first, _)), Some((last, _))) = (days.first(), days.last()) else { return Self::default() };
        let weeks = |day: Day| f64::from(day.since(*first)) / 7.0;
        let repeats = days.len() as u32 - 1;
        let repeated: Money = days.iter().skip(1).map(|(_, net)| *net).sum();
        Self {
            has_bought: true,
            purchases: bgnbd::Purchases { repeats, last: weeks(*last), age: weeks(today) },
            amounts: gamma_gamma::Amounts {
                repeats,
                mean: if repeats > 0 { repeated.units() / f64::from(repeats) } else { 0.0 },
            },
            net: days.iter().map(|(_, net)| *net).sum(),
        }
    }
}

/// What is expected of a customer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expected {
    /// Of the months looked ahead, discounted.
    pub value: f64,
    /// Purchases in these months, and the amount of each; `None` of the fallback.
    pub model: Option<(f64, f64)>,
}

/// Σ E[M]·ΔE[Y]/(1 + d)^m.
pub fn discounted(
    counts: &bgnbd::Parameters,
    amounts: &gamma_gamma::Parameters,
    history: &History,
    settings: &Settings,
) -> Expected {
    let amount = amounts.expected(&history.amounts);
    let mut value = 0.0;
    let mut before = 0.0;
    for month in 1..=settings.months {
        let until = counts.expected(&history.purchases, f64::from(month) * MONTH);
        value += amount * (until - before) / (1.0 + settings.discount).powi(month as i32);
        before = until;
    }
    Expected { value, model: Some((before, amount)) }
}

/// What the customer brought so far, a month, times the months looked ahead. Of less than a month it is
/// taken as that of a month, lest one order become twelve.
pub fn historical(history: &History, settings: &Settings) -> Expected {
    let months = (history.purchases.age / MONTH).max(1.0);
    Expected { value: history.net.units() / months * f64::from(settings.months), model: None }
}

/// The value as a score.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let history = History::of(facts, today);
    let Some(expected) = constants.clv.expect(&history, settings) else {
        return Value::missing("没有订单", "no order yet");
    };
    let months = settings.months;
    let value = Value::number((expected.value * 100.0).round() / 100.0)
        .with("repeat_purchases", f64::from(history.purchases.repeats))
        .with("net_so_far", history.net.units())
        .until(Some(today.plus(1)));
    match (expected.model, &constants.clv.refusal) {
        (Some((count, amount)), _) => {
            value.with("expected_purchases", count).with("expected_amount", amount).because(
                format!("预计未来{months}个月购买{count:.2}次,每次{amount:.2}(月折现)"),
                format!("{count:.2} purchases of {amount:.2} expected in {months} months, discounted"),
            )
        }
        (None, refusal) => {
            let words = refusal.as_ref().map_or_else(
                || ("尚未拟合".to_owned(), "not fitted yet".to_owned()),
                crate::sufficiency::Refusal::words,
            );
            value
                .because(format!("历史均值:{}", words.0), format!("historical mean: {}", words.1))
                .provisional()
        }
    }
}

/// The chance of still being a customer, as a score. Not an alarm: see [`crate::silence`].
pub fn apply_alive(facts: &Facts, constants: &Constants, today: Day) -> Value {
    let history = History::of(facts, today);
    let Some(counts) = constants.clv.counts.filter(|_| history.has_bought) else {
        return Value::missing("模型未就绪或没有订单", "no fitted model, or no order yet");
    };
    let alive = counts.alive(&history.purchases);
    let value = Value::number(alive)
        .with("repeat_purchases", f64::from(history.purchases.repeats))
        .with("weeks_to_last", history.purchases.last)
        .with("weeks_known", history.purchases.age)
        .until(Some(today.plus(1)));
    if history.purchases.repeats == 0 {
        return value
            .because(
                "只购买过一次:按模型构造为1,并不表示确定活跃",
                "bought once: 1 by construction, not a certainty",
            )
            .provisional();
    }
    value.because(format!("存活概率{alive:.2}"), format!("still a customer with a chance of {alive:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Order;

    #[test]
    fn orders_of_one_day_are_one_purchase_and_the_first_is_no_repeat() {
        let order = |day, net| Order { day: Day(day), net: Money(net), ..Order::default() };
        let facts = Facts {
            orders: vec![order(0, 100), order(7, 300), order(7, 100), order(21, 200)],
            ..Facts::default()
        };
        let history = History::of(&facts, Day(28));
        assert_eq!(history.purchases, bgnbd::Purchases { repeats: 2, last: 3.0, age: 4.0 });
        assert_eq!(history.amounts, gamma_gamma::Amounts { repeats: 2, mean: 3.0 });
        assert_eq!(history.net, Money(700));
    }

    #[test]
    fn value_is_less_than_purchases_times_amount_because_the_future_is_discounted() {
        let counts = bgnbd::Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        let amounts = gamma_gamma::Parameters { p: 6.25, q: 3.74, v: 15.44 };
        let history = History {
            purchases: bgnbd::Purchases { repeats: 2, last: 30.43, age: 38.86 },
            amounts: gamma_gamma::Amounts { repeats: 2, mean: 22.35 },
            ..History::default()
        };
        let of =
            |discount| discounted(&counts, &amounts, &history, &Settings { discount, ..Settings::default() });
        let Some((count, amount)) = of(0.0).model else { panic!("a model") };
        assert!((of(0.0).value - count * amount).abs() < 1e-9);
        assert!(of(0.01).value < of(0.0).value && of(0.01).value > of(0.0).value / 1.01f64.powi(12));
    }

    #[test]
    fn without_a_fit_the_historical_mean_is_shown_and_says_so() {
        let order = Order { day: Day(0), net: Money(12_000), ..Order::default() };
        let facts = Facts { orders: vec![order], ..Facts::default() };
        let value = apply(&facts, &Constants::default(), &Settings::default(), Day(61));
        assert!(value.is_provisional);
        assert!((value.value.as_number().unwrap() - 718.5).abs() < 2.0, "{value:?}");
    }
}
