//! Other ways to weigh the attributes of an axis, and the back-test every choice has to pass (§4.10).

use crate::statistics::special::{average_ranks, correlation};

/// Consistency ratio above which pairwise judgements contradict one another.
pub const CONSISTENCY_MAX: f64 = 0.1;

/// Random consistency of 1–10 attributes (Saaty).
const RANDOM: [f64; 10] = [0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49];

/// Entropy weights: an attribute on which everyone is alike says nothing. `rows` are members, each with
/// its ranks 0–1; all rows of one length. `None` with fewer than two rows or if no attribute says anything.
pub fn entropy(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let count = rows.first()?.len();
    if rows.len() < 2 {
        return None;
    }
    let divergence: Vec<f64> = (0..count)
        .map(|column| {
            let total: f64 = rows.iter().map(|row| row[column]).sum();
            let shares = rows.iter().map(|row| row[column] / total).filter(|share| *share > 0.0);
            let entropy: f64 = -shares.map(|share| share * share.ln()).sum::<f64>();
            if total > 0.0 { (1.0 - entropy / (rows.len() as f64).ln()).max(0.0) } else { 0.0 }
        })
        .collect();
    let sum: f64 = divergence.iter().sum();
    (sum > 0.0).then(|| divergence.iter().map(|weight| weight / sum).collect())
}

/// Weights from pairwise judgements (AHP): row ÷ column how much more important, as a square matrix of at
/// most ten. The weights are the principal eigenvector; with them comes the consistency ratio, which has
/// to stay below [`CONSISTENCY_MAX`]. `None` if the matrix is not square, positive and of that size.
pub fn pairwise(judgements: &[Vec<f64>]) -> Option<(Vec<f64>, f64)> {
    let count = judgements.len();
    let is_fit = |row: &Vec<f64>| row.len() == count && row.iter().all(|judgement| *judgement > 0.0);
    if count == 0 || count > RANDOM.len() || !judgements.iter().all(is_fit) {
        return None;
    }
    let times = |weights: &[f64]| -> Vec<f64> {
        judgements.iter().map(|row| row.iter().zip(weights).map(|(a, b)| a * b).sum()).collect()
    };
    let mut weights = vec![1.0 / count as f64; count];
    let mut value = count as f64;
    for _ in 0..200 {
        let next = times(&weights);
        value = next.iter().sum();
        weights = next.iter().map(|weight| weight / value).collect();
    }
    let index =
        if count > 2 { (value - count as f64) / (count as f64 - 1.0) / RANDOM[count - 1] } else { 0.0 };
    Some((weights, index.max(0.0)))
}

/// Whether tiers say at least as much about the margin of the next half year as last year's rank of sales
/// does: both as rank correlations (Spearman), the first of tiers. `None` with fewer than three members.
pub fn backtest(tiers: &[f64], sales: &[f64], margin_after: &[f64]) -> Option<(f64, f64)> {
    let after = average_ranks(margin_after);
    Some((correlation(&average_ranks(tiers), &after)?, correlation(&average_ranks(sales), &after)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistent_judgements_give_back_the_weights_they_were_made_from() {
        let weights = [0.5, 0.3, 0.2];
        let judgements: Vec<Vec<f64>> =
            weights.iter().map(|a| weights.iter().map(|b| a / b).collect()).collect();
        let (found, ratio) = pairwise(&judgements).unwrap();
        assert!(found.iter().zip(weights).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(ratio < 1e-9);
        let contradictory =
            vec![vec![1.0, 9.0, 1.0 / 9.0], vec![1.0 / 9.0, 1.0, 9.0], vec![9.0, 1.0 / 9.0, 1.0]];
        assert!(pairwise(&contradictory).unwrap().1 > CONSISTENCY_MAX);
        assert_eq!(pairwise(&[vec![1.0, 2.0]]), None);
    }

    #[test]
    fn an_attribute_on_which_all_are_alike_has_no_entropy_weight() {
        let weights = entropy(&[vec![0.5, 0.1], vec![0.5, 0.9], vec![0.5, 0.2]]).unwrap();
        assert!(weights[0].abs() < 1e-9 && (weights[1] - 1.0).abs() < 1e-9);
        assert_eq!(entropy(&[vec![0.5], vec![0.5]]), None);
    }

    #[test]
    fn a_back_test_compares_rank_correlations() {
        let (tiers, sales) =
            backtest(&[1.0, 2.0, 3.0, 4.0], &[4.0, 3.0, 2.0, 1.0], &[10.0, 20.0, 30.0, 40.0]).unwrap();
        assert!((tiers - 1.0).abs() < 1e-9 && (sales + 1.0).abs() < 1e-9);
    }
}
