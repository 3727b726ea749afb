//! Look-alikes as a model of a tag: who is like those of a seed (§4.16, SEG-03). See docs/definitions/lookalike.md.
//!
//! What tells the seed from everybody is learned by a batch and kept as constants; here it is applied to one
//! party. The seed and those who are not eligible have no value: the seed is learned from, not found. As the
//! value is a number it is the percentile of likeness, as it is true or false whether somebody is among as many
//! as are wanted.

use criteria::value::Type;
use criteria::{Rule, Zone};
use kernel::{Failure, Instant, Key};
use scoring::lookalike::{Fit, Method, Settings};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::read::{Read, day};
use super::{Features, Plan, Said};

/// What a definition calls the model.
pub const LOOKALIKE: &str = "lookalike";

/// People wanted if nothing is said.
const SIZE_DEFAULT: usize = 500;
/// People that can be wanted.
const SIZE_MAX: usize = 10_000_000;
/// Features that can be named.
const FEATURES_MAX: usize = 100;
/// Features told as the reason of one party's value.
const REASONS_SHOWN: usize = 3;

/// A party as look-alikes see it.
pub trait Look: Read {
    /// Whether the rule at a place of the inputs holds, and when that can change.
    fn holds(&mut self, input: usize) -> (bool, Option<Instant>);

    /// When the value the rule at a place measures can change if no new fact arrives.
    fn changes_at(&mut self, input: usize) -> Option<Instant>;
}

/// Settings as people write them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seed: Json,
    eligible: Option<Json>,
    #[serde(default)]
    features: Vec<Feature>,
    size: Option<usize>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    models: Option<Json>,
}

/// A trait that is a number, or a rule of one leaf with a name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Feature {
    Trait(String),
    Measure { name: String, rule: Json },
}

/// What a value says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// How alike, 0–100.
    Percentile,
    /// Whether among as many as are wanted.
    IsIn,
}

/// A look-alike definition that was read.
#[derive(Debug)]
pub struct Lookalike {
    /// What the features are.
    pub features: Features,
    /// How many people are wanted.
    pub size: usize,
    /// Numbers of the definition.
    pub settings: Settings,
    plan: Option<Plan>,
    /// The rules of the features, the seed's, and whose turn it may be.
    rules: Vec<Rule>,
    seed: usize,
    is_limited: bool,
}

/// What is to be learned from one party.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Whether it is of the seed.
    pub is_seed: bool,
    /// Whether it may be found.
    pub is_eligible: bool,
    /// Its features.
    pub features: Vec<Option<f64>>,
}

impl Answer {
    /// What values of a type say.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a type it has no values of.
    pub fn of(value_type: Type) -> kernel::Result<Self> {
        match value_type {
            Type::Number => Ok(Self::Percentile),
            Type::Boolean => Ok(Self::IsIn),
            _ => {
                let message = "a look-alike is a `number` (how alike, 0–100) or a `boolean` (whether it is among `size`)";
                Err(Failure::invalid("value_type", message))
            }
        }
    }
}

impl Lookalike {
    /// Reads the settings of a definition.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the member that is missing or wrong.
    pub fn read(config: &Json) -> kernel::Result<Self> {
        let written: Written =
            serde_json::from_value(config.clone()).map_err(|e| Failure::invalid("config", e.to_string()))?;
        let size = written.size.unwrap_or(SIZE_DEFAULT);
        if !(1..=SIZE_MAX).contains(&size) {
            return Err(Failure::invalid("config/size", format!("1 to {SIZE_MAX}")));
        }
        let features = features(written.features, written.models)?;
        let (plan, mut rules) = features.rules();
        let seed = rules.len();
        rules.push(rule("seed", &written.seed)?);
        let is_limited = written.eligible.is_some();
        if let Some(eligible) = &written.eligible {
            rules.push(rule("eligible", eligible)?);
        }
        Ok(Self { features, size, settings: written.settings, plan, rules, seed, is_limited })
    }

    /// What it looks at.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is to be learned from a party.
    pub fn describe(&self, look: &mut dyn Look, party: Key, (as_of, zone): (Instant, &Zone)) -> Described {
        let is_seed = look.holds(self.seed).0;
        let is_eligible = is_seed || !self.is_limited || look.holds(self.seed + 1).0;
        let features = self.features.row(self.plan.as_ref(), look, party, (zone, as_of));
        Described { is_seed, is_eligible, features }
    }

    /// What it says of a party.
    pub fn say(
        &self,
        look: &mut dyn Look,
        (fit, answer): (Option<&Fit>, Answer),
        party: Key,
        (as_of, zone): (Instant, &Zone),
    ) -> Said {
        let nothing = |zh: &str, en: &str, changes_at| {
            let reasons = json!({ "model": LOOKALIKE, "zh": [zh], "en": [en] });
            Said { value: None, reasons, changes_at }
        };
        let (is_seed, seed_changes) = look.holds(self.seed);
        if is_seed {
            return nothing("属于种子人群", "is one of the seed", seed_changes);
        }
        let (is_eligible, turn_changes) =
            if self.is_limited { look.holds(self.seed + 1) } else { (true, None) };
        let changes = seed_changes.into_iter().chain(turn_changes).min();
        if !is_eligible {
            return nothing("不在可选人群中", "is not eligible", changes);
        }
        let features = self.features.row(self.plan.as_ref(), look, party, (zone, as_of));
        let changes = changes.into_iter().chain(self.features_change(look, (as_of, zone))).min();
        let found = fit.and_then(|fit| Some((fit, fit.likeness(&features, REASONS_SHOWN)?)));
        let Some((fit, likeness)) = found else {
            return nothing("尚未拟合", "nothing was learned from the seed yet", changes);
        };
        let value = match answer {
            // Four places are more than a population of a million ranks.
            Answer::Percentile => json!((likeness.percentile * 1e4).round() / 1e4),
            Answer::IsIn if likeness.is_in => json!(true),
            Answer::IsIn => Json::Null,
        };
        let because = likeness.because.iter();
        let because = because.map(|(feature, part)| {
            json!({ "feature": fit.names.get(*feature), "value": features.get(*feature), "part": rounded(*part) })
        });
        let (zh, en) = words(fit, likeness.percentile);
        let reasons = json!({
            "model": LOOKALIKE,
            "zh": zh,
            "en": en,
            "percentile": rounded(likeness.percentile),
            "is_in": likeness.is_in,
            "because": because.collect::<Vec<_>>(),
            "is_provisional": fit.method == Method::Centroid,
        });
        Said { value: Some(value).filter(|value| !value.is_null()), reasons, changes_at: changes }
    }

    /// When the features can change if no new fact arrives: ages in days do so at midnight.
    fn features_change(&self, look: &mut dyn Look, (as_of, zone): (Instant, &Zone)) -> Option<Instant> {
        if self.plan.is_some() {
            return Some(zone.day_start(i64::from(day(zone, as_of).0) + 1));
        }
        (0..self.seed).filter_map(|input| look.changes_at(input)).min()
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

fn words(fit: &Fit, percentile: f64) -> (Vec<String>, Vec<String>) {
    let mut zh = vec![format!("与种子人群的相似度高于{percentile:.1}%的人")];
    let mut en = vec![format!("more like the seed than {percentile:.1} % of those ranked")];
    if let Some(refusal) = &fit.refusal {
        let (own_zh, own_en) = refusal.words();
        zh.push(format!("置信度低:按到种子中心的距离({own_zh})"));
        en.push(format!("low confidence: by the distance to the seed's centre ({own_en})"));
    }
    (zh, en)
}

fn features(written: Vec<Feature>, models: Option<Json>) -> kernel::Result<Features> {
    if written.len() > FEATURES_MAX {
        return Err(Failure::LimitExceeded { limit: "features of a look-alike", max: FEATURES_MAX as u64 });
    }
    if written.is_empty() {
        let config = models.unwrap_or_else(|| json!({}));
        return Ok(Features::Usual(Box::new(super::Config::read(&config)?)));
    }
    let mut named = Vec::with_capacity(written.len());
    for (place, feature) in written.into_iter().enumerate() {
        let field = format!("features/{place}");
        let (name, written) = match feature {
            Feature::Trait(name) => (name.clone(), json!({ "trait": name, "op": "exists" })),
            Feature::Measure { name, rule } => (name, rule),
        };
        let rule = rule(&field, &written)?;
        if !matches!(
            rule,
            Rule::Trait(_) | Rule::Event(_) | Rule::Sequence(_) | Rule::Score(_) | Rule::Tag(_)
        ) {
            return Err(Failure::invalid(
                format!("config/{field}"),
                "a feature measures one thing: a trait, events, a score",
            ));
        }
        named.push((name, rule));
    }
    Ok(Features::Named(named))
}

fn rule(field: &str, written: &Json) -> kernel::Result<Rule> {
    Rule::parse(&written.to_string())
        .map_err(|error| Failure::invalid(format!("config/{field}{}", error.pointer), error.message))
}
