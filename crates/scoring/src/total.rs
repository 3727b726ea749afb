//! The comprehensive score: a weighted total of the four scores, by which work lists are ordered (SCO-06).

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::model::{Model, Value};
use crate::settings::Settings as All;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Weights of activity, demand, purchasing power and completeness.
    pub weights: [f64; 4],
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: [30.0, 25.0, 25.0, 20.0] }
    }
}

/// The total and its coverage; a score that is missing counts for nothing. `None` if all are.
pub fn score(scores: [Option<f64>; 4], settings: &Settings) -> Option<(f64, f64)> {
    let (mut sum, mut present) = (0.0, 0.0);
    for (score, weight) in scores.into_iter().zip(settings.weights) {
        if let Some(score) = score {
            sum += weight * score;
            present += weight;
        }
    }
    let all: f64 = settings.weights.iter().sum();
    (present > 0.0).then(|| (sum / present, present / all))
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let parts = [Model::Activity, Model::Demand, Model::PurchasingPower, Model::Completeness]
        .map(|model| (model, model.apply(facts, constants, settings, today)));
    let scores = [0, 1, 2, 3].map(|index: usize| parts[index].1.value.as_number());
    let Some((score, coverage)) = score(scores, &settings.total) else {
        return Value::missing("四项得分均缺失", "none of the four scores is known");
    };
    let value = parts
        .iter()
        .fold(Value::number(score), |value, (model, part)| value.with(model.key(), part.value.as_number()));
    let said = |score: Option<f64>| score.map_or("–".to_owned(), |score| format!("{score:.0}"));
    let [activity, demand, power, completeness] = scores.map(said);
    value
        .covering(coverage)
        .because(
            format!("活跃度{activity}、需求{demand}、购买力{power}、完善度{completeness}的加权平均"),
            format!("weighted mean of activity {activity}, demand {demand}, purchasing power {power}, completeness {completeness}"),
        )
        .until(parts.iter().filter_map(|(_, part)| part.changes_on).min())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_total_of_sco_06() {
        let (total, coverage) = score([58.25, 40.0, 70.0, 65.0].map(Some), &Settings::default()).unwrap();
        assert!((total - 57.975).abs() < 1e-9 && coverage == 1.0);
        assert_eq!(format!("{total:.1}"), "58.0");
    }

    #[test]
    fn a_missing_score_lowers_coverage_and_not_the_total() {
        let (total, coverage) =
            score([Some(50.0), None, Some(50.0), Some(50.0)], &Settings::default()).unwrap();
        assert_eq!((total, coverage), (50.0, 0.75));
        assert_eq!(score([None; 4], &Settings::default()), None);
    }
}
