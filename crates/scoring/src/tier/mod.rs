//! Nine stars × nine diamonds: realised contribution, and potential and relationship (§4.10, VAL-02). See
//! docs/definitions/value-tiers.md.
//!
//! Attribute → percentile rank among peers, winsorised → weighted mean over the attributes that are
//! there = axis score → its percentile rank among peers → stanine → hysteresis → level.

pub mod attribute;
pub mod axis;
pub mod stanine;
pub mod treatment;
pub mod weights;

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, Kind};
use crate::model::{State, Value};
use crate::settings::Settings as All;

/// The level held, and the one the last run would have given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The level, 1–9.
    pub level: u8,
    /// The level the last run asked for, if hysteresis held it back.
    #[serde(default)]
    pub asked: Option<u8>,
    /// The run (day of the constants) that decided.
    pub run: Day,
}

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Percentile points by which a cut has to be passed to move at once.
    pub margin: f64,
    /// The quantiles to which attributes are winsorised.
    pub winsor: (f64, f64),
    /// Coverage below which a tier is provisional.
    pub coverage_min: f64,
    /// Attributes of merchants: stars, diamonds.
    pub merchant: [Vec<attribute::Weighted>; 2],
    /// Attributes of consumers: stars, diamonds.
    pub consumer: [Vec<attribute::Weighted>; 2],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            margin: 2.0,
            winsor: (0.01, 0.99),
            coverage_min: 0.60,
            merchant: [attribute::merchant_stars(), attribute::merchant_diamonds()],
            consumer: [attribute::consumer_stars(), attribute::consumer_diamonds()],
        }
    }
}

impl Settings {
    /// The attributes of an axis.
    pub fn attributes(&self, kind: Kind, axis: Axis) -> &[attribute::Weighted] {
        let axes = match kind {
            Kind::Merchant => &self.merchant,
            Kind::Consumer => &self.consumer,
        };
        &axes[axis as usize]
    }
}

/// One of the two axes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Axis {
    /// 星: realised contribution.
    Stars = 0,
    /// 钻: potential and relationship.
    Diamonds = 1,
}

/// The level of an axis for a party.
pub fn apply(axis: Axis, facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let own = &settings.tier;
    let tiers = &constants.tiers[axis as usize];
    let attributes = own.attributes(facts.kind, axis);
    let found = tiers.named(facts).and_then(|(group, peers)| {
        let values = attribute::values(attributes, facts, constants, settings, today);
        let (score, coverage) = peers.score(attributes, &values)?;
        Some((group, score, coverage, peers.scores.rank(score)?, values))
    });
    let Some((group, score, coverage, rank, values)) = found else {
        return Value::missing("尚无同群数据或没有任何属性", "no peers yet, or no attribute known");
    };
    let before = match axis {
        Axis::Stars => facts.standing.stars,
        Axis::Diamonds => facts.standing.diamonds,
    };
    let held = stanine::held(before, rank, constants.day, own.margin);
    let value = attributes
        .iter()
        .zip(&values)
        .fold(Value::number(f64::from(held.level)), |value, (attribute, measure)| {
            value.with(&attribute.key, *measure)
        });
    let (percent, level) = (100.0 * rank, held.level);
    let (zh, en) = match axis {
        Axis::Stars => ("星", "stars"),
        Axis::Diamonds => ("钻", "diamonds"),
    };
    let mut value = value
        .with("axis_score", score)
        .with("percentile", percent)
        .with("peer_group", group)
        .covering(coverage)
        .because(
            format!("在同群“{group}”中位于第{percent:.1}百分位:{level}{zh}"),
            format!("at percentile {percent:.1} of its peers ({group}): {level} {en}"),
        );
    if let Some(asked) = held.asked {
        value = value.because(
            format!("本期应为{asked}{zh},未越过界限2个百分点,待下期确认"),
            format!("this run asks for {asked}, too close to the cut; the next run decides"),
        );
    }
    value.is_provisional = coverage < own.coverage_min || is_unverified(facts);
    value.state = Some(match axis {
        Axis::Stars => State::Stars(held),
        Axis::Diamonds => State::Diamonds(held),
    });
    value.until(Some(today.plus(1)))
}

/// A merchant nobody has verified has a tier to look at, not to decide about money by (ruling R22).
fn is_unverified(facts: &Facts) -> bool {
    facts.kind == Kind::Merchant
        && facts.attributes.get("verification_level").is_some_and(|level| *level < 1.0)
}
