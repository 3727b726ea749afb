//! Features of a population, standardised, with an indicator for each that is missing somewhere.

use serde::{Deserialize, Serialize};

use super::Person;
use crate::statistics::rounded;

/// What a column is of a person: a feature or whether it is missing, (x − mean)/deviation.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Column {
    /// The place of the feature.
    pub feature: usize,
    /// Whether it is 1 where the feature is missing, and 0 elsewhere.
    pub is_missing: bool,
    /// The mean of what is there.
    pub mean: f64,
    /// The deviation, 1 for a column that never varies.
    pub deviation: f64,
}

impl Column {
    /// Over what is there of a column. Rounded as it is stored, so that whoever reads it back computes the same.
    fn of(feature: usize, is_missing: bool, values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
        Self { feature, is_missing, mean: rounded(mean), deviation: rounded(deviation) }
    }

    /// The standardised value; what is missing is the mean.
    pub fn value(&self, features: &[Option<f64>]) -> f64 {
        let value = features.get(self.feature).copied().flatten();
        let value = if self.is_missing { Some(f64::from(u8::from(value.is_none()))) } else { value };
        value.map_or(0.0, |value| (value - self.mean) / self.deviation)
    }
}

pub(super) struct Table {
    /// Features, then indicators.
    pub(super) columns: Vec<Column>,
    /// The people, in the order of the columns.
    pub(super) rows: Vec<Vec<f64>>,
    /// How many of the columns are features.
    pub(super) features: usize,
}

impl Table {
    pub(super) fn of(people: &[&Person]) -> Self {
        let features = people.iter().map(|person| person.features.len()).max().unwrap_or(0);
        let mut columns = Vec::with_capacity(features);
        let mut indicators = Vec::new();
        for feature in 0..features {
            let all = people.iter().map(move |person| person.features.get(feature).copied().flatten());
            columns.push(Column::of(feature, false, all.clone().flatten()));
            if all.clone().any(|value| value.is_none()) && all.clone().any(|value| value.is_some()) {
                let is_missing = all.map(|value| f64::from(u8::from(value.is_none())));
                indicators.push(Column::of(feature, true, is_missing));
            }
        }
        columns.extend(indicators);
        let row = |person: &&Person| columns.iter().map(|column| column.value(&person.features)).collect();
        let rows = people.iter().map(row).collect();
        Self { columns, rows, features }
    }

    /// The mean of the rows that are told.
    pub(super) fn centre(&self, is_told: &[bool]) -> Vec<f64> {
        let mut centre = vec![0.0; self.columns.len()];
        let told = self.rows.iter().zip(is_told).filter(|(_, is_told)| **is_told);
        let mut count = 0.0;
        for (row, _) in told {
            centre.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        centre.iter_mut().for_each(|sum| *sum /= f64::max(count, 1.0));
        centre
    }
}
