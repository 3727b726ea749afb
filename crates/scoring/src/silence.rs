//! Silence against one's own rhythm, and the warning it raises (§4.5, LIF-05). See docs/definitions/silence.md.
//!
//! Not BG/NBD's chance of being alive: on regular buyers who drop out late that caught 16 % of churners
//! where the own rhythm caught all (spec, ruling R12).

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::lifecycle::relation::{self, Stage};
use crate::model::Value;
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;
use crate::tier;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Yellow, orange and red begin at these ratios.
    pub levels: [f64; 3],
    /// The same for super customers and those of eight or nine stars.
    pub levels_early: [f64; 3],
    /// Stars from which a party is warned of early.
    pub early_stars: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { levels: [1.0, 1.5, 2.0], levels_early: [0.8, 1.0, 1.5], early_stars: 8 }
    }
}

/// How loud a warning is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// As usual.
    #[default]
    None,
    /// Later than usual.
    Yellow,
    /// Much later than usual.
    Orange,
    /// Presumably gone.
    Red,
}

impl Warning {
    /// The warning of a silence ratio.
    pub fn of(silence: f64, levels: [f64; 3]) -> Self {
        let [yellow, orange, red] = levels;
        match silence {
            s if s >= red => Self::Red,
            s if s >= orange => Self::Orange,
            s if s >= yellow => Self::Yellow,
            _ => Self::None,
        }
    }

    /// Its name, in lower case and in Chinese.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("none", "无"),
            Self::Yellow => ("yellow", "黄色"),
            Self::Orange => ("orange", "橙色"),
            Self::Red => ("red", "红色"),
        }
    }
}

/// The ratio as a score.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let rhythm = Rhythm::of(facts);
    let threshold = constants.threshold(facts, &rhythm, settings);
    let Some(silence) = rhythm.silence(threshold, today) else {
        return Value::missing("没有订单", "no order yet");
    };
    let days = rhythm.days_quiet(today).unwrap_or_default();
    Value::number(silence)
        .with("days_quiet", f64::from(days))
        .with("threshold_days", threshold)
        .with("intervals", rhythm.intervals.len() as f64)
        .because(
            format!("已{days}天未下单,其自身节律的警戒线为{threshold:.1}天"),
            format!("{days} days without an order; by its own rhythm {threshold:.1} days are usual"),
        )
        .until(Some(today.plus(1)))
}

/// The warning as a tag.
pub fn warn(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let rhythm = Rhythm::of(facts);
    let threshold = constants.threshold(facts, &rhythm, settings);
    let Some(silence) = rhythm.silence(threshold, today) else {
        return Value::missing("没有订单", "no order yet");
    };
    let is_early = silence >= settings.silence.levels_early[0] && is_early(facts, constants, settings, today);
    let levels = if is_early { settings.silence.levels_early } else { settings.silence.levels };
    let warning = Warning::of(silence, levels);
    // Until the first early level it has not been asked whether the early levels count.
    let next = [settings.silence.levels_early[0]].into_iter().chain(levels).find(|level| silence < *level);
    let (en, zh) = warning.names();
    let value = Value::text(en)
        .with("silence", silence)
        .with("threshold_days", threshold)
        .because(
            format!("静默比{silence:.2},预警{zh}"),
            format!("silence is {silence:.2} of the usual, warning {en}"),
        )
        .until(next.and_then(|level| rhythm.day_of_silence(threshold, level)));
    if is_early {
        value.because("重要客户提前一级预警", "a key customer is warned of one step earlier")
    } else {
        value
    }
}

/// Whether a party is warned of one step earlier. Asked only of those who are silent enough for it to matter.
fn is_early(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> bool {
    let stars = tier::history(tier::Axis::Stars, facts, constants, settings);
    stars.last().is_some_and(|standing| standing.held.level >= settings.silence.early_stars)
        || facts.relation.has_dedicated_owner
            && relation::replay(facts, constants, settings, today).stage == Stage::Super
}
