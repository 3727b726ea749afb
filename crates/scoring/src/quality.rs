//! Data quality in six dimensions, and how complete a party's profile is (§4.6, SCO-04). See
//! docs/definitions/quality.md.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::facts::{Facts, Field};
use crate::model::Value;

/// Counts of a data set, by the six primary dimensions of DAMA UK (2013): each is good ÷ looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Required values: not blank, of all.
    pub completeness: Ratio,
    /// Distinct real entities, of records.
    pub uniqueness: Ratio,
    /// Records within their freshness limit, of all.
    pub timeliness: Ratio,
    /// Values of the right format, range and reference, of those not blank.
    pub validity: Ratio,
    /// Values equal to a trusted reference, of those compared.
    pub accuracy: Ratio,
    /// Rules across fields and sources satisfied, of those tested.
    pub consistency: Ratio,
    /// Values there were to compare with a reference.
    pub comparable: u64,
}

/// Good of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ratio {
    /// Those that are good.
    pub good: u64,
    /// Those looked at.
    pub of: u64,
}

impl Ratio {
    /// The share; `None` of nothing.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.good as f64 / self.of as f64)
    }
}

/// The quality of a data set.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Completeness, uniqueness, timeliness, validity, accuracy, consistency.
    pub dimensions: [Option<f64>; 6],
    /// The share of comparable values that were compared; accuracy means nothing without it.
    pub accuracy_coverage: Option<f64>,
    /// 0–100, over the dimensions that are known.
    pub score: Option<f64>,
}

/// Weights of the six dimensions.
pub const WEIGHTS: [f64; 6] = [20.0, 20.0, 15.0, 20.0, 15.0, 10.0];

impl Quality {
    /// The quality of counts.
    pub fn of(counts: &Counts, weights: [f64; 6]) -> Self {
        let Counts { completeness, uniqueness, timeliness, validity, accuracy, consistency, comparable } =
            *counts;
        let dimensions =
            [completeness, uniqueness, timeliness, validity, accuracy, consistency].map(Ratio::share);
        let known = dimensions.iter().zip(weights).filter_map(|(share, weight)| Some(((*share)?, weight)));
        let (sum, present) = known
            .fold((0.0, 0.0), |(sum, present), (share, weight)| (sum + weight * share, present + weight));
        Self {
            dimensions,
            accuracy_coverage: Ratio { good: accuracy.of, of: comparable }.share(),
            score: (present > 0.0).then(|| 100.0 * sum / present),
        }
    }
}

fn counts(field: &Field, today: Day) -> bool {
    field.is_filled && field.is_valid && field.fresh_until.is_none_or(|until| today <= until)
}

/// 100·Σ w·1[filled, valid and fresh] / Σ w over fields that apply; `None` if none applies.
pub fn completeness(fields: &[Field], today: Day) -> Option<f64> {
    let all: f64 = fields.iter().map(|field| field.weight).sum();
    let good: f64 = fields.iter().filter(|field| counts(field, today)).map(|field| field.weight).sum();
    (all > 0.0).then(|| 100.0 * good / all)
}

/// The completeness score of a party.
pub fn apply(facts: &Facts, today: Day) -> Value {
    let Some(score) = completeness(&facts.fields, today) else {
        return Value::missing("没有定义应有字段", "no field is expected of it");
    };
    let lacking: Vec<&str> =
        facts.fields.iter().filter(|field| !counts(field, today)).map(|field| field.name.as_str()).collect();
    let fresh = facts.fields.iter().filter(|field| counts(field, today));
    let value = Value::number(score)
        .with("fields", facts.fields.len() as f64)
        .with("good", (facts.fields.len() - lacking.len()) as f64)
        .until(fresh.filter_map(|field| field.fresh_until).min().map(|day| day.plus(1)));
    if lacking.is_empty() {
        return value.because("全部字段已填、有效且新鲜", "every field is filled, valid and fresh");
    }
    let named = lacking.iter().take(5).copied().collect::<Vec<_>>();
    value.because(
        format!("缺失、无效或过期:{}", named.join("、")),
        format!("missing, invalid or stale: {}", named.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(weight: f64, is_valid: bool, fresh_until: Option<i32>) -> Field {
        Field { name: "f".to_owned(), weight, is_filled: true, is_valid, fresh_until: fresh_until.map(Day) }
    }

    #[test]
    fn six_and_a_half_of_ten_is_65_sco_04() {
        let fields = [
            field(4.0, true, None),
            field(2.5, true, Some(9)),
            field(1.5, false, None),
            field(2.0, true, Some(8)),
        ];
        assert_eq!(completeness(&fields, Day(9)), Some(65.0));
        let facts = Facts { fields: fields.to_vec(), ..Facts::default() };
        assert_eq!(apply(&facts, Day(9)).changes_on, Some(Day(10)));
        assert_eq!(completeness(&[], Day(9)), None);
    }

    #[test]
    fn a_dimension_that_was_not_measured_does_not_count_section_4_6() {
        let ratio = |good, of| Ratio { good, of };
        let counts = Counts {
            completeness: ratio(90, 100),
            uniqueness: ratio(95, 100),
            comparable: 100,
            ..Counts::default()
        };
        let quality = Quality::of(&counts, WEIGHTS);
        assert_eq!(quality.dimensions[4], None);
        assert_eq!(quality.accuracy_coverage, Some(0.0));
        assert!((quality.score.unwrap() - 92.5).abs() < 1e-9);
        let full = Counts {
            timeliness: ratio(1, 2),
            validity: ratio(1, 1),
            accuracy: ratio(3, 4),
            consistency: ratio(1, 1),
            ..counts
        };
        let score = Quality::of(&full, WEIGHTS).score.unwrap();
        assert!((score - (18.0 + 19.0 + 7.5 + 20.0 + 11.25 + 10.0)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn filling_a_field_never_lowers_completeness(weights in prop::collection::vec(0.1..9.0f64, 1..20), at in 0usize..20) {
            let mut fields: Vec<Field> = weights.iter().map(|weight| field(*weight, false, None)).collect();
            let before = completeness(&fields, Day(0)).unwrap();
            let at = at % fields.len();
            fields[at].is_valid = true;
            prop_assert!(completeness(&fields, Day(0)).unwrap() > before);
        }
    }
}
