//! How a measure is distributed over a group, kept small enough to be a constant.
//!
//! The percentile rank of x in a group of n is (#{y < x} + ½·#{y = x}) / n, so ties share a rank (spec
//! §0.2.4). Up to [`POINTS_MAX`] distinct values are kept as they are and the rank is exact; of more,
//! that many are kept at even ranks and the error is below 1/[`POINTS_MAX`].

use serde::{Deserialize, Serialize};

/// Distinct values kept. A rank is then wrong by less than 0.05 percentile points, less than the half
/// point any score is rounded to.
pub const POINTS_MAX: usize = 2_048;

/// The distribution of one measure over one group.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values there were.
    pub count: u64,
    /// Distinct values, ascending.
    values: Vec<f64>,
    /// For each value how many are smaller.
    below: Vec<u64>,
    /// For each value how many are equal.
    equal: Vec<u64>,
}

impl Distribution {
    /// The distribution of values, in any order.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        Self::coarse(values, POINTS_MAX)
    }

    /// The same with at most `points` distinct values kept, at least two.
    pub fn coarse(values: impl IntoIterator<Item = f64>, points: usize) -> Self {
        let mut distribution = Self::default();
        for value in super::sorted(values.into_iter().map(super::rounded)) {
            if distribution.values.last() == Some(&value) {
                if let Some(equal) = distribution.equal.last_mut() {
                    *equal += 1;
                }
            } else {
                distribution.values.push(value);
                distribution.below.push(distribution.count);
                distribution.equal.push(1);
            }
            distribution.count += 1;
        }
        distribution.thinned(points.max(2))
    }

    /// The percentile rank of a value, 0–1; `None` in an empty group.
    pub fn rank(&self, value: f64) -> Option<f64> {
        if self.values.is_empty() || value.is_nan() {
            return None;
        }
        let value = super::rounded(value);
        let place = self.values.partition_point(|kept| *kept < value);
        let Some(next) = self.values.get(place) else { return Some(1.0) };
        let count = self.count as f64;
        if *next == value {
            return Some((self.below[place] as f64 + 0.5 * self.equal[place] as f64) / count);
        }
        let Some(before) = place.checked_sub(1) else { return Some(0.0) };
        // Nothing lies between two neighbours that were both kept, unless some were thinned out.
        let from = (self.below[before] + self.equal[before]) as f64;
        let share = (value - self.values[before]) / (next - self.values[before]);
        Some((from + share * (self.below[place] as f64 - from)) / count)
    }

    fn thinned(self, points: usize) -> Self {
        if self.values.len() <= points {
            return self;
        }
        let last = self.values.len() - 1;
        let places: Vec<usize> = (0..points).map(|point| point * last / (points - 1)).collect();
        Self {
            count: self.count,
            values: places.iter().map(|place| self.values[*place]).collect(),
            below: places.iter().map(|place| self.below[*place]).collect(),
            equal: places.iter().map(|place| self.equal[*place]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_percentile_rank_section_0_2_4() {
        let group = Distribution::of([3.0, 1.0, 2.0, 2.0]);
        assert_eq!(group.rank(1.0), Some(0.125));
        assert_eq!(group.rank(2.0), Some(0.5));
        assert_eq!(group.rank(3.0), Some(0.875));
        assert_eq!(group.rank(0.0), Some(0.0));
        assert_eq!(group.rank(2.5), Some(0.75));
        assert_eq!(group.rank(9.0), Some(1.0));
        assert_eq!(Distribution::default().rank(1.0), None);
    }

    #[test]
    fn a_thinned_distribution_ranks_within_a_thousandth() {
        let exact: Vec<f64> = (0..50_000).map(|i| f64::from(i).powi(2)).collect();
        let group = Distribution::of(exact.iter().copied());
        for (place, value) in exact.iter().enumerate().step_by(97) {
            let rank = (place as f64 + 0.5) / 50_000.0;
            assert!((group.rank(*value).unwrap() - rank).abs() < 1e-3, "{value}");
        }
    }
}
