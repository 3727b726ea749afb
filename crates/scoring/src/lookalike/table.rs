//! Features of a population, standardised, with an indicator for each that is missing somewhere.

use super::Person;

pub(super) struct Table {
    /// Standardised features, then indicators.
    pub(super) rows: Vec<Vec<f64>>,
    /// How many of the columns are features.
    pub(super) features: usize,
}

impl Table {
    pub(super) fn of(people: &[&Person]) -> Self {
        let features = people.iter().map(|person| person.features.len()).max().unwrap_or(0);
        let get = |person: &Person, index: usize| person.features.get(index).copied().flatten();
        let mut rows = vec![Vec::with_capacity(features); people.len()];
        let mut indicators = Vec::new();
        for index in 0..features {
            let column: Vec<Option<f64>> = people.iter().map(|person| get(person, index)).collect();
            let values: Vec<Option<f64>> = standardised(&column);
            rows.iter_mut().zip(&values).for_each(|(row, value)| row.push(value.unwrap_or(0.0)));
            if column.iter().any(Option::is_none) && column.iter().any(Option::is_some) {
                let is_missing: Vec<Option<f64>> =
                    column.iter().map(|value| Some(f64::from(u8::from(value.is_none())))).collect();
                indicators.push(standardised(&is_missing));
            }
        }
        for indicator in indicators {
            rows.iter_mut().zip(indicator).for_each(|(row, value)| row.push(value.unwrap_or(0.0)));
        }
        Self { rows, features }
    }

    /// The mean of the rows that are told.
    pub(super) fn centre(&self, is_told: &[bool]) -> Vec<f64> {
        let mut centre = vec![0.0; self.rows.first().map_or(0, Vec::len)];
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

/// (x − mean)/deviation of what is there; a column that never varies is all zero.
fn standardised(column: &[Option<f64>]) -> Vec<Option<f64>> {
    let count = column.iter().flatten().count().max(1) as f64;
    let mean = column.iter().flatten().sum::<f64>() / count;
    let variance = column.iter().flatten().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let deviation = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
    column.iter().map(|value| value.map(|value| (value - mean) / deviation)).collect()
}
