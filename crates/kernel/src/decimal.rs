//! Exact decimals, as far as sums of what people send need them: no binary fraction ever touches money.

use std::cmp::Ordering;
use std::fmt;

/// `mantissa · 10^−scale`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Fraction digits kept; more are not money, and would overflow sums.
const SCALE_MAX: u32 = 18;

impl Decimal {
    /// Reads a JSON number. `None` if it is not one, or has more than 18 fraction or 20 other digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.trim_start_matches('-').is_empty() || fraction.len() > 30 || whole.len() > 21 {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()? - exponent;
        if scale <= 0 {
            let factor = 10i128.checked_pow(scale.unsigned_abs())?;
            return Some(Self { mantissa: mantissa.checked_mul(factor)?, scale: 0 });
        }
        let decimal = Self { mantissa, scale: scale as u32 }.trimmed();
        (decimal.scale <= SCALE_MAX).then_some(decimal)
    }

    /// The sum; `None` if it has more than 38 digits.
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self { mantissa, scale }.trimmed())
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10i128.checked_pow(scale - self.scale)?)
    }

    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at_scale(scale), other.at_scale(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.mantissa.signum().cmp(&other.mantissa.signum()),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_money_are_exact() {
        let sum = ["0.1", "0.2", "-0.05", "1e2", "199.50"]
            .iter()
            .fold(Decimal::default(), |sum, text| sum.plus(Decimal::parse(text).unwrap()).unwrap());
        assert_eq!(sum.to_string(), "299.75");
        assert_eq!(Decimal::parse("-0.005").unwrap().to_string(), "-0.005");
        assert_eq!(Decimal::parse("1.50"), Decimal::parse("1.5"));
        assert!(Decimal::parse("10") > Decimal::parse("9.99"));
        for wrong in ["", "-", ".5", "abc", "1.2.3", "1e99"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }
}
