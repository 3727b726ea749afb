//! Logistic regression with an L2 penalty, by Newton's method. Deterministic: rows are added in order.

use serde::{Deserialize, Serialize};

/// A fitted model over standardised features.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Logistic {
    /// The intercept.
    pub intercept: f64,
    /// A coefficient for each feature.
    pub coefficients: Vec<f64>,
}

/// A row to learn from.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Its features.
    pub features: &'a [f64],
    /// Whether it is a positive.
    pub is_positive: bool,
    /// How much it counts.
    pub weight: f64,
}

/// Newton's method converges in a handful of steps or never.
const STEPS_MAX: usize = 50;

impl Logistic {
    /// Minimises Σ weight·log loss + ½·penalty·|coefficients|². The intercept is not penalised.
    /// `None` without rows, or if the rows cannot be solved.
    pub fn fit(rows: &[Row<'_>], penalty: f64) -> Option<Self> {
        let width = rows.first()?.features.len() + 1;
        let mut theta = vec![0.0; width];
        for _ in 0..STEPS_MAX {
            let (gradient, hessian) = derivatives(rows, &theta, penalty);
            let step = solve(hessian, gradient)?;
            // Steps beyond 5 on standardised features overshoot where classes separate.
            let length = step.iter().fold(0.0f64, |most, s| most.max(s.abs()));
            let scale = if length > 5.0 { 5.0 / length } else { 1.0 };
            theta.iter_mut().zip(&step).for_each(|(theta, step)| *theta -= scale * step);
            if length < 1e-9 {
                break;
            }
        }
        let intercept = theta.remove(0);
        theta.iter().all(|theta| theta.is_finite()).then_some(Self { intercept, coefficients: theta })
    }

    /// Intercept + Σ coefficient·feature.
    pub fn score(&self, features: &[f64]) -> f64 {
        self.intercept + self.coefficients.iter().zip(features).map(|(c, f)| c * f).sum::<f64>()
    }

    /// The probability of being a positive.
    pub fn probability(&self, features: &[f64]) -> f64 {
        sigmoid(self.score(features))
    }
}

/// 1/(1 + e^−x).
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn derivatives(rows: &[Row<'_>], theta: &[f64], penalty: f64) -> (Vec<f64>, Vec<Vec<f64>>) {
    let width = theta.len();
    let mut gradient = vec![0.0; width];
    let mut hessian = vec![vec![0.0; width]; width];
    let mut row_with_one = vec![1.0; width];
    for row in rows {
        row_with_one[1..].copy_from_slice(row.features);
        let p = sigmoid(theta.iter().zip(&row_with_one).map(|(t, x)| t * x).sum());
        let residual = row.weight * (p - f64::from(u8::from(row.is_positive)));
        let curvature = row.weight * p * (1.0 - p);
        for (i, x) in row_with_one.iter().enumerate() {
            gradient[i] += residual * x;
            let cx = curvature * x;
            if cx != 0.0 {
                hessian[i][..=i].iter_mut().zip(&row_with_one).for_each(|(h, y)| *h += cx * y);
            }
        }
    }
    for i in 0..width {
        // The intercept gets just enough to be solvable where all rows are alike.
        hessian[i][i] += if i == 0 { 1e-9 } else { penalty };
        gradient[i] += if i == 0 { 0.0 } else { penalty * theta[i] };
    }
    (gradient, hessian)
}

/// Solves a symmetric positive definite system given by its lower triangle (Cholesky).
fn solve(mut lower: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let width = right.len();
    for i in 0..width {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = lower[i][j] - dot;
            if i != j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 0.0 {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    for i in 0..width {
        let dot: f64 = (0..i).map(|k| lower[i][k] * right[k]).sum();
        right[i] = (right[i] - dot) / lower[i][i];
    }
    for i in (0..width).rev() {
        let dot: f64 = (i + 1..width).map(|k| lower[k][i] * right[k]).sum();
        right[i] = (right[i] - dot) / lower[i][i];
    }
    Some(right)
}

/// The area under the ROC curve of (score, is positive); `None` if one class is empty.
pub fn area_under_curve(scored: &[(f64, bool)]) -> Option<f64> {
    let scores: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
    let ranks = super::special::average_ranks(&scores);
    let positives = scored.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
    let negatives = scored.len() as f64 - positives;
    let sum: f64 =
        ranks.iter().zip(scored).filter(|(_, (_, is_positive))| *is_positive).map(|(rank, _)| rank).sum();
    (positives > 0.0 && negatives > 0.0)
        .then(|| (sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// The Brier score of (probability, is positive): the mean squared error. `None` of nothing.
pub fn brier(scored: &[(f64, bool)]) -> Option<f64> {
    let errors = scored.iter().map(|(p, is_positive)| (p - f64::from(u8::from(*is_positive))).powi(2));
    (!scored.is_empty()).then(|| errors.sum::<f64>() / scored.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_finds_the_log_odds_of_two_groups() {
        // 30 of 100 without and 80 of 100 with the feature: log odds −0.847 and 1.386.
        let features = [vec![0.0], vec![1.0]];
        let rows: Vec<Row<'_>> = (0..200)
            .map(|n| {
                let has = n >= 100;
                let is_positive = if has { n < 180 } else { n < 30 };
                Row { features: &features[usize::from(has)], is_positive, weight: 1.0 }
            })
            .collect();
        let model = Logistic::fit(&rows, 1e-9).unwrap();
        assert!((model.probability(&[0.0]) - 0.3).abs() < 1e-6);
        assert!((model.probability(&[1.0]) - 0.8).abs() < 1e-6);
        assert!(Logistic::fit(&rows, 100.0).unwrap().coefficients[0] < model.coefficients[0]);
    }

    #[test]
    fn separable_classes_have_a_finite_fit_because_of_the_penalty() {
        let features = [vec![-1.0], vec![1.0]];
        let rows = [false, true].map(|is_positive| Row {
            features: &features[usize::from(is_positive)],
            is_positive,
            weight: 1.0,
        });
        assert!(Logistic::fit(&rows, 0.1).unwrap().coefficients[0].is_finite());
        assert_eq!(Logistic::fit(&[], 1.0), None);
    }

    #[test]
    fn area_and_brier_of_known_cases() {
        let scored = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        assert_eq!(area_under_curve(&scored), Some(0.75));
        assert!((brier(&scored).unwrap() - (0.01 + 0.64 + 0.09 + 0.01) / 4.0).abs() < 1e-12);
        assert_eq!(area_under_curve(&[(0.5, true)]), None);
    }
}
