//! How payment methods are used: dear or cheap, often or rarely (§4.15, ANA-04). A statement about a
//! population, not about one party.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::{median, sorted};

/// The use of one method by one person.
#[derive(Clone, PartialEq, Debug)]
pub struct Use {
    /// The method.
    pub method: String,
    /// The amounts of its orders, in units.
    pub tickets: Vec<f64>,
    /// Months in which the person was active.
    pub active_months: f64,
    /// The person's age, if it is known.
    pub age: Option<f64>,
}

/// A method among all.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pattern {
    /// The method.
    pub method: String,
    /// Persons who used it.
    pub persons: u64,
    /// Orders paid with it.
    pub orders: u64,
    /// The median amount.
    pub ticket_median: f64,
    /// Orders a person and active month.
    pub orders_a_month: f64,
    /// Where it stands.
    pub quadrant: Quadrant,
    /// The mean age of those whose age is known.
    pub age_mean: Option<f64>,
    /// The share whose age is known.
    pub age_coverage: f64,
}

/// Price and frequency against everybody's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quadrant {
    /// 高价高频.
    HighPriceHighFrequency,
    /// 高价低频.
    HighPriceLowFrequency,
    /// 低价高频.
    LowPriceHighFrequency,
    /// 低价低频.
    LowPriceLowFrequency,
}

impl Quadrant {
    const fn of(is_dear: bool, is_frequent: bool) -> Self {
        match (is_dear, is_frequent) {
            (true, true) => Self::HighPriceHighFrequency,
            (true, false) => Self::HighPriceLowFrequency,
            (false, true) => Self::LowPriceHighFrequency,
            (false, false) => Self::LowPriceLowFrequency,
        }
    }
}

/// The pattern of every method, ascending by name. A ticket above the overall median is dear, orders a
/// month above the overall rate are frequent.
pub fn patterns(uses: &[Use]) -> Vec<Pattern> {
    let all: Vec<&Use> = uses.iter().filter(|one| !one.tickets.is_empty()).collect();
    let Some(overall) = ticket_median(&all) else { return Vec::new() };
    let rate = orders_a_month(&all);
    let mut methods: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    all.iter().for_each(|one| methods.entry(&one.method).or_default().push(one));
    let pattern = |(method, uses): (&str, Vec<&Use>)| {
        let ticket = ticket_median(&uses).unwrap_or(overall);
        let own = orders_a_month(&uses);
        let ages: Vec<f64> = uses.iter().filter_map(|one| one.age).collect();
        let persons = uses.len() as f64;
        Pattern {
            method: method.to_owned(),
            persons: uses.len() as u64,
            orders: uses.iter().map(|one| one.tickets.len() as u64).sum(),
            ticket_median: ticket,
            orders_a_month: own,
            quadrant: Quadrant::of(ticket > overall, own > rate),
            age_mean: (!ages.is_empty()).then(|| ages.iter().sum::<f64>() / ages.len() as f64),
            age_coverage: ages.len() as f64 / persons,
        }
    };
    methods.into_iter().map(pattern).collect()
}

fn ticket_median(uses: &[&Use]) -> Option<f64> {
    median(&sorted(uses.iter().flat_map(|one| one.tickets.iter().copied())))
}

fn orders_a_month(uses: &[&Use]) -> f64 {
    let orders: f64 = uses.iter().map(|one| one.tickets.len() as f64).sum();
    let months: f64 = uses.iter().map(|one| one.active_months).sum();
    if months > 0.0 { orders / months } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dear_and_rare_is_told_from_cheap_and_frequent_as_in_p13() {
        let user = |method: &str, ticket, orders, age| Use {
            method: method.to_owned(),
            tickets: vec![ticket; orders],
            active_months: 3.0,
            age,
        };
        let mut uses: Vec<Use> = (0..14).map(|_| user("alipay", 680.0, 2, Some(28.0))).collect();
        uses.extend((0..6).map(|n| user("wechat", 38.0, 20, (n < 3).then_some(23.0))));
        uses.extend((0..4).map(|_| user("card", 38.0, 1, None)));
        let patterns = patterns(&uses);
        let of = |method: &str| patterns.iter().find(|pattern| pattern.method == method).unwrap();
        assert_eq!(of("alipay").quadrant, Quadrant::HighPriceLowFrequency);
        assert_eq!(of("wechat").quadrant, Quadrant::LowPriceHighFrequency);
        assert_eq!(of("card").quadrant, Quadrant::LowPriceLowFrequency);
        assert_eq!((of("wechat").age_mean, of("wechat").age_coverage), (Some(23.0), 0.5));
        assert_eq!(of("card").age_mean, None);
    }
}
