//! The purchase machine (LIF-02): none → first → repeat → retained → lapsed, and back to repeat.
//!
//! A function of the orders alone: no state has to be kept.

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::Value;
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Expected cycles that have to be kept to be retained.
    pub cycles: usize,
    /// Silence from which a buyer has lapsed.
    pub lapsed_at: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cycles: 2, lapsed_at: 1.5 }
    }
}

/// The stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing bought yet.
    None,
    /// 首购: on one day.
    First,
    /// 复购: on two days or more.
    Repeat,
    /// 留存: repeat, and the last expected cycles were kept.
    Retained,
    /// Silent for too long by its own rhythm.
    Lapsed,
}

impl Stage {
    /// Its name in rules and in Chinese.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("none", "未购"),
            Self::First => ("first", "首购"),
            Self::Repeat => ("repeat", "复购"),
            Self::Retained => ("retained", "留存"),
            Self::Lapsed => ("lapsed", "沉睡"),
        }
    }
}

/// The stage of a rhythm.
pub fn stage(rhythm: &Rhythm, threshold: f64, settings: &Settings, today: Day) -> Stage {
    let Some(silence) = rhythm.silence(threshold, today) else { return Stage::None };
    if silence >= settings.lapsed_at {
        return Stage::Lapsed;
    }
    let cycles = rhythm.cycles(threshold, today, settings.cycles);
    match rhythm.days.len() {
        0 => Stage::None,
        1 => Stage::First,
        _ if cycles.len() == settings.cycles && cycles.iter().all(|is_kept| *is_kept) => Stage::Retained,
        _ => Stage::Repeat,
    }
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let rhythm = Rhythm::of_kept(facts);
    let threshold = constants.threshold(facts, &rhythm, settings);
    let stage = stage(&rhythm, threshold, &settings.purchase, today);
    let (en, zh) = stage.names();
    let silence = rhythm.silence(threshold, today);
    // Silence of one θ is a cycle missed, and breaks retention before the customer lapses.
    let next =
        [1.0, settings.purchase.lapsed_at].into_iter().filter(|level| silence.is_some_and(|s| s < *level));
    let next = next.filter_map(|level| rhythm.day_of_silence(threshold, level)).min();
    let next = if stage == Stage::Lapsed { None } else { next };
    let days = rhythm.days.len();
    Value::text(en)
        .with("order_days", days as f64)
        .with("silence", silence)
        .with("threshold_days", threshold)
        .because(
            format!("{zh}:下单{days}天,静默比{}", silence.map_or("–".to_owned(), |s| format!("{s:.2}"))),
            format!(
                "{en}: {days} order days, silence {}",
                silence.map_or("–".to_owned(), |s| format!("{s:.2}"))
            ),
        )
        .until(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Order;
    use proptest::prelude::*;

    fn on(days: &[i32], today: i32) -> Value {
        let orders = days.iter().map(|day| Order { day: Day(*day), ..Order::default() }).collect();
        let facts = Facts { orders, ..Facts::default() };
        apply(&facts, &Constants::default(), &All::default(), Day(today))
    }

    #[test]
    fn orders_on_days_0_20_41_60_are_retained_on_day_70_lif_02() {
        assert_eq!(on(&[0, 20, 41, 60], 70).value.as_text(), Some("retained"));
    }

    #[test]
    fn each_stage_is_reached() {
        for (days, today, stage) in [
            (&[][..], 70, "none"),
            (&[60], 70, "first"),
            (&[50, 60], 70, "repeat"),
            (&[0, 20, 41, 60], 250, "lapsed"),
            (&[0, 20, 41, 60, 249], 250, "repeat"),
        ] {
            assert_eq!(on(days, today).value.as_text(), Some(stage), "{days:?}");
        }
    }

    proptest! {
        #[test]
        fn the_stage_holds_until_the_day_that_is_told(days in prop::collection::btree_set(0..300i32, 1..10), later in 0..80i32) {
            let days: Vec<i32> = days.into_iter().collect();
            let today = days.last().unwrap() + later;
            let value = on(&days, today);
            let until = value.changes_on.map_or(today + 300, |day| day.0 - 1);
            for day in [today, i32::midpoint(today, until), until] {
                prop_assert_eq!(&on(&days, day).value, &value.value);
            }
        }
    }
}
