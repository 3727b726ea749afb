//! Recency, frequency, money (§4.3). See docs/definitions/rfm.md.
//!
//! Of everybody with an order in 24 months: R = the last order's day, F = days with an order, M = net
//! amount. Scores are quintiles of rank; equal values are ranked by party, so groups differ by at most
//! one. Ranking by the *day* of the last order is the same as ranking by days since, and does not change
//! when a night passes.

pub mod segment;
pub mod value;

use serde::{Deserialize, Serialize};

use crate::constants::Constants as All;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::{Measure, Value};
use crate::money::Money;
use crate::sufficiency;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days an order counts.
    pub window_days: i32,
    /// With fewer buyers than the gate asks for: days since the last order below which R is 5, 4, 3, 2.
    pub recency_days: [i32; 4],
    /// With fewer buyers: order days from which F is 2, 3, 4, 5.
    pub frequency: [u32; 4],
    /// With fewer buyers: net amount from which M is 2, 3, 4, 5.
    pub money: [Money; 4],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window_days: 730,
            recency_days: [30, 90, 180, 365],
            frequency: [2, 3, 6, 10],
            money: [Money(10_000), Money(50_000), Money(200_000), Money(500_000)],
        }
    }
}

/// What counts of a buyer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buyer {
    /// Breaks ties.
    pub party: u64,
    /// The day of the last order.
    pub last: Day,
    /// Days with an order.
    pub days: u32,
    /// Net amount.
    pub net: Money,
}

impl Buyer {
    /// A party as a buyer; `None` without an order in the window.
    pub fn of(facts: &Facts, settings: &Settings, today: Day) -> Option<Self> {
        let orders = facts.orders.iter().filter(|order| order.day.is_within(settings.window_days, today));
        let mut days: Vec<Day> = orders.clone().map(|order| order.day).collect();
        days.sort_unstable();
        days.dedup();
        let net = orders.map(|order| order.net).sum();
        Some(Self { party: facts.party, last: *days.last()?, days: days.len() as u32, net })
    }
}

/// The first member of each of the groups 2–5 of a ranking.
type Cuts = [(i64, u64); 4];

/// Constants over all buyers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Constants {
    /// How many buyers there were.
    pub buyers: u64,
    recency: Cuts,
    frequency: Cuts,
    money: Cuts,
    /// Mean day of the last order, mean order days, mean net in hundredths.
    means: [f64; 3],
}

impl Constants {
    /// Constants over buyers in any order.
    pub fn of(buyers: &[Buyer]) -> Self {
        let count = buyers.len().max(1) as f64;
        let mean = |measure: fn(&Buyer) -> i64| {
            buyers.iter().map(|buyer| i128::from(measure(buyer))).sum::<i128>() as f64 / count
        };
        Self {
            buyers: buyers.len() as u64,
            recency: cuts(buyers, |buyer| i64::from(buyer.last.0)),
            frequency: cuts(buyers, |buyer| i64::from(buyer.days)),
            money: cuts(buyers, |buyer| buyer.net.0),
            means: [mean(|b| i64::from(b.last.0)), mean(|b| i64::from(b.days)), mean(|b| b.net.0)],
        }
    }

    /// R, F and M of a buyer, 1–5 each, 5 being best.
    pub fn scores(&self, buyer: &Buyer) -> [u8; 3] {
        let score = |value: i64, cuts: &Cuts| {
            1 + cuts.iter().filter(|cut| (value, buyer.party) >= **cut).count() as u8
        };
        [
            score(i64::from(buyer.last.0), &self.recency),
            score(i64::from(buyer.days), &self.frequency),
            score(buyer.net.0, &self.money),
        ]
    }

    /// Whether a buyer is near, frequent and of high amount: not worse than the mean.
    pub fn highs(&self, buyer: &Buyer) -> [bool; 3] {
        let [last, days, net] = self.means;
        [f64::from(buyer.last.0) >= last, f64::from(buyer.days) >= days, buyer.net.0 as f64 >= net]
    }
}

fn cuts(buyers: &[Buyer], measure: impl Fn(&Buyer) -> i64) -> Cuts {
    let mut ranked: Vec<(i64, u64)> = buyers.iter().map(|buyer| (measure(buyer), buyer.party)).collect();
    ranked.sort_unstable();
    // The first place i with ⌊5i/n⌋ = group.
    let first = |group: usize| ranked.get((group * ranked.len()).div_ceil(5)).copied();
    [1, 2, 3, 4].map(|group| first(group).unwrap_or((i64::MAX, u64::MAX)))
}

/// R, F and M by fixed thresholds, for too few buyers.
fn by_thresholds(buyer: &Buyer, settings: &Settings, today: Day) -> [u8; 3] {
    let ago = today.since(buyer.last);
    [
        5 - settings.recency_days.iter().filter(|days| ago > **days).count() as u8,
        1 + settings.frequency.iter().filter(|days| buyer.days >= **days).count() as u8,
        1 + settings.money.iter().filter(|money| buyer.net >= **money).count() as u8,
    ]
}

/// A buyer's scores, and whether fixed thresholds made them.
fn scored(buyer: &Buyer, constants: &Constants, settings: &Settings, today: Day) -> ([u8; 3], bool) {
    if constants.buyers >= sufficiency::RFM_BUYERS_MIN {
        (constants.scores(buyer), false)
    } else {
        (by_thresholds(buyer, settings, today), true)
    }
}

/// The code, the segment and the value group share their inputs.
fn explained(
    facts: &Facts,
    all: &All,
    settings: &Settings,
    today: Day,
    name: fn(&Buyer, &Constants, [u8; 3]) -> Measure,
) -> Value {
    let Some(buyer) = Buyer::of(facts, settings, today) else {
        return Value::missing("24个月内没有订单", "no order in 24 months");
    };
    let (scores, is_fallback) = scored(&buyer, &all.rfm, settings, today);
    let [r, f, m] = scores;
    let ago = today.since(buyer.last);
    let leaves =
        facts.orders.iter().map(|order| order.day).filter(|day| day.is_within(settings.window_days, today));
    let value = Value { value: name(&buyer, &all.rfm, scores), coverage: 1.0, ..Value::default() }
        .with("recency_days", f64::from(ago))
        .with("order_days", f64::from(buyer.days))
        .with("net", buyer.net.units())
        .with("r", f64::from(r))
        .with("f", f64::from(f))
        .with("m", f64::from(m))
        .because(
            format!("最近一次下单在{ago}天前(R={r}),下单{}天(F={f}),净额{}(M={m})", buyer.days, buyer.net),
            format!(
                "last order {ago} days ago (R={r}), {} order days (F={f}), net {} (M={m})",
                buyer.days, buyer.net
            ),
        )
        .until(leaves.min().map(|day| day.plus(settings.window_days)));
    if is_fallback {
        let (have, need) = (all.rfm.buyers, sufficiency::RFM_BUYERS_MIN);
        return value
            .until(Some(today.plus(1)))
            .because(
                format!("买家仅{have}人,不足{need}人,按固定阈值计分"),
                format!("{have} buyers are fewer than {need}: scored by fixed thresholds"),
            )
            .provisional();
    }
    value
}

/// The three digits.
pub fn code(facts: &Facts, all: &All, settings: &Settings, today: Day) -> Value {
    explained(facts, all, settings, today, |_, _, [r, f, m]| Measure::text(format!("{r}{f}{m}")))
}

/// The named segment.
pub fn segment(facts: &Facts, all: &All, settings: &Settings, today: Day) -> Value {
    explained(facts, all, settings, today, |_, _, [r, f, _]| Measure::text(segment::Segment::of(r, f).key()))
}

/// The value group of the eight. Below the gate its means still are means, but of few buyers.
pub fn value_group(facts: &Facts, all: &All, settings: &Settings, today: Day) -> Value {
    explained(facts, all, settings, today, |buyer, constants, _| {
        Measure::text(value::Group::of(constants.highs(buyer)).key())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buyers(values: &[(i32, u32, i64)]) -> Vec<Buyer> {
        let buyer = |(party, (last, days, net)): (usize, &(i32, u32, i64))| Buyer {
            party: party as u64,
            last: Day(*last),
            days: *days,
            net: Money(*net),
        };
        values.iter().enumerate().map(buyer).collect()
    }

    proptest! {
        #[test]
        fn quintiles_differ_by_at_most_one_and_order_of_arrival_does_not_matter(
            values in prop::collection::vec((0..20i32, 1..5u32, 0..30i64), 5..200),
        ) {
            let mut buyers = buyers(&values);
            let constants = Constants::of(&buyers);
            for measure in 0..3 {
                let mut sizes = [0usize; 5];
                for buyer in &buyers {
                    sizes[usize::from(constants.scores(buyer)[measure]) - 1] += 1;
                }
                prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            }
            buyers.reverse();
            prop_assert_eq!(constants, Constants::of(&buyers));
        }

        #[test]
        fn who_bought_later_more_often_and_more_scores_at_least_as_high(
            values in prop::collection::vec((0..20i32, 1..5u32, 0..30i64), 5..100),
        ) {
            let buyers = buyers(&values);
            let constants = Constants::of(&buyers);
            for (a, b) in buyers.iter().zip(&buyers[1..]) {
                let (scores_a, scores_b) = (constants.scores(a), constants.scores(b));
                prop_assert!(a.last <= b.last || scores_a[0] >= scores_b[0]);
                prop_assert!(a.days <= b.days || scores_a[1] >= scores_b[1]);
                prop_assert!(a.net <= b.net || scores_a[2] >= scores_b[2]);
            }
        }
    }

    #[test]
    fn with_few_buyers_fixed_thresholds_decide_and_say_so_section_4_19() {
        let order = crate::facts::Order { day: Day(100), net: Money(60_000), ..Default::default() };
        let facts = Facts { orders: vec![order], ..Facts::default() };
        let value = code(&facts, &All::default(), &Settings::default(), Day(120));
        assert_eq!(value.value, Measure::text("513"));
        assert!(value.is_provisional);
    }
}
