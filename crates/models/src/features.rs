//! Features: a party as a row of numbers, for finding others like it.
//!
//! By default they are what a party did and how it buys; a question can name rules of one leaf instead, whose
//! numbers are taken. Age, gender and whatever else is sensitive is in no default.

use criteria::{Rule, Zone};
use kernel::{Instant, Key};
use scoring::facts::TouchKind;
use scoring::rhythm::Rhythm;
use scoring::{Day, Facts, Model, Money, quality};

use super::read::{Read, day, facts, number};
use super::{Config, Plan};

/// Touches whose number is a feature.
const TOUCHES: [(TouchKind, &str); 11] = [
    (TouchKind::Page, "pages"),
    (TouchKind::Content, "contents"),
    (TouchKind::ProductView, "product_views"),
    (TouchKind::Search, "searches"),
    (TouchKind::Cart, "carts"),
    (TouchKind::StoreVisit, "store_visits"),
    (TouchKind::Enquiry, "enquiries"),
    (TouchKind::Referral, "referrals"),
    (TouchKind::Review, "reviews"),
    (TouchKind::Return, "returns"),
    (TouchKind::PromotionJoined, "promotions"),
];

/// How parties are described.
#[derive(Debug)]
pub enum Features {
    /// By what they did and how they buy.
    Usual(Box<Config>),
    /// By the numbers of rules of one leaf each, with their names.
    Named(Vec<(String, Rule)>),
}

impl Features {
    /// The plan, if there is one, and the rules the features are measured by.
    pub fn rules(&self) -> (Option<Plan>, Vec<Rule>) {
        match self {
            Self::Usual(config) => {
                let plan = Plan::of(&Model::ALL, config);
                let rules = plan.rules.clone();
                (Some(plan), rules)
            }
            Self::Named(named) => (None, named.iter().map(|(_, rule)| rule.clone()).collect()),
        }
    }

    /// What the features are called.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Usual(_) => {
                let counts = TOUCHES.iter().map(|(_, name)| *name);
                USUAL.into_iter().chain(counts).map(str::to_owned).collect()
            }
            Self::Named(named) => named.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// The features of a party, in the order of their names.
    pub fn row(
        &self,
        plan: Option<&Plan>,
        read: &mut dyn Read,
        party: Key,
        (zone, as_of): (&Zone, Instant),
    ) -> Vec<Option<f64>> {
        match (self, plan) {
            (Self::Usual(config), Some(plan)) => {
                usual(&facts(plan, config, read, party, zone), day(zone, as_of))
            }
            (Self::Named(named), _) => {
                (0..named.len()).map(|input| read.value(input).as_ref().and_then(number)).collect()
            }
            (Self::Usual(_), None) => Vec::new(),
        }
    }
}

const USUAL: [&str; 10] = [
    "recency_days",
    "order_days",
    "net_12_months",
    "order_value_mean",
    "order_interval_mean",
    "category_breadth",
    "discounted_share",
    "answered_share",
    "completeness",
    "tenure_days",
];

/// The features of a party, in the order of their names. Numbers without an upper end are taken as their
/// logarithm, so that one large order does not outweigh everything else.
fn usual(facts: &Facts, today: Day) -> Vec<Option<f64>> {
    let rhythm = Rhythm::of(facts);
    let year = || facts.orders.iter().filter(|order| order.day.is_within(365, today));
    let orders = year().count() as f64;
    let net: Money = year().map(|order| order.net).sum();
    let of_orders = |value: f64| (orders > 0.0).then_some(value);
    let categories: std::collections::BTreeSet<&str> =
        year().flat_map(|order| &order.lines).filter_map(|line| line.category.as_deref()).collect();
    let discounted = year().filter(|order| order.discount > Money::ZERO).count() as f64;
    let delivered = facts.deliveries.len() as f64;
    let answered = facts.deliveries.iter().filter(|delivery| delivery.is_answered).count() as f64;
    let logarithm = |value: f64| value.max(0.0).ln_1p();
    let mut row = vec![
        rhythm.days_quiet(today).map(|days| logarithm(f64::from(days))),
        Some(logarithm(rhythm.days.len() as f64)),
        of_orders(logarithm(net.units())),
        of_orders(logarithm(net.units() / orders.max(1.0))),
        rhythm.mean_days().map(logarithm),
        of_orders(categories.len() as f64),
        of_orders(discounted / orders.max(1.0)),
        (delivered > 0.0).then(|| answered / delivered),
        quality::completeness(&facts.fields, today),
        facts.created.map(|created| logarithm(f64::from(today.since(created)))),
    ];
    let count = |kind| {
        facts.touches.iter().filter(|touch| touch.kind == kind && touch.day.is_within(365, today)).count()
    };
    row.extend(TOUCHES.iter().map(|(kind, _)| Some(logarithm(count(*kind) as f64))));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_feature_for_each_name_and_what_is_not_known_is_missing() {
        let names = Features::Usual(Box::default()).names();
        let row = usual(&Facts::default(), Day(0));
        assert_eq!(row.len(), names.len());
        let of = |name: &str| row[names.iter().position(|known| known == name).unwrap()];
        assert_eq!(of("net_12_months"), None);
        assert_eq!(of("carts"), Some(0.0));
    }
}
