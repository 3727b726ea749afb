//! Arithmetic on exact decimals. What does not fit is missing.

use std::cmp::Ordering;

use criteria::number::{Number, SCALE_MAX};

/// Digits after the point that numbers with binary fractions in between are rounded to.
const BINARY_DIGITS: usize = 12;
/// The largest whole power that is computed exactly.
const POWER_MAX: u32 = 1_000;

fn power(exponent: u8) -> i128 {
    10i128.pow(u32::from(exponent))
}

/// Both mantissas at the larger scale.
fn aligned(a: Number, b: Number) -> Option<(i128, i128, u8)> {
    let scale = a.scale().max(b.scale());
    let at = |n: Number| n.mantissa().checked_mul(power(scale - n.scale()));
    Some((at(a)?, at(b)?, scale))
}

pub(crate) fn add(a: Number, b: Number) -> Option<Number> {
    let (a, b, scale) = aligned(a, b)?;
    Number::new(a.checked_add(b)?, scale)
}

pub(crate) fn negate(a: Number) -> Option<Number> {
    Number::new(a.mantissa().checked_neg()?, a.scale())
}

pub(crate) fn multiply(a: Number, b: Number) -> Option<Number> {
    let mantissa = a.mantissa().checked_mul(b.mantissa())?;
    let scale = a.scale() + b.scale();
    if scale <= SCALE_MAX {
        return Number::new(mantissa, scale);
    }
    Number::new(divide_rounded(mantissa, power(scale - SCALE_MAX))?, SCALE_MAX)
}

/// The quotient, with as many of 18 digits after the point as fit, rounded half away from zero.
pub(crate) fn divide(a: Number, b: Number) -> Option<Number> {
    if b.mantissa() == 0 {
        return None;
    }
    (0..=SCALE_MAX).rev().find_map(|scale| {
        // a/10^sa ÷ b/10^sb = (a · 10^(sb + scale − sa) ÷ b) / 10^scale
        let shift = i32::from(b.scale()) + i32::from(scale) - i32::from(a.scale());
        let (above, below) = match u8::try_from(shift.unsigned_abs()).ok()? {
            shift_by if shift >= 0 => {
                (a.mantissa().checked_mul(10i128.checked_pow(u32::from(shift_by))?)?, b.mantissa())
            }
            shift_by => (a.mantissa(), b.mantissa().checked_mul(power(shift_by))?),
        };
        Number::new(divide_rounded(above, below)?, scale)
    })
}

/// What is left after dividing whole times towards zero.
pub(crate) fn remainder(a: Number, b: Number) -> Option<Number> {
    let (a, b, scale) = aligned(a, b)?;
    Number::new(a.checked_rem(b)?, scale)
}

fn divide_rounded(above: i128, below: i128) -> Option<i128> {
    let (quotient, rest) = (above.checked_div(below)?, above.checked_rem(below)?);
    let is_half = rest.unsigned_abs() >= below.unsigned_abs() - rest.unsigned_abs();
    let away = if (above < 0) == (below < 0) { 1 } else { -1 };
    if is_half && rest != 0 { quotient.checked_add(away) } else { Some(quotient) }
}

/// Which way to round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Towards {
    /// To the nearest, a half away from zero.
    Nearest,
    /// Down.
    Floor,
    /// Up.
    Ceiling,
}

/// Rounds to so many digits after the point; a negative number of digits rounds before it.
pub(crate) fn round(number: Number, digits: i64, towards: Towards) -> Option<Number> {
    if digits >= i64::from(number.scale()) {
        return Some(number);
    }
    let drop = u32::try_from(i64::from(number.scale()) - digits).ok()?;
    let unit = 10i128.checked_pow(drop)?;
    let mantissa = number.mantissa();
    let rounded = match towards {
        Towards::Nearest => divide_rounded(mantissa, unit)?,
        Towards::Floor => mantissa.div_euclid(unit),
        Towards::Ceiling => mantissa.div_euclid(unit) + i128::from(mantissa.rem_euclid(unit) != 0),
    };
    match u8::try_from(digits) {
        Ok(scale) => Number::new(rounded, scale),
        Err(_) => Number::new(rounded.checked_mul(10i128.checked_pow(digits.unsigned_abs() as u32)?)?, 0),
    }
}

pub(crate) fn to_f64(number: Number) -> f64 {
    number.mantissa() as f64 / 10f64.powi(i32::from(number.scale()))
}

/// A number with a binary fraction, rounded.
pub(crate) fn from_f64(value: f64) -> Option<Number> {
    if !value.is_finite() {
        return None;
    }
    Number::parse(&format!("{value:.BINARY_DIGITS$}"))
}

/// A power: exact for whole exponents, else rounded.
pub(crate) fn raise(base: Number, exponent: Number) -> Option<Number> {
    match u32::try_from(exponent.mantissa()) {
        Ok(times) if exponent.scale() == 0 && times <= POWER_MAX => {
            (0..times).try_fold(Number::from(1), |product, _| multiply(product, base))
        }
        _ => from_f64(to_f64(base).powf(to_f64(exponent))),
    }
}

/// A whole number that is not too large to count with.
pub(crate) fn whole(number: Number) -> Option<i64> {
    (number.scale() == 0).then(|| i64::try_from(number.mantissa()).ok())?
}

pub(crate) fn is_zero(number: Number) -> bool {
    number.cmp(&Number::from(0)) == Ordering::Equal
}
