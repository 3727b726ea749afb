//! Statistics the formulas share. All of it takes its input in a fixed order and adds in that order.

pub mod distribution;
pub mod interval;
pub mod logistic;
pub mod optimise;
pub mod quantile;
pub mod special;

pub use distribution::Distribution;
pub use quantile::{median, quantile, sorted};

/// A number as constants keep it: twelve significant digits and at most twelve decimals. So short a text is
/// read back exactly by every reader of JSON, and what is stored is what was computed with.
pub fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return if number == 0.0 { 0.0 } else { number };
    }
    let decimals = (11 - number.abs().log10().floor() as i32).min(12);
    let scale = 10f64.powi(decimals.abs());
    let rounded =
        if decimals >= 0 { (number * scale).round() / scale } else { (number / scale).round() * scale };
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_rounded_number_is_read_back_exactly_and_is_not_rounded_again(number in -1e15..1e15f64, scale in -15i32..1) {
            let rounded = super::rounded(number * 10f64.powi(scale));
            let text = serde_json::to_string(&rounded).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), rounded);
            prop_assert_eq!(super::rounded(rounded), rounded);
        }
    }
}
