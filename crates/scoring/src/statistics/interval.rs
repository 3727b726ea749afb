//! The Wilson score interval: quality is judged by its lower bound, not by the point (spec §4.19).

/// The 97.5 % point of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// The two-sided 95 % interval of a share of `successes` in `trials`; (0, 1) of no trial.
pub fn wilson(successes: u64, trials: u64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z2 = Z_95 * Z_95;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bounds_are_the_golden_values_of_section_4_19() {
        for (successes, trials, lower) in [(97, 100, 0.9155), (970, 1000, 0.9575), (60, 100, 0.5020)] {
            assert!((wilson(successes, trials).0 - lower).abs() < 5e-5, "{successes}/{trials}");
        }
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert_eq!(wilson(0, 10).0, 0.0);
    }
}
