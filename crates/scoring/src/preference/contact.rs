//! The channel a party answers on: the 10 % quantile of Beta(1 + k, 9 + n − k), k answers to n messages
//! delivered, both decayed (§4.15). The quantile and not the mean, so that one lucky answer is not a habit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::facts::Facts;
use crate::model::Value;
use crate::statistics::special::beta_quantile;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days a delivery counts.
    pub window_days: i32,
    /// Days in which it loses half its weight.
    pub half_life: f64,
    /// The prior: answers and silences of a channel nobody knows anything about.
    pub prior: (f64, f64),
    /// The quantile.
    pub quantile: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 180, half_life: 90.0, prior: (1.0, 9.0), quantile: 0.10 }
    }
}

/// The preference for a channel with `answers` to `delivered` messages.
pub fn preference(answers: f64, delivered: f64, settings: &Settings) -> f64 {
    let (yes, no) = settings.prior;
    beta_quantile(settings.quantile, yes + answers, no + (delivered - answers).max(0.0))
}

/// Decayed answers and deliveries of each channel.
fn counts<'a>(facts: &'a Facts, settings: &Settings, today: Day) -> BTreeMap<&'a str, (f64, f64)> {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for delivery in
        facts.deliveries.iter().filter(|delivery| delivery.day.is_within(settings.window_days, today))
    {
        let weight = (-f64::from(today.since(delivery.day)) / settings.half_life).exp2();
        let (answers, delivered) = counts.entry(delivery.channel.as_str()).or_default();
        *delivered += weight;
        *answers += if delivery.is_answered { weight } else { 0.0 };
    }
    counts
}

/// The model: the best channel among those consented to, of those something is known of.
pub fn apply(facts: &Facts, settings: &Settings, today: Day) -> Value {
    let counts = counts(facts, settings, today);
    let consented = facts.relation.consented.as_ref();
    let is_allowed = |channel: &str| consented.is_none_or(|all| all.iter().any(|one| one == channel));
    let mut value = Value::default();
    let mut best: Option<(&str, f64)> = None;
    for (channel, (answers, delivered)) in &counts {
        let preference = preference(*answers, *delivered, settings);
        value = value.with(channel, preference);
        if is_allowed(channel) && best.is_none_or(|(_, most)| preference > most) {
            best = Some((channel, preference));
        }
    }
    let Some((channel, preference)) = best else {
        return Value {
            inputs: value.inputs,
            ..Value::missing("没有可用渠道的触达记录", "no delivery on an allowed channel")
        };
    };
    Value { inputs: value.inputs, ..Value::text(channel) }
        .because(
            format!("在{channel}上的响应偏好最高({preference:.3})"),
            format!("answers most surely on {channel} ({preference:.3})"),
        )
        .until(Some(today.plus(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Delivery, Relation};

    #[test]
    fn preferences_have_the_golden_values_of_section_4_15() {
        for (answers, delivered, golden) in
            [(3.0, 4.0, 0.141_611), (30.0, 100.0, 0.227_858), (1.0, 20.0, 0.018_490), (0.0, 0.0, 0.011_638)]
        {
            let found = preference(answers, delivered, &Settings::default());
            assert!((found - golden).abs() < 1e-6, "{answers}/{delivered}: {found}");
        }
    }

    #[test]
    fn a_channel_without_consent_is_never_preferred() {
        let deliveries = ["sms", "sms", "email"].map(|channel| Delivery {
            channel: channel.to_owned(),
            day: Day(0),
            is_answered: channel == "sms",
        });
        let relation = Relation { consented: Some(vec!["email".to_owned()]), ..Relation::default() };
        let mut facts = Facts { deliveries: deliveries.to_vec(), ..Facts::default() };
        assert_eq!(apply(&facts, &Settings::default(), Day(1)).value.as_text(), Some("sms"));
        facts.relation = relation;
        assert_eq!(apply(&facts, &Settings::default(), Day(1)).value.as_text(), Some("email"));
    }
}
