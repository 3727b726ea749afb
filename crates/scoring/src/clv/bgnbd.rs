//! BG/NBD: how often a customer will buy again (Fader, Hardie and Lee, 2005; §4.4).
//!
//! While a customer, it buys at a rate of its own (gamma over customers: r, α) and may drop out after
//! any purchase with a chance of its own (beta: a, b). Time is in weeks.

use serde::{Deserialize, Serialize};

use crate::statistics::optimise::minimise;
use crate::statistics::special::{hypergeometric, ln_gamma};

/// What is known of a customer's purchases.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Purchases {
    /// x: days with a purchase after the first.
    pub repeats: u32,
    /// t_x: weeks from the first purchase to the last.
    pub last: f64,
    /// T: weeks from the first purchase to now.
    pub age: f64,
}

/// The four parameters.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Parameters {
    /// Shape of rates.
    pub r: f64,
    /// Scale of rates, in weeks.
    pub alpha: f64,
    /// First parameter of dropping out.
    pub a: f64,
    /// Second parameter of dropping out.
    pub b: f64,
}

/// Steps of the fit; it takes a few hundred.
const STEPS_MAX: usize = 1_000;

/// Logarithms of the parameters stay within these. Where all customers drop out with one chance the
/// likelihood rises for ever with a and b; at a hundred the beta distribution is as narrow as makes a
/// difference, and ₂F₁ still is a number.
const LOGS: (f64, f64) = (-9.0, 4.6);

impl Parameters {
    /// The parameters under which the purchases are most likely, each counted as many times as is said,
    /// and the log likelihood. `None` of nobody.
    pub fn fit(customers: &[(Purchases, u32)]) -> Option<(Self, f64)> {
        if customers.is_empty() {
            return None;
        }
        let bounded = |log: f64| log.clamp(LOGS.0, LOGS.1).exp();
        let of = |logs: &[f64]| Self {
            r: bounded(logs[0]),
            alpha: bounded(logs[1]),
            a: bounded(logs[2]),
            b: bounded(logs[3]),
        };
        let loss = |logs: &[f64]| -of(logs).log_likelihood(customers);
        // Between e^−1 and e^1.5: nothing is known, and the surface is flat far out.
        let (logs, loss) = minimise(&[-1.0, 1.5, -0.3, 0.8], STEPS_MAX, loss);
        let found = of(&logs);
        loss.is_finite().then_some((found, -loss))
    }

    /// The log likelihood of purchases.
    pub fn log_likelihood(&self, customers: &[(Purchases, u32)]) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let shared = r * alpha.ln() - ln_gamma(r) + ln_gamma(a + b) - ln_gamma(b);
        // Customers come sorted by x where there are many; its gammas are most of the work.
        let mut known = (u32::MAX, 0.0);
        let mut one = |purchases: &Purchases| {
            let x = f64::from(purchases.repeats);
            if known.0 != purchases.repeats {
                known = (purchases.repeats, ln_gamma(r + x) + ln_gamma(b + x) - ln_gamma(a + b + x));
            }
            let counts = known.1;
            let alive = -(r + x) * (alpha + purchases.age).ln();
            if purchases.repeats == 0 {
                return counts + alive;
            }
            let gone = a.ln() - (b + x - 1.0).ln() - (r + x) * (alpha + purchases.last).ln();
            let (most, least) = (alive.max(gone), alive.min(gone));
            counts + most + (least - most).exp().ln_1p()
        };
        customers.iter().map(|(purchases, count)| f64::from(*count) * (shared + one(purchases))).sum()
    }

    /// The chance that the customer still is one. 1 by construction of one who never came back: never to
    /// be shown as certainty.
    pub fn alive(&self, purchases: &Purchases) -> f64 {
        1.0 / (1.0 + self.odds_gone(purchases))
    }

    fn odds_gone(&self, purchases: &Purchases) -> f64 {
        let Self { r, alpha, a, b } = *self;
        if purchases.repeats == 0 {
            return 0.0;
        }
        let x = f64::from(purchases.repeats);
        a / (b + x - 1.0) * ((alpha + purchases.age) / (alpha + purchases.last)).powf(r + x)
    }

    /// E[Y(t)]: purchases expected in the next `weeks` (equation 10 of the paper).
    ///
    /// With z = t/(α + T + t), Euler's transformation turns ((α+T)/(α+T+t))^(r+x)·₂F₁(r+x, b+x; a+b+x−1; z)
    /// into (1−z)^(a−1)·₂F₁(a+b−1−r, a−1; a+b+x−1; z), whose parameters stay small for heavy buyers.
    pub fn expected(&self, purchases: &Purchases, weeks: f64) -> f64 {
        let Self { r, alpha, b, .. } = *self;
        // At a = 1 numerator and denominator vanish together; a hair beside it the ratio is right.
        let a = if (self.a - 1.0).abs() < 1e-6 { 1.0 + 1e-6 } else { self.a };
        let x = f64::from(purchases.repeats);
        let z = weeks / (alpha + purchases.age + weeks);
        let rest = (1.0 - z).powf(a - 1.0) * hypergeometric(a + b - 1.0 - r, a - 1.0, a + b + x - 1.0, z);
        (a + b + x - 1.0) / (a - 1.0) * (1.0 - rest) / (1.0 + self.odds_gone(purchases))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUBLISHED: Parameters = Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

    fn purchases(repeats: u32, last: f64, age: f64) -> Purchases {
        Purchases { repeats, last, age }
    }

    #[test]
    fn published_parameters_give_the_golden_values_of_section_4_4() {
        for ((x, last, age, weeks), alive, expected) in [
            ((2, 30.43, 38.86, 39.0), 0.726_579, 1.226_028),
            ((26, 30.86, 31.0, 39.0), 0.968_916, 20.749_726),
            ((0, 0.0, 38.86, 39.0), 1.0, 0.195_098),
            ((10, 20.0, 38.86, 39.0), 0.039_346, 0.286_341),
        ] {
            let customer = purchases(x, last, age);
            assert!((PUBLISHED.alive(&customer) - alive).abs() < 1e-6, "{x} {}", PUBLISHED.alive(&customer));
            let found = PUBLISHED.expected(&customer, weeks);
            assert!((found - expected).abs() < 1e-6, "{x} {found}");
        }
    }

    proptest! {
        #[test]
        fn more_weeks_bring_more_purchases_and_silence_fewer_chances(
            x in 0u32..40, last in 0.0..50.0f64, quiet in 0.0..50.0f64, weeks in 0.1..100.0f64,
        ) {
            let now = purchases(x, last, last + quiet);
            prop_assert!(PUBLISHED.expected(&now, weeks) >= 0.0);
            prop_assert!(PUBLISHED.expected(&now, weeks + 1.0) >= PUBLISHED.expected(&now, weeks));
            let later = purchases(x, last, last + quiet + 1.0);
            prop_assert!(PUBLISHED.alive(&later) <= PUBLISHED.alive(&now));
        }
    }
}
