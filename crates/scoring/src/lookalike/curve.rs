//! Size against precision: how many of the hidden seeds are found among the first k (§4.16).
//!
//! A fifth of the seed is hidden among everybody and searched for with the rest of it, five times. Business
//! proof is the lift of a hold-out, not this.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::lookalike::{Person, Settings, rank};
use crate::statistics::rounded;
use crate::sufficiency::{self, Refusal};

/// A point of the curve.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// People taken.
    pub size: usize,
    /// The share of hidden seeds among them, of all hidden seeds.
    pub recall: f64,
    /// How many times more that is than if people were taken at random.
    pub lift: f64,
}

impl Point {
    /// As it is stored.
    pub(super) fn rounded(self) -> Self {
        Self { size: self.size, recall: rounded(self.recall), lift: rounded(self.lift) }
    }
}

/// The curve at sizes. Empty if the seed is smaller than the number of folds.
pub fn curve(
    population: &[Person],
    seed: &BTreeSet<u64>,
    sizes: &[usize],
    settings: &Settings,
) -> Vec<Point> {
    let folds = settings.folds.max(2);
    if seed.len() < folds {
        return Vec::new();
    }
    let mut found = vec![0usize; sizes.len()];
    let mut expected = vec![0.0; sizes.len()];
    for fold in 0..folds {
        // Ascending party numbers dealt like cards: no fold is of one age.
        let hidden: BTreeSet<u64> = seed.iter().copied().skip(fold).step_by(folds).collect();
        let shown: BTreeSet<u64> = seed.difference(&hidden).copied().collect();
        let Some(ranking) = rank(population, &shown, settings) else { continue };
        for (place, size) in sizes.iter().enumerate() {
            let first = ranking.people.iter().take(*size);
            found[place] += first.filter(|(party, _)| hidden.contains(party)).count();
            let share = *size as f64 / ranking.people.len().max(1) as f64;
            expected[place] += hidden.len() as f64 * share.min(1.0);
        }
    }
    let point = |((size, found), expected): ((&usize, &usize), &f64)| Point {
        size: *size,
        recall: *found as f64 / seed.len() as f64,
        lift: *found as f64 / expected.max(f64::MIN_POSITIVE),
    };
    sizes.iter().zip(&found).zip(&expected).map(point).collect()
}

/// Whether a learned ranking may be used at the size of a point (§4.19).
///
/// # Errors
/// [`Refusal`]: too few seeds, or too little lift.
pub fn is_fit(seeds: usize, point: &Point) -> Result<(), Refusal> {
    sufficiency::enough("seeds", seeds as u64, sufficiency::LOOKALIKE_SEEDS_MIN as u64)?;
    sufficiency::at_least("lift", point.lift, sufficiency::LOOKALIKE_LIFT_MIN)
}
