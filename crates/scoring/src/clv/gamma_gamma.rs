//! Gamma–Gamma: what a purchase of a customer is worth (Fader and Hardie, 2013; §4.4).
//!
//! Only customers who came back are fitted. The model holds if amount does not depend on frequency,
//! which is checked by their correlation before it is used.

use serde::{Deserialize, Serialize};

use crate::statistics::optimise::minimise;
use crate::statistics::special::ln_gamma;

/// What is known of a customer's amounts: the number of repeat purchases and their mean amount.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Amounts {
    /// x: days with a purchase after the first.
    pub repeats: u32,
    /// z̄: their mean amount.
    pub mean: f64,
}

/// The three parameters.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Parameters {
    /// Shape of amounts.
    pub p: f64,
    /// Shape of scales.
    pub q: f64,
    /// Scale of scales.
    pub v: f64,
}

/// Steps of the fit.
const STEPS_MAX: usize = 1_000;

impl Parameters {
    /// The parameters under which the amounts are most likely. Customers without repeat purchases or
    /// without a positive amount say nothing. `None` of nobody.
    pub fn fit(customers: &[(Amounts, u32)]) -> Option<Self> {
        let telling: Vec<_> =
            customers.iter().filter(|(a, _)| a.repeats > 0 && a.mean > 0.0).copied().collect();
        if telling.is_empty() {
            return None;
        }
        let of = |logs: &[f64]| Self { p: logs[0].exp(), q: logs[1].exp(), v: logs[2].exp() };
        let (logs, loss) = minimise(&[1.0, 1.0, 2.5], STEPS_MAX, |logs| -of(logs).log_likelihood(&telling));
        loss.is_finite().then(|| of(&logs))
    }

    /// The log likelihood of amounts, all of customers with repeat purchases.
    pub fn log_likelihood(&self, customers: &[(Amounts, u32)]) -> f64 {
        let Self { p, q, v } = *self;
        let one = |amounts: &Amounts| {
            let (x, z) = (f64::from(amounts.repeats), amounts.mean);
            ln_gamma(p * x + q) - ln_gamma(p * x) - ln_gamma(q)
                + q * v.ln()
                + (p * x - 1.0) * z.ln()
                + p * x * x.ln()
                - (p * x + q) * (x * z + v).ln()
        };
        customers.iter().map(|(amounts, count)| f64::from(*count) * one(amounts)).sum()
    }

    /// E[M]: the mean amount expected, between the population's and the customer's own.
    pub fn expected(&self, amounts: &Amounts) -> f64 {
        let Self { p, q, v } = *self;
        let px = p * f64::from(amounts.repeats);
        let own = px / (px + q - 1.0);
        (1.0 - own) * p * v / (q - 1.0) + own * amounts.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_parameters_give_the_golden_values_of_section_4_4() {
        let published = Parameters { p: 6.25, q: 3.74, v: 15.44 };
        let expected = |repeats, mean| published.expected(&Amounts { repeats, mean });
        assert!((expected(2, 22.35) - 24.6637).abs() < 1e-3, "{}", expected(2, 22.35));
        assert!((expected(7, 73.74) - 71.4697).abs() < 1e-3, "{}", expected(7, 73.74));
        assert!((expected(0, 0.0) - 6.25 * 15.44 / 2.74).abs() < 1e-9);
    }
}
