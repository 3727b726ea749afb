//! Money with two places, exact. No binary fraction touches a sum of money; ratios of sums are `f64`.

use std::fmt;
use std::iter::Sum;

use kernel::decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Hundredths of the workspace's currency (分).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Money(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A decimal rounded to two places, halves away from zero. `None` beyond 92 quadrillion.
    pub fn of(decimal: Decimal) -> Option<Self> {
        Self::parse(&decimal.to_string())
    }

    /// Reads plain decimal digits, rounding as [`Money::of`] does.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let place = |index: usize| fraction.as_bytes().get(index).map_or(0, |byte| i64::from(byte - b'0'));
        let hundredths = whole.parse::<i64>().ok()?.checked_mul(100)?;
        let hundredths = hundredths.checked_add(place(0) * 10 + place(1) + i64::from(place(2) >= 5))?;
        Some(Self(if is_negative { -hundredths } else { hundredths }))
    }

    /// The sum, saturating.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, saturating.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// For statistics only: the nearest binary number of units, never summed again.
    pub fn units(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let hundredths = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_hundredths_with_halves_away_from_zero() {
        for (text, hundredths) in
            [("0", 0), ("19.9", 1_990), ("0.005", 1), ("-0.005", -1), ("-12.344", -1_234), ("1000", 100_000)]
        {
            assert_eq!(Money::parse(text), Some(Money(hundredths)), "{text}");
        }
        for text in ["", "-", ".5", "1e2", "abc", "99999999999999999999"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        assert_eq!(Money::of(Decimal::parse("1e2").unwrap()), Some(Money(10_000)));
    }

    #[test]
    fn sums_of_money_are_exact() {
        let sum: Money = std::iter::repeat_n(Money(10), 1_000_000).sum();
        assert_eq!(sum.to_string(), "100000.00");
        assert_eq!(Money(-5).to_string(), "-0.05");
    }
}
