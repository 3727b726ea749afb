//! Willingness to buy in the next thirty days (§4.9, SCO-05). See docs/definitions/willingness.md.
//!
//! A logistic regression on silence, demand, activity, cart, season and offers, learned on the thirty days
//! before the last thirty and judged on those: it is used only if it passes the gates of §4.19. Otherwise
//! the demand score is shown, labelled as a rule.

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, TouchKind};
use crate::model::Value;
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;
use crate::statistics::logistic::{Logistic, Row, area_under_curve, brier};
use crate::sufficiency::{self, Refusal};
use crate::{activity, demand};

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days looked ahead.
    pub horizon_days: i32,
    /// The L2 penalty.
    pub penalty: f64,
    /// Silence beyond this says nothing more.
    pub silence_max: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { horizon_days: 30, penalty: 1.0, silence_max: 5.0 }
    }
}

/// What the features are called.
pub const FEATURES: [&str; 7] =
    ["silence", "never_bought", "demand", "activity", "cart", "season", "offers_answered"];

/// The features of a party on a day, before they are standardised.
pub type Features = [f64; 7];

/// The features, from facts not later than the day. Silence is measured against the party's own
/// mean interval, so that no constant of a later population leaks into what is learned.
pub fn features(facts: &Facts, settings: &All, today: Day) -> Features {
    let own = &settings.willingness;
    let orders = facts.orders.iter().filter(|order| order.day <= today);
    let rhythm = Rhythm::of_days(orders.clone().map(|order| order.day).collect());
    let interval =
        rhythm.mean_days().unwrap_or(settings.rhythm.mean_days).max(settings.rhythm.threshold_days_min);
    let silence = rhythm.silence(interval, today);
    let is_recent = |day: Day, days| day.is_within(days, today);
    let carts = facts
        .touches
        .iter()
        .filter(|touch| touch.kind == TouchKind::Cart && is_recent(touch.day, 14))
        .count();
    let horizon = own.horizon_days;
    let season = orders.filter(|order| (1..=horizon).contains(&order.day.since(today.plus(-365)))).count();
    let offers = facts.deliveries.iter().filter(|delivery| is_recent(delivery.day, 90));
    let answered = offers.filter(|delivery| delivery.is_answered).count();
    let intents = demand::intents(facts, &settings.demand, today);
    [
        silence.unwrap_or(0.0).min(own.silence_max),
        f64::from(u8::from(silence.is_none())),
        intents.values().copied().fold(0.0, f64::max).ln_1p(),
        activity::raw(facts, &settings.activity, today).ln_1p(),
        f64::from(u8::from(carts > 0)),
        f64::from(u8::from(season > 0)),
        (answered as f64).ln_1p(),
    ]
}

/// A party on a past day, and whether it bought in the days that followed.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Example {
    /// The features.
    pub features: Features,
    /// Whether it bought.
    pub has_bought: bool,
}

impl Example {
    /// The example of a party on a day that lies at least the horizon back; `None` if it was not known yet.
    pub fn of(facts: &Facts, settings: &All, day: Day) -> Option<Self> {
        if facts.created.is_some_and(|created| created > day) {
            return None;
        }
        let past = facts.until(day);
        if past.created.is_none() && past.orders.is_empty() && past.touches.is_empty() {
            return None;
        }
        let horizon = settings.willingness.horizon_days;
        let has_bought = facts.orders.iter().any(|order| (1..=horizon).contains(&order.day.since(day)));
        Some(Self { features: features(&past, settings, day), has_bought })
    }
}

/// A classifier that passed its gates, or why it did not.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Classifier {
    /// The model, if it is fit for use.
    pub model: Option<Logistic>,
    /// Mean and deviation of each feature.
    pub scales: Vec<(f64, f64)>,
    /// Why it is not.
    pub refusal: Option<Refusal>,
    /// Positives it was learned from.
    pub positives: u64,
    /// Area under the curve on later data.
    pub area: Option<f64>,
    /// Brier score on later data: of the model, of always saying the base rate.
    pub brier: Option<(f64, f64)>,
    /// Reliability on later data: of each tenth by probability, the mean probability and the share that bought.
    pub reliability: Vec<(f64, f64)>,
}

impl Classifier {
    /// Learns from earlier examples and judges on later ones, both in the order of parties.
    pub fn of(earlier: &[Example], later: &[Example], settings: &Settings) -> Self {
        let mut classifier = Self::default();
        match classifier.learn(earlier, later, settings) {
            Ok(model) => classifier.model = Some(model),
            Err(refusal) => classifier.refusal = Some(refusal),
        }
        classifier
    }

    /// The probability of buying; `None` if the classifier is not fit for use.
    pub fn probability(&self, features: &Features) -> Option<f64> {
        Some(self.model.as_ref()?.probability(&self.standardised(features)))
    }

    fn standardised(&self, features: &Features) -> Vec<f64> {
        features
            .iter()
            .zip(&self.scales)
            .map(|(feature, (mean, deviation))| (feature - mean) / deviation)
            .collect()
    }

    fn learn(
        &mut self,
        earlier: &[Example],
        later: &[Example],
        settings: &Settings,
    ) -> Result<Logistic, Refusal> {
        self.positives = earlier.iter().filter(|example| example.has_bought).count() as u64;
        sufficiency::enough("positives", self.positives, sufficiency::CLASSIFIER_POSITIVES_MIN)?;
        let column = |index: usize| earlier.iter().map(move |example| example.features[index]);
        let count = earlier.len() as f64;
        self.scales = (0..FEATURES.len())
            .map(|index| {
                let mean = column(index).sum::<f64>() / count;
                let variance = column(index).map(|x| (x - mean).powi(2)).sum::<f64>() / count;
                (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
            })
            .collect();
        let rows: Vec<Vec<f64>> =
            earlier.iter().map(|example| self.standardised(&example.features)).collect();
        let rows: Vec<Row<'_>> = rows
            .iter()
            .zip(earlier)
            .map(|(features, example)| Row { features, is_positive: example.has_bought, weight: 1.0 })
            .collect();
        let unsolved = || Refusal::TooPoor { what: "fit".to_owned(), is: f64::from(0u8), bound: 1.0 };
        let model = Logistic::fit(&rows, settings.penalty).ok_or_else(unsolved)?;
        let scored: Vec<(f64, bool)> = later
            .iter()
            .map(|example| (model.probability(&self.standardised(&example.features)), example.has_bought))
            .collect();
        self.judge(&scored, self.positives as f64 / count)?;
        Ok(model)
    }

    fn judge(&mut self, scored: &[(f64, bool)], base_rate: f64) -> Result<(), Refusal> {
        self.area = area_under_curve(scored);
        let base: Vec<(f64, bool)> = scored.iter().map(|(_, has_bought)| (base_rate, *has_bought)).collect();
        self.brier = brier(scored).zip(brier(&base));
        self.reliability = reliability(scored);
        sufficiency::at_least(
            "area under the curve",
            self.area.unwrap_or(f64::NAN),
            sufficiency::CLASSIFIER_AUC_MIN,
        )?;
        let (model, base) = self.brier.unwrap_or((f64::NAN, f64::NAN));
        sufficiency::at_most("Brier score", model, base)
    }
}

/// Ten equal parts by probability: mean probability and share of positives of each.
fn reliability(scored: &[(f64, bool)]) -> Vec<(f64, f64)> {
    let mut scored = scored.to_vec();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let size = scored.len().div_ceil(10).max(1);
    let part = |part: &[(f64, bool)]| {
        let count = part.len() as f64;
        let positives = part.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
        (part.iter().map(|(p, _)| p).sum::<f64>() / count, positives / count)
    };
    scored.chunks(size).map(part).collect()
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let features = features(facts, settings, today);
    if let Some(probability) = constants.willingness.probability(&features) {
        let value = FEATURES
            .iter()
            .zip(features)
            .fold(Value::number(probability), |value, (name, feature)| value.with(name, feature));
        let (percent, area) = (probability * 100.0, constants.willingness.area.unwrap_or(f64::NAN));
        return value
            .because(
                format!("未来30天购买概率{percent:.0}%(后期数据AUC {area:.2})"),
                format!("{percent:.0} % likely to buy in 30 days (AUC {area:.2} on later data)"),
            )
            .until(Some(today.plus(1)));
    }
    let rule = demand::apply(facts, constants, &settings.demand, today);
    let words = constants
        .willingness
        .refusal
        .as_ref()
        .map_or_else(|| ("尚未训练".to_owned(), "not trained yet".to_owned()), Refusal::words);
    let demand = rule.value.as_number();
    Value { value: rule.value, coverage: 1.0, ..Value::default() }
        .with("rule", "demand")
        .with("demand", demand)
        .because(format!("规则(需求分):{}", words.0), format!("by rule (the demand score): {}", words.1))
        .provisional()
        .until(rule.changes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(count: usize, says: impl Fn(usize) -> bool) -> Vec<Example> {
        let example = |n: usize| {
            let mut features = [0.0; 7];
            features[2] = (n % 10) as f64;
            Example { features, has_bought: says(n) }
        };
        (0..count).map(example).collect()
    }

    #[test]
    fn a_classifier_that_knows_is_used_and_its_probability_rises_with_demand() {
        // Of those with demand d, d in ten buy.
        let says = |n: usize| (n / 10) % 10 < n % 10;
        let classifier = Classifier::of(&examples(4_000, says), &examples(2_000, says), &Settings::default());
        assert_eq!(classifier.refusal, None);
        let of = |demand: f64| classifier.probability(&[0.0, 0.0, demand, 0.0, 0.0, 0.0, 0.0]).unwrap();
        assert!(of(9.0) > of(5.0) && of(5.0) > of(0.0));
        assert!(
            classifier.reliability.iter().all(|(said, was)| (said - was).abs() < 0.1),
            "{:?}",
            classifier.reliability
        );
    }

    #[test]
    fn a_classifier_that_guesses_is_refused_and_the_rule_is_shown_section_4_19() {
        let coin = |n: usize| (n / 10).is_multiple_of(2);
        let classifier = Classifier::of(&examples(4_000, coin), &examples(2_000, coin), &Settings::default());
        assert!(matches!(classifier.refusal, Some(Refusal::TooPoor { .. })), "{classifier:?}");
        let few = Classifier::of(&examples(900, |_| true), &[], &Settings::default());
        assert!(matches!(few.refusal, Some(Refusal::TooFew { have: 900, need: 1_000, .. })));
        let constants = Constants { willingness: few, ..Constants::default() };
        let value = apply(&Facts::default(), &constants, &All::default(), Day(0));
        assert!(value.is_provisional);
        assert_eq!(value.value.as_number(), Some(0.0));
    }
}
