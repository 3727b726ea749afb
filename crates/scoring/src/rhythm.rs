//! A party's own rhythm of ordering: intervals, the threshold θ, cycles that were due and kept (§4.5).
//!
//! θ = (n·P90(d) + 10·q·d̄)/(n + 10) with at least two intervals d, q being the peers' P90 of d/d̄; with
//! fewer, q times the peers' median of d̄; and never below three days. Shrinking the *ratio* and not the
//! days keeps a buyer with a rhythm of 180 days from being alarmed by peers who come every fortnight.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::facts::{Facts, Kind, TouchKind};
use crate::statistics::{quantile, sorted};

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How many intervals the peers weigh.
    pub prior_intervals: f64,
    /// Intervals from which a party says something about its peers.
    pub peer_intervals_min: usize,
    /// θ is at least this many days.
    pub threshold_days_min: f64,
    /// q where no peer has enough intervals: that of purely random buying, ln 10.
    pub ratio: f64,
    /// The mean interval where no peer has one.
    pub mean_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prior_intervals: 10.0,
            peer_intervals_min: 5,
            threshold_days_min: 3.0,
            ratio: std::f64::consts::LN_10,
            mean_days: 30.0,
        }
    }
}

/// What peers say about rhythm.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Peers {
    /// P90 of interval ÷ own mean, pooled.
    pub ratio: Option<f64>,
    /// Median of the mean intervals.
    pub mean_days: Option<f64>,
}

/// The rhythm of one party.
#[derive(Clone, PartialEq, Debug)]
pub struct Rhythm {
    /// The distinct days on which it ordered, ascending.
    pub days: Vec<Day>,
    /// Days between them.
    pub intervals: Vec<f64>,
    /// From when on silence counts; later than the last order if stock was left at a visit.
    pub quiet_since: Option<Day>,
}

impl Rhythm {
    /// The rhythm in which a party orders: who gives everything back was there all the same. A merchant's
    /// visit that found stock left is a day on which no order was due, and counts like one.
    pub fn of(facts: &Facts) -> Self {
        Self::with_visits(facts, facts.order_days().collect())
    }

    /// The same of orders that were kept.
    pub fn of_kept(facts: &Facts) -> Self {
        Self::with_visits(facts, facts.orders.iter().map(|order| order.day).collect())
    }

    fn with_visits(facts: &Facts, mut days: Vec<Day>) -> Self {
        if facts.kind == Kind::Merchant && !days.is_empty() {
            let visits = facts.touches.iter().filter(|touch| touch.kind == TouchKind::StockLeft);
            days.extend(visits.map(|touch| touch.day));
        }
        Self::of_days(days)
    }

    /// The rhythm of days, in any order, with or without repetition.
    pub fn of_days(mut days: Vec<Day>) -> Self {
        days.sort_unstable();
        days.dedup();
        let intervals = days.windows(2).map(|pair| f64::from(pair[1].since(pair[0]))).collect();
        Self { quiet_since: days.last().copied(), days, intervals }
    }

    /// The mean interval; `None` with fewer than two days.
    pub fn mean_days(&self) -> Option<f64> {
        let count = self.intervals.len();
        (count > 0).then(|| self.intervals.iter().sum::<f64>() / count as f64)
    }

    /// θ: days of silence that are still usual.
    pub fn threshold(&self, peers: Peers, settings: &Settings) -> f64 {
        let ratio = peers.ratio.unwrap_or(settings.ratio);
        let count = self.intervals.len() as f64;
        let own = match (self.mean_days(), quantile(&sorted(self.intervals.iter().copied()), 0.9)) {
            (Some(mean), Some(p90)) if count >= 2.0 => {
                let prior = settings.prior_intervals;
                (count * p90 + prior * ratio * mean) / (count + prior)
            }
            _ => ratio * peers.mean_days.unwrap_or(settings.mean_days),
        };
        own.max(settings.threshold_days_min)
    }

    /// Days since the last order.
    pub fn days_quiet(&self, today: Day) -> Option<i32> {
        Some(today.since(self.quiet_since?))
    }

    /// s: days since the last order ÷ θ.
    pub fn silence(&self, threshold: f64, today: Day) -> Option<f64> {
        Some(f64::from(self.days_quiet(today)?.max(0)) / threshold)
    }

    /// The first day on which silence reaches `ratio`.
    pub fn day_of_silence(&self, threshold: f64, ratio: f64) -> Option<Day> {
        let days = (ratio * threshold - 1e-9).ceil().min(1e6);
        Some(self.quiet_since?.plus(days as i32))
    }

    /// The last `count` cycles that were due, the oldest first, and whether each was kept. A cycle is θ
    /// long; an order begins the next one. The cycle under way is not due yet.
    pub fn cycles(&self, threshold: f64, today: Day, count: usize) -> Vec<bool> {
        let missed = |days: f64| ((days - 1e-9) / threshold).floor().clamp(0.0, count as f64) as usize;
        let mut cycles = Vec::new();
        for interval in &self.intervals {
            cycles.extend(std::iter::repeat_n(false, missed(*interval)));
            cycles.push(true);
        }
        if let Some(quiet) = self.days_quiet(today) {
            cycles.extend(std::iter::repeat_n(false, missed(f64::from(quiet))));
        }
        cycles.split_off(cycles.len().saturating_sub(count))
    }

    /// The share of `count` cycles that were kept; cycles that never were due count as not kept.
    pub fn kept(&self, threshold: f64, today: Day, count: usize) -> f64 {
        let cycles = self.cycles(threshold, today, count);
        cycles.iter().filter(|is_kept| **is_kept).count() as f64 / count as f64
    }
}

/// What peers say, from their rhythms.
pub fn peers<'a>(rhythms: impl Iterator<Item = &'a Rhythm> + Clone, settings: &Settings) -> Peers {
    let long = rhythms.clone().filter(|rhythm| rhythm.intervals.len() >= settings.peer_intervals_min);
    let ratios = long.filter_map(|rhythm| Some((rhythm, rhythm.mean_days()?)));
    let ratios = ratios.flat_map(|(rhythm, mean)| rhythm.intervals.iter().map(move |days| days / mean));
    Peers {
        ratio: quantile(&sorted(ratios), 0.9),
        mean_days: quantile(&sorted(rhythms.filter_map(Rhythm::mean_days)), 0.5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rhythm(days: &[i32]) -> Rhythm {
        Rhythm::of_days(days.iter().copied().map(Day).collect())
    }

    #[test]
    fn the_threshold_is_the_shrunken_one_of_section_4_5() {
        let settings = Settings::default();
        let peers = Peers { ratio: Some(1.5), mean_days: Some(30.0) };
        // n = 3, P90(20, 21, 19) = 20.8, mean 20: (3·20.8 + 10·1.5·20)/13.
        assert!((rhythm(&[0, 20, 41, 60]).threshold(peers, &settings) - 362.4 / 13.0).abs() < 1e-9);
        assert_eq!(rhythm(&[0, 20]).threshold(peers, &settings), 45.0);
        assert_eq!(rhythm(&[0, 1, 2, 3]).threshold(peers, &settings), 3.0);
    }

    #[test]
    fn cycles_are_kept_or_missed_by_the_threshold() {
        let rhythm = rhythm(&[0, 10, 35]);
        assert_eq!(rhythm.cycles(10.0, Day(36), 9), [true, false, false, true]);
        assert_eq!(rhythm.cycles(10.0, Day(46), 2), [true, false]);
        assert_eq!(rhythm.kept(10.0, Day(36), 3), 1.0 / 3.0);
    }

    proptest! {
        #[test]
        fn silence_reaches_a_ratio_on_the_day_that_is_told(
            days in prop::collection::btree_set(0..400i32, 1..12), ratio in 0.5..4.0f64,
        ) {
            let rhythm = Rhythm::of_days(days.into_iter().map(Day).collect());
            let threshold = rhythm.threshold(Peers { ratio: None, mean_days: None }, &Settings::default());
            let day = rhythm.day_of_silence(threshold, ratio).unwrap();
            prop_assert!(rhythm.silence(threshold, day).unwrap() >= ratio - 1e-9);
            prop_assert!(rhythm.silence(threshold, day.plus(-1)).unwrap() < ratio);
        }

        #[test]
        fn the_order_of_days_does_not_matter(mut days in prop::collection::vec(0..400i32, 0..12)) {
            let forwards = rhythm(&days);
            days.reverse();
            prop_assert_eq!(forwards, rhythm(&days));
        }
    }
}
