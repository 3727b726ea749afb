//! The score of an axis: a weighted mean of winsorised percentile ranks, over what is there (§4.10).

use serde::{Deserialize, Serialize};

use crate::statistics::{Distribution, quantile, sorted};
use crate::tier::attribute::Weighted;

/// Distinct values kept of an attribute. There are dozens of groups of a dozen attributes; what an attribute
/// says is mixed with others, so a quarter of a percentile point does not matter.
const POINTS_MAX: usize = 256;

/// An axis among the members of one peer group.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Peers {
    /// Each attribute, in the order of the definition.
    pub attributes: Vec<Scale>,
    /// The axis scores of the members.
    pub scores: Distribution,
}

/// How an attribute is distributed after winsorising.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Scale {
    /// What is below the first counts as the first, what is above the second as the second.
    pub bounds: Option<(f64, f64)>,
    /// The values, winsorised.
    pub values: Distribution,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, winsor: (f64, f64)) -> Self {
        let values = sorted(values);
        let bounds = quantile(&values, winsor.0).zip(quantile(&values, winsor.1));
        let values = Distribution::coarse(values.into_iter().map(|value| clamp(value, bounds)), POINTS_MAX);
        Self { bounds, values }
    }

    fn rank(&self, value: f64) -> Option<f64> {
        self.values.rank(clamp(value, self.bounds))
    }
}

fn clamp(value: f64, bounds: Option<(f64, f64)>) -> f64 {
    bounds.map_or(value, |(low, high)| value.clamp(low, high))
}

impl Peers {
    /// The axis among members, each with its values in the order of the attributes.
    pub fn of(attributes: &[Weighted], members: &[&[Option<f64>]], winsor: (f64, f64)) -> Self {
        let column =
            |index: usize| members.iter().filter_map(move |values| values.get(index).copied().flatten());
        let scales = (0..attributes.len()).map(|index| Scale::of(column(index), winsor)).collect();
        let mut peers = Self { attributes: scales, scores: Distribution::default() };
        let scores = members.iter().filter_map(|values| Some(peers.score(attributes, values)?.0));
        peers.scores = Distribution::of(scores);
        peers
    }

    /// The score 0–1 of values and their coverage; `None` if none is there.
    pub fn score(&self, attributes: &[Weighted], values: &[Option<f64>]) -> Option<(f64, f64)> {
        let (mut sum, mut present, mut all) = (0.0, 0.0, 0.0);
        for ((attribute, scale), value) in attributes.iter().zip(&self.attributes).zip(values) {
            all += attribute.weight;
            if let Some(rank) = value.and_then(|value| scale.rank(value)) {
                sum += attribute.weight * if attribute.is_inverse { 1.0 - rank } else { rank };
                present += attribute.weight;
            }
        }
        (present > 0.0).then(|| (sum / present, present / all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attributes() -> Vec<Weighted> {
        let weighted = |key: &str, weight, is_inverse| Weighted { key: key.to_owned(), weight, is_inverse };
        vec![weighted("a", 3.0, false), weighted("b", 1.0, true)]
    }

    #[test]
    fn less_of_an_inverse_attribute_scores_more_and_what_is_missing_lowers_coverage() {
        let members: Vec<Vec<Option<f64>>> =
            (0..100).map(|n| vec![Some(f64::from(n)), Some(f64::from(n))]).collect();
        let members: Vec<&[Option<f64>]> = members.iter().map(Vec::as_slice).collect();
        let peers = Peers::of(&attributes(), &members, (0.01, 0.99));
        let few = peers.score(&attributes(), &[None, Some(5.0)]).unwrap();
        let many = peers.score(&attributes(), &[None, Some(95.0)]).unwrap();
        assert!(few.0 > many.0);
        assert_eq!(few.1, 0.25);
        assert_eq!(peers.score(&attributes(), &[None, None]), None);
    }

    proptest! {
        #[test]
        fn the_order_of_members_does_not_matter(mut values in prop::collection::vec((0.0..9.0f64, 0.0..9.0f64), 1..60)) {
            let of = |values: &[(f64, f64)]| {
                let members: Vec<[Option<f64>; 2]> = values.iter().map(|(a, b)| [Some(*a), Some(*b)]).collect();
                let members: Vec<&[Option<f64>]> = members.iter().map(<[_; 2]>::as_slice).collect();
                Peers::of(&attributes(), &members, (0.01, 0.99))
            };
            let forwards = of(&values);
            values.reverse();
            prop_assert_eq!(forwards, of(&values));
        }
    }
}
