//! What is bought together: Dunning's log-likelihood ratio of co-purchase counts (§4.17). See
//! docs/definitions/together.md.

use std::collections::{BTreeMap, BTreeSet};

/// Below this a pair may be chance: p < 0.001 of χ² with one degree of freedom.
pub const RATIO_MIN: f64 = 10.83;

/// Baskets with both, with the first only, with the second only, with neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// With both.
    pub both: u64,
    /// With the first only.
    pub first: u64,
    /// With the second only.
    pub second: u64,
    /// With neither.
    pub neither: u64,
}

/// The log-likelihood ratio of two things being bought independently or not; 0 if independent.
pub fn ratio(counts: Counts) -> f64 {
    let Counts { both, first, second, neither } = counts;
    let rows = entropy(&[both + first, second + neither]);
    let columns = entropy(&[both + second, first + neither]);
    (2.0 * (rows + columns - entropy(&[both, first, second, neither]))).max(0.0)
}

/// N·ln N − Σ k·ln k, with 0·ln 0 = 0.
fn entropy(counts: &[u64]) -> f64 {
    let term = |count: u64| if count == 0 { 0.0 } else { count as f64 * (count as f64).ln() };
    term(counts.iter().sum()) - counts.iter().map(|count| term(*count)).sum::<f64>()
}

/// A pair of things with how surely and how strongly they go together.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    /// The first thing by name.
    pub first: String,
    /// The second.
    pub second: String,
    /// The log-likelihood ratio.
    pub ratio: f64,
    /// The cosine of their baskets.
    pub cosine: f64,
}

/// The pairs of at least [`RATIO_MIN`] among baskets, both things in at least `item_min` of them and more
/// often together than by chance; ascending by name.
pub fn pairs(baskets: &[BTreeSet<&str>], item_min: u64) -> Vec<Pair> {
    let mut items: BTreeMap<&str, u64> = BTreeMap::new();
    baskets.iter().flatten().for_each(|item| *items.entry(item).or_default() += 1);
    items.retain(|_, count| *count >= item_min.max(1));
    let mut together: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for basket in baskets {
        let kept: Vec<&str> = basket.iter().copied().filter(|item| items.contains_key(item)).collect();
        for (place, first) in kept.iter().enumerate() {
            kept[place + 1..].iter().for_each(|second| *together.entry((first, second)).or_default() += 1);
        }
    }
    let all = baskets.len() as u64;
    let pair = |((first, second), both): ((&str, &str), u64)| {
        let (of_first, of_second) = (items[first], items[second]);
        let neither = all + both - of_first - of_second;
        let counts = Counts { both, first: of_first - both, second: of_second - both, neither };
        let is_attraction = both as f64 * all as f64 > of_first as f64 * of_second as f64;
        let ratio = ratio(counts);
        let cosine = both as f64 / (of_first as f64 * of_second as f64).sqrt();
        let pair = Pair { first: first.to_owned(), second: second.to_owned(), ratio, cosine };
        (is_attraction && ratio >= RATIO_MIN).then_some(pair)
    };
    together.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(both: u64, first: u64, second: u64, neither: u64) -> f64 {
        ratio(Counts { both, first, second, neither })
    }

    #[test]
    fn ratios_have_the_golden_values_of_section_4_17() {
        for ((a, b, c, d), golden) in [
            ((1, 0, 0, 1), 2.773),
            ((10, 0, 0, 10), 27.726),
            ((5, 1_995, 0, 100_000), 39.331),
            ((1_000, 1_995, 1_000, 100_000), 4_730.737),
        ] {
            assert!((of(a, b, c, d) - golden).abs() < 1e-3, "{}", of(a, b, c, d));
        }
    }

    #[test]
    fn only_pairs_that_attract_one_another_beyond_chance_are_kept() {
        let mut baskets = vec![BTreeSet::from(["tea", "pot"]); 20];
        baskets.extend(vec![BTreeSet::from(["wine"]); 20]);
        baskets.extend([BTreeSet::from(["tea", "wine"])]);
        let pairs = pairs(&baskets, 5);
        assert_eq!(
            pairs.iter().map(|pair| (pair.first.as_str(), pair.second.as_str())).collect::<Vec<_>>(),
            [("pot", "tea")]
        );
    }

    proptest! {
        #[test]
        fn a_ratio_is_never_negative_and_does_not_care_which_is_first(a in 0u64..500, b in 0u64..500, c in 0u64..500, d in 0u64..500) {
            prop_assert!(of(a, b, c, d) >= 0.0);
            prop_assert!((of(a, b, c, d) - of(a, c, b, d)).abs() < 1e-6);
        }
    }
}
