//! Exact numbers of the hot loop: a decimal as mantissa and scale, and a sum that cannot overflow.
//!
//! [`Number`] accepts what `kernel::decimal::Decimal` accepts. [`Wide`] holds sums at scale 18 in 256
//! bits: 2⁶³ of the largest numbers fit, so a sum is exact and the same in every order.

use std::cmp::Ordering;
use std::fmt;

use kernel::decimal::Decimal;

/// Fraction digits a number can have; `kernel::decimal` keeps as many.
pub const SCALE_MAX: u8 = 18;

/// `mantissa · 10^−scale`, without trailing zeros, so that equal numbers are equal fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Number {
    mantissa: i128,
    scale: u8,
}

impl Number {
    /// A number from its digits; `None` if it has more than 18 fraction digits or 38 digits in all.
    pub fn new(mut mantissa: i128, mut scale: u8) -> Option<Self> {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        (scale <= SCALE_MAX && mantissa != i128::MIN).then_some(Self { mantissa, scale })
    }

    /// Reads a JSON number.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(mantissa) = text.parse::<i64>() {
            return Some(Self::from(mantissa));
        }
        let plain = Decimal::parse(text)?.to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        Self::new(format!("{whole}{fraction}").parse().ok()?, u8::try_from(fraction.len()).ok()?)
    }

    /// The digits.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of the digits are a fraction.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The greatest whole `m` with `m · 10^−scale ≤ self`, and whether they are equal.
    pub(crate) fn floor_at(self, scale: u8) -> (i128, bool) {
        if scale >= self.scale {
            let product = self.mantissa.checked_mul(power(scale - self.scale));
            let limit = if self.mantissa < 0 { i128::MIN } else { i128::MAX };
            return (product.unwrap_or(limit), product.is_some());
        }
        let unit = power(self.scale - scale);
        (self.mantissa.div_euclid(unit), self.mantissa.rem_euclid(unit) == 0)
    }

    pub(crate) fn wide(self) -> Wide {
        Wide::from(self.mantissa).times(power(SCALE_MAX - self.scale) as u64)
    }
}

fn power(exponent: u8) -> i128 {
    10i128.pow(u32::from(exponent))
}

impl From<i64> for Number {
    fn from(mantissa: i64) -> Self {
        Self { mantissa: i128::from(mantissa), scale: 0 }
    }
}

impl From<Number> for Decimal {
    fn from(number: Number) -> Self {
        Decimal::parse(&number.to_string()).unwrap_or_default()
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa.cmp(&other.mantissa);
        }
        self.wide().cmp(&other.wide())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        write_decimal(f, self.mantissa < 0, &digits, usize::from(self.scale))
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, is_negative: bool, digits: &str, scale: usize) -> fmt::Result {
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if is_negative { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    write!(f, "{sign}{whole}{point}{fraction}")
}

/// A 256-bit whole number, two's complement. Sums of numbers at scale 18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide {
    high: i128,
    low: u128,
}

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        Self { high: if value < 0 { -1 } else { 0 }, low: value as u128 }
    }
}

impl Wide {
    pub(crate) fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self { high: self.high.wrapping_add(other.high).wrapping_add(i128::from(carry)), low }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    fn negated(self) -> Self {
        let (low, carry) = (!self.low).overflowing_add(1);
        Self { high: (!self.high).wrapping_add(i128::from(carry)), low }
    }

    pub(crate) fn times(self, factor: u64) -> Self {
        let mut limbs = self.magnitude();
        let mut carry = 0u128;
        for limb in &mut limbs {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        Self::from_magnitude(limbs, self.high < 0)
    }

    /// The quotient rounded toward zero, and what is left of the magnitude.
    pub(crate) fn divided(self, divisor: u64) -> (Self, u64) {
        let mut limbs = self.magnitude();
        let mut rest = 0u128;
        for limb in limbs.iter_mut().rev() {
            let part = rest << 64 | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        (Self::from_magnitude(limbs, self.high < 0), rest as u64)
    }

    /// The number, if it was made from an `i64`.
    /// The digits, if they fit.
    pub(crate) fn low_i128(self) -> Option<i128> {
        let low = self.low as i128;
        (self.high == if low < 0 { -1 } else { 0 }).then_some(low)
    }

    pub(crate) fn low_i64(self) -> i64 {
        self.low as i64
    }

    fn magnitude(self) -> [u64; 4] {
        let positive = if self.high < 0 { self.negated() } else { self };
        let (high, low) = (positive.high as u128, positive.low);
        [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64]
    }

    fn from_magnitude(limbs: [u64; 4], is_negative: bool) -> Self {
        let pair = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
        let value = Self { high: pair(limbs[2], limbs[3]) as i128, low: pair(limbs[0], limbs[1]) };
        if is_negative { value.negated() } else { value }
    }
}

/// Read at scale 18.
impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNIT: u64 = 1_000_000_000_000_000_000;
        let mut parts = Vec::new();
        let mut rest = *self;
        while rest != Self::default() {
            let (next, part) = rest.divided(UNIT);
            parts.push(part);
            rest = next;
        }
        let digits: String = parts.iter().rev().map(|part| format!("{part:018}")).collect();
        let digits = digits.trim_start_matches('0');
        write_decimal(f, self.high < 0, digits, usize::from(SCALE_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn a_number_prints_what_it_read_without_trailing_zeros() {
        for (text, printed) in
            [("0", "0"), ("-0.50", "-0.5"), ("1e3", "1000"), ("9.99", "9.99"), ("-12", "-12")]
        {
            assert_eq!(number(text).to_string(), printed);
        }
        assert_eq!(Number::parse("1e99"), None);
        assert_eq!(number("1.50"), number("1.5"));
        assert!(number("-0.1") < number("0") && number("10") > number("9.999"));
        assert_eq!(Decimal::from(number("2.50")), Decimal::parse("2.5").unwrap());
    }

    #[test]
    fn a_sum_of_the_largest_numbers_does_not_overflow() {
        let most = number("99999999999999999999.999999999999999999").wide();
        let sum = most.times(1 << 62).plus(most.times(1 << 62));
        assert!(sum > most);
        assert_eq!(sum.minus(most.times(1 << 63)), Wide::default());
        assert_eq!(most.times(3).divided(3), (most, 0));
        assert_eq!(number("-2.25").wide().times(3).to_string(), "-6.75");
        assert_eq!(number("-7").wide().divided(2).0.to_string(), "-3.5");
        assert_eq!(Wide::default().to_string(), "0");
    }

    #[test]
    fn a_bound_between_two_digits_rounds_down() {
        assert_eq!(number("2.55").floor_at(1), (25, false));
        assert_eq!(number("-2.55").floor_at(1), (-26, false));
        assert_eq!(number("2.5").floor_at(3), (2500, true));
    }
}
