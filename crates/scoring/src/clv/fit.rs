//! Fitting both models over everyone, behind the gates of §4.19: at least 1,000 repeat buyers, six months of
//! history, a hold-out error not above the naive one, and amounts that do not depend on frequency.

use serde::{Deserialize, Serialize};

use crate::clv::{Expected, History, Settings, bgnbd, discounted, gamma_gamma, historical};
use crate::statistics::special::correlation;
use crate::sufficiency::{self, Refusal};

/// The two fits, or why there are none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fit {
    /// BG/NBD.
    pub counts: Option<bgnbd::Parameters>,
    /// Gamma–Gamma.
    pub amounts: Option<gamma_gamma::Parameters>,
    /// Why there is no value.
    pub refusal: Option<Refusal>,
    /// Repeat buyers there were.
    pub repeat_buyers: u64,
    /// Correlation of frequency and amount among them.
    pub correlation: Option<f64>,
    /// Mean absolute error on the days held out: of the model, of the naive guess.
    pub errors: Option<(f64, f64)>,
}

/// A party as the fit sees it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sample {
    /// Up to today.
    pub now: History,
    /// Up to the day from which on is held out.
    pub before: History,
}

impl Fit {
    /// Fits, or says why not. Samples in the order of parties; those without a purchase say nothing.
    pub fn of(samples: &[Sample], settings: &Settings) -> Self {
        let mut fit = Self::default();
        fit.refusal = fit.learn(samples, settings).err();
        fit
    }

    /// What is expected of a party; `None` if it never bought.
    pub fn expect(&self, history: &History, settings: &Settings) -> Option<Expected> {
        if !history.has_bought {
            return None;
        }
        Some(match (&self.counts, &self.amounts) {
            (Some(counts), Some(amounts)) if self.refusal.is_none() => {
                discounted(counts, amounts, history, settings)
            }
            _ => historical(history, settings),
        })
    }

    fn learn(&mut self, samples: &[Sample], settings: &Settings) -> Result<(), Refusal> {
        let bought: Vec<&Sample> = samples.iter().filter(|sample| sample.now.has_bought).collect();
        let repeated: Vec<&History> =
            bought.iter().map(|sample| &sample.now).filter(|now| now.purchases.repeats > 0).collect();
        self.repeat_buyers = repeated.len() as u64;
        sufficiency::enough("repeat buyers", self.repeat_buyers, sufficiency::CLV_REPEAT_BUYERS_MIN)?;
        let oldest = bought.iter().map(|sample| sample.now.purchases.age).fold(0.0, f64::max);
        let need = sufficiency::CLV_HISTORY_DAYS_MIN as u64;
        sufficiency::enough("days of history", (oldest * 7.0).round() as u64, need)?;
        self.correlation = correlation(
            &repeated.iter().map(|now| f64::from(now.purchases.repeats)).collect::<Vec<_>>(),
            &repeated.iter().map(|now| now.amounts.mean).collect::<Vec<_>>(),
        );
        let correlated = self.correlation.unwrap_or(0.0);
        let every = bought.len().div_ceil(settings.customers_max.max(1)).max(1);
        let fitted: Vec<&Sample> = bought.into_iter().step_by(every).collect();
        self.errors = held_out(&fitted, settings);
        self.counts = bgnbd::Parameters::fit(&grouped(fitted.iter().map(|sample| sample.now.purchases)))
            .map(|fit| fit.0);
        self.amounts = gamma_gamma::Parameters::fit(
            &fitted.iter().map(|sample| (sample.now.amounts, 1)).collect::<Vec<_>>(),
        );
        sufficiency::at_most(
            "correlation of frequency and amount",
            correlated,
            sufficiency::CLV_CORRELATION_MAX,
        )?;
        let (error, naive) = self.errors.unwrap_or((f64::NAN, f64::NAN));
        sufficiency::at_most("error on the days held out", error, naive)?;
        // E[M] of Gamma–Gamma has no mean with q ≤ 1.
        sufficiency::at_least("q of Gamma–Gamma", self.amounts.map_or(f64::NAN, |fit| fit.q), 1.000_001)
    }
}

/// Purchases that are alike, once, with how many there are: the likelihood costs by kinds, not by customers.
fn grouped(purchases: impl Iterator<Item = bgnbd::Purchases>) -> Vec<(bgnbd::Purchases, u32)> {
    let mut all: Vec<bgnbd::Purchases> = purchases.collect();
    all.sort_by(|a, b| {
        a.repeats.cmp(&b.repeats).then(a.last.total_cmp(&b.last)).then(a.age.total_cmp(&b.age))
    });
    let mut kinds: Vec<(bgnbd::Purchases, u32)> = Vec::new();
    for one in all {
        match kinds.last_mut() {
            Some((kind, count)) if *kind == one => *count += 1,
            _ => kinds.push((one, 1)),
        }
    }
    kinds
}

/// The mean absolute error, on the days held out, of a fit on the days before; and of guessing that each
/// goes on at the rate it had. `None` if nobody had bought before.
fn held_out(samples: &[&Sample], settings: &Settings) -> Option<(f64, f64)> {
    let known: Vec<&&Sample> = samples.iter().filter(|sample| sample.before.has_bought).collect();
    let (fit, _) = bgnbd::Parameters::fit(&grouped(known.iter().map(|sample| sample.before.purchases)))?;
    let weeks = f64::from(settings.holdout_days) / 7.0;
    let (mut model, mut naive) = (0.0, 0.0);
    for sample in &known {
        let before = &sample.before.purchases;
        let came = f64::from(sample.now.purchases.repeats - before.repeats.min(sample.now.purchases.repeats));
        let rate = f64::from(before.repeats) / before.age.max(1.0);
        model += (fit.expected(before, weeks) - came).abs();
        naive += (rate * weeks - came).abs();
    }
    let count = known.len() as f64;
    (count > 0.0).then(|| (model / count, naive / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_with_200_customers_is_refused_p26() {
        let history = History {
            has_bought: true,
            purchases: bgnbd::Purchases { repeats: 3, last: 20.0, age: 40.0 },
            amounts: gamma_gamma::Amounts { repeats: 3, mean: 20.0 },
            net: crate::Money(8_000),
        };
        let fit = Fit::of(&vec![Sample { now: history, before: history }; 200], &Settings::default());
        assert_eq!(
            fit.refusal,
            Some(Refusal::TooFew { what: "repeat buyers".to_owned(), have: 200, need: 1_000 })
        );
        assert_eq!(fit.expect(&history, &Settings::default()).map(|expected| expected.model), Some(None));
    }
}
