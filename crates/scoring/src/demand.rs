//! Demand: current unsatisfied intent by category, how clear it is, and how certain (§4.8, §3.8). See
//! docs/definitions/demand.md.
//!
//! Intent counts since the last purchase of its category, and halves every seven days.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::activity;
use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, FollowUpResult, TouchKind};
use crate::model::Value;
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days in which intent loses half its weight.
    pub half_life: f64,
    /// K where no peer has any intent.
    pub midpoint: f64,
    /// Categories there are; `None` takes those that were seen.
    pub categories: Option<u32>,
    /// Days in which the certainty of a follow-up halves.
    pub certainty_half_life: f64,
    /// Expected cycles that certainty by behaviour looks at.
    pub certainty_cycles: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            half_life: 7.0,
            midpoint: 6.0,
            categories: None,
            certainty_half_life: 60.0,
            certainty_cycles: 3,
        }
    }
}

/// The weight of a touch as intent; a page is none, a visit of a representative is not the party's.
const fn weight(kind: TouchKind) -> Option<f64> {
    match kind {
        TouchKind::Content
        | TouchKind::ProductView
        | TouchKind::Search
        | TouchKind::Cart
        | TouchKind::StoreVisit
        | TouchKind::Enquiry => activity::weight(kind),
        _ => None,
    }
}

/// Intent by category, categories ascending.
pub fn intents(facts: &Facts, settings: &Settings, today: Day) -> BTreeMap<String, f64> {
    let mut bought = BTreeMap::new();
    for order in &facts.orders {
        for category in order.lines.iter().filter_map(|line| line.category.as_deref()) {
            let last = bought.entry(category).or_insert(order.at);
            *last = order.at.max(*last);
        }
    }
    let mut intents = BTreeMap::new();
    for touch in &facts.touches {
        let (Some(category), Some(weight)) = (&touch.category, weight(touch.kind)) else { continue };
        if bought.get(category.as_str()).is_none_or(|last| touch.at > *last) {
            let age = f64::from(today.since(touch.day));
            *intents.entry(category.clone()).or_insert(0.0) += weight * (-age / settings.half_life).exp2();
        }
    }
    intents
}

/// 1 − H(p)/ln k with p = (i + ½)/Σ(i + ½): 0 if intent is spread evenly over k categories, 1 if all
/// of it is for one. `None` with fewer than two categories. Categories without intent need not be given.
pub fn clarity(intents: &[f64], categories: usize) -> Option<f64> {
    let categories = categories.max(intents.len());
    if categories < 2 {
        return None;
    }
    let silent = (categories - intents.len()) as f64;
    let total: f64 = intents.iter().sum::<f64>() + 0.5 * categories as f64;
    let term = |weight: f64| -> f64 {
        let p = weight / total;
        p * p.ln()
    };
    let entropy = -(intents.iter().map(|intent| term(intent + 0.5)).sum::<f64>() + silent * term(0.5));
    Some((1.0 - entropy / (categories as f64).ln()).clamp(0.0, 1.0))
}

/// How sure a follow-up makes a demand; `None` says nothing about it.
pub const fn certainty_of(result: FollowUpResult) -> Option<f64> {
    match result {
        FollowUpResult::ConfirmedQuantity => Some(0.9),
        FollowUpResult::ConfirmedNeed => Some(0.7),
        FollowUpResult::Interested => Some(0.5),
        FollowUpResult::Later => Some(0.2),
        FollowUpResult::Refused => Some(0.0),
        FollowUpResult::Unreached => None,
    }
}

/// Certainty by the last follow-up that said something, decayed; and by behaviour.
pub fn certainties(
    facts: &Facts,
    rhythm: &Rhythm,
    threshold: f64,
    settings: &Settings,
    today: Day,
) -> (Option<f64>, Option<f64>) {
    let last = facts.follow_ups.iter().rev().find_map(|done| Some((done.day, certainty_of(done.result)?)));
    let told = last.map(|(day, certainty)| {
        certainty * (-f64::from(today.since(day)) / settings.certainty_half_life).exp2()
    });
    let kept = (!rhythm.days.is_empty()).then(|| rhythm.kept(threshold, today, settings.certainty_cycles));
    (told, kept)
}

/// The demand score.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let intents = intents(facts, settings, today);
    let midpoint = constants.demand_midpoint(facts).unwrap_or(settings.midpoint);
    let Some((category, intent)) = strongest(&intents) else {
        return Value::number(0.0).because("目前没有未满足的意向", "no intent that is not satisfied");
    };
    Value::number(activity::score(intent, midpoint))
        .with("intent", intent)
        .with("midpoint", midpoint)
        .with("category", category)
        .because(
            format!("对“{category}”的意向最强({intent:.2}),自上次购买该品类以来累计"),
            format!("strongest intent is for {category} ({intent:.2}), since its last purchase"),
        )
        .until(Some(today.plus(1)))
}

/// The category of the strongest intent; of equal ones the first by name.
fn strongest(intents: &BTreeMap<String, f64>) -> Option<(&str, f64)> {
    intents.iter().fold(None, |best: Option<(&str, f64)>, (category, intent)| match best {
        Some((_, most)) if most >= *intent => best,
        _ => Some((category, *intent)),
    })
}

/// Clarity as a score.
pub fn apply_clarity(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    let by_category = intents(facts, settings, today);
    let intents: Vec<f64> = by_category.values().copied().collect();
    let categories = settings.categories.unwrap_or(constants.categories) as usize;
    let Some(clarity) = clarity(&intents, categories) else {
        return Value::missing("品类不足两个", "fewer than two categories");
    };
    let value = Value::number(clarity)
        .with("categories", categories as f64)
        .with("with_intent", intents.len() as f64);
    let (zh, en) = if clarity < 0.30 {
        ("需求不明确", "demand is unclear")
    } else {
        ("需求明确", "demand is clear")
    };
    let value = value.because(format!("{zh}(清晰度{clarity:.2})"), format!("{en} (clarity {clarity:.2})"));
    value.until((!intents.is_empty()).then(|| today.plus(1)))
}

/// Certainty as a score.
pub fn apply_certainty(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let rhythm = Rhythm::of(facts);
    let threshold = constants.threshold(facts, &rhythm, settings);
    let (told, kept) = certainties(facts, &rhythm, threshold, &settings.demand, today);
    let certainty = told.unwrap_or(0.0).max(kept.unwrap_or(0.0));
    let value = Value::number(certainty).with("by_follow_up", told).with("by_behaviour", kept);
    let value = match (told, kept) {
        (Some(told), kept) if told >= kept.unwrap_or(0.0) => value.because(
            format!("最近一次有效跟进给出确定性{told:.2}(60天减半)"),
            format!("the last telling follow-up gives {told:.2} (halves in 60 days)"),
        ),
        (_, Some(kept)) => value.because(
            format!("最近3个应购周期履行了{:.0}%", kept * 100.0),
            format!("{:.0} % of the last 3 expected cycles were kept", kept * 100.0),
        ),
        _ => value.because("没有跟进也没有订单", "neither follow-up nor order"),
    };
    value.until((told.is_some() || kept.is_some()).then(|| today.plus(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{FollowUp, Line, Order, Touch};
    use kernel::Instant;
    use proptest::prelude::*;

    #[test]
    fn clarity_has_the_golden_values_of_section_4_8_and_sco_02() {
        let of = |intents: &[f64]| clarity(intents, 6).unwrap();
        assert!((of(&[8.0, 1.0, 0.0, 0.0, 0.0, 0.0]) - 0.422_987).abs() < 5e-7);
        assert!((of(&[8.0, 1.0]) - 0.422_987).abs() < 5e-7);
        assert!(of(&[2.0; 6]).abs() < 1e-12);
        assert!(of(&[]).abs() < 1e-12);
        assert!((of(&[1.0]) - 0.069_372).abs() < 5e-7);
        assert_eq!(clarity(&[3.0], 1), None);
    }

    fn view(at: i64, category: &str) -> Touch {
        let category = Some(category.to_owned());
        Touch {
            kind: TouchKind::ProductView,
            at: Instant(at),
            day: Day(at as i32),
            hour_of_week: 0,
            category,
        }
    }

    #[test]
    fn buying_a_category_satisfies_the_intent_for_it_and_no_other() {
        let line = Line { category: Some("tea".to_owned()), ..Line::default() };
        let order = Order { at: Instant(5), day: Day(5), lines: vec![line], ..Order::default() };
        let touches = vec![view(4, "tea"), view(4, "wine"), view(6, "tea")];
        let facts = Facts { orders: vec![order], touches, ..Facts::default() };
        let intents = intents(&facts, &Settings::default(), Day(6));
        assert_eq!(intents.keys().collect::<Vec<_>>(), ["tea", "wine"]);
        assert_eq!(intents["tea"], 2.0);
    }

    #[test]
    fn certainty_is_the_better_of_what_was_told_and_what_was_done_section_3_8() {
        let follow_ups = vec![
            FollowUp { day: Day(0), result: FollowUpResult::ConfirmedQuantity },
            FollowUp { day: Day(50), result: FollowUpResult::Unreached },
        ];
        let facts = Facts { follow_ups, ..Facts::default() };
        let certainty = |facts: &Facts, day| {
            apply_certainty(facts, &Constants::default(), &All::default(), Day(day))
                .value
                .as_number()
                .unwrap()
        };
        assert!((certainty(&facts, 0) - 0.9).abs() < 1e-9);
        assert!((certainty(&facts, 60) - 0.45).abs() < 1e-9);
        let orders = (0..4).map(|n| Order { day: Day(n * 15), ..Order::default() }).collect();
        assert!((certainty(&Facts { orders, ..facts }, 60) - 1.0).abs() < 1e-9);
        assert_eq!(certainty(&Facts::default(), 60), 0.0);
    }

    proptest! {
        #[test]
        fn clarity_is_a_share_and_does_not_depend_on_the_order_of_categories(
            mut intents in prop::collection::vec(0.0..50.0f64, 2..12),
        ) {
            let forwards = clarity(&intents, 12).unwrap();
            intents.reverse();
            prop_assert!((0.0..=1.0).contains(&forwards));
            prop_assert!((forwards - clarity(&intents, 12).unwrap()).abs() < 1e-12);
        }
    }
}
