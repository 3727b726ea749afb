//! The best time: the hour of the week in which a party answers most, smoothed over the hours beside it;
//! with fewer than ten answers, that of its peers (§4.15).

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::{Facts, TouchKind};
use crate::model::Value;

/// Hours in a week.
pub const HOURS: usize = 168;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days an answer counts.
    pub window_days: i32,
    /// Answers below which the peers' time is used.
    pub answers_min: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 180, answers_min: 10 }
    }
}

/// Answers by the hour of the week.
pub fn histogram(facts: &Facts, settings: &Settings, today: Day) -> Vec<u32> {
    let mut hours = vec![0; HOURS];
    let answers = facts.touches.iter().filter(|touch| touch.kind == TouchKind::Response);
    for touch in answers.filter(|touch| touch.day.is_within(settings.window_days, today)) {
        hours[usize::from(touch.hour_of_week) % HOURS] += 1;
    }
    hours
}

/// The hour with the most answers in it and the two beside it; of equal ones the first. `None` without any.
pub fn best(hours: &[u32]) -> Option<usize> {
    let count = hours.len();
    let around =
        |hour: usize| hours[(hour + count - 1) % count] + 2 * hours[hour] + hours[(hour + 1) % count];
    let best = (0..count).rev().max_by_key(|hour| around(*hour))?;
    (around(best) > 0).then_some(best)
}

/// The model: `Mon 20:00` and the like.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let own = histogram(facts, settings, today);
    let answers: u32 = own.iter().sum();
    let is_own = answers >= settings.answers_min;
    let hour = if is_own { best(&own) } else { constants.hours.get(facts).and_then(|hours| best(hours)) };
    let Some(hour) = hour else {
        return Value::missing("本人和同群都没有响应", "neither it nor its peers ever answered");
    };
    let value = Value::text(format!("{} {:02}:00", DAYS[hour / 24], hour % 24))
        .with("answers", f64::from(answers))
        .with("hour_of_week", hour as f64)
        .until(Some(today.plus(1)));
    if is_own {
        value.because(
            format!("{answers}次响应中最集中的时段"),
            format!("where most of {answers} answers fall"),
        )
    } else {
        value
            .because("本人响应不足10次,用同群的时段", "fewer than ten answers: the time of its peers")
            .provisional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_hours_count_and_the_week_is_a_circle() {
        let mut hours = vec![0; HOURS];
        (hours[10], hours[50], hours[51], hours[52]) = (3, 2, 2, 2);
        assert_eq!(best(&hours), Some(51));
        let mut night = vec![0; HOURS];
        (night[167], night[0]) = (1, 1);
        assert_eq!(best(&night), Some(0));
        assert_eq!(best(&[0; HOURS]), None);
    }
}
