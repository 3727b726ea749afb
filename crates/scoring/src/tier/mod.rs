//! Nine stars × nine diamonds: realised contribution, and potential and relationship (§4.10, VAL-02). See
//! docs/definitions/value-tiers.md.
//!
//! Attribute → percentile rank among peers, winsorised → weighted mean over the attributes that are
//! there = axis score → its percentile rank among peers → stanine → hysteresis → level.
//!
//! Levels are of runs, about a month apart, and hold until the next. The constants of the last runs are
//! kept, so that hysteresis needs no memory: a party's levels are counted up from its facts of those days.

pub mod attribute;
pub mod axis;
pub mod stanine;
pub mod treatment;
pub mod weights;

use serde::{Deserialize, Serialize};

use crate::clv;
use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, Kind};
use crate::model::Value;
use crate::peers::Grouped;
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
    /// Days a run lasts: until then a later batch replaces its constants, after that it is a new run.
    pub run_days: i32,
    /// Runs kept; hysteresis and the relation machine look at the last three.
    pub runs_max: usize,
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
            run_days: 28,
            runs_max: 6,
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

/// The constants of one run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The day of its first batch.
    pub started: Day,
    /// The day of its last batch: what it says is of that day.
    pub day: Day,
    /// The fits of customer value.
    pub clv: clv::Fit,
    /// P90 of twelve-month net.
    pub volume_p90: Grouped<Option<f64>>,
    /// Stars and diamonds among peers.
    pub axes: [Grouped<axis::Peers>; 2],
}

/// Where a party stood in a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// The level.
    pub held: Held,
    /// The axis score, 0–1.
    pub score: f64,
    /// Its percentile rank, 0–1.
    pub rank: f64,
    /// The share of the attributes, by weight, that were there.
    pub coverage: f64,
    /// The peer group.
    pub group: String,
    /// The values of the attributes.
    pub values: Vec<Option<f64>>,
}

/// Where a party stood in each of the runs kept, oldest first; runs in which nothing was known of it are
/// left out.
pub fn history(axis: Axis, facts: &Facts, constants: &Constants, settings: &All) -> Vec<Standing> {
    let attributes = settings.tier.attributes(facts.kind, axis);
    let mut standings: Vec<Standing> = Vec::new();
    for run in &constants.runs {
        let then = facts.until(run.day);
        let Some((group, peers)) = run.axes[axis as usize].named(facts) else { continue };
        let values = attribute::values(attributes, &then, run, settings);
        let Some((score, coverage)) = peers.score(attributes, &values) else { continue };
        let Some(rank) = peers.scores.rank(score) else { continue };
        let before = standings.last().map(|standing| standing.held);
        let held = stanine::held(before, rank, run.day, settings.tier.margin);
        standings.push(Standing { held, score, rank, coverage, group: group.to_owned(), values });
    }
    standings
}

/// The level of an axis for a party.
pub fn apply(axis: Axis, facts: &Facts, constants: &Constants, settings: &All) -> Value {
    let Some(standing) = history(axis, facts, constants, settings).pop() else {
        return Value::missing("尚无同群数据或没有任何属性", "no peers yet, or no attribute known");
    };
    let Standing { held, score, rank, coverage, group, values } = standing;
    let attributes = settings.tier.attributes(facts.kind, axis);
    let value = Value::number(f64::from(held.level));
    let value = attributes
        .iter()
        .zip(&values)
        .fold(value, |value, (attribute, measure)| value.with(&attribute.key, *measure));
    let (percent, level) = (100.0 * rank, held.level);
    let (zh, en) = match axis {
        Axis::Stars => ("星", "stars"),
        Axis::Diamonds => ("钻", "diamonds"),
    };
    let mut value = value
        .with("axis_score", score)
        .with("percentile", percent)
        .with("peer_group", group.as_str())
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
    value.is_provisional = coverage < settings.tier.coverage_min || is_unverified(facts);
    value
}

/// A merchant nobody has verified has a tier to look at, not to decide about money by (ruling R22).
fn is_unverified(facts: &Facts) -> bool {
    facts.kind == Kind::Merchant
        && facts.attributes.get("verification_level").is_some_and(|level| *level < 1.0)
}
