//! People like these: look-alikes of a seed (§4.16, SEG-03). See docs/definitions/lookalike.md.
//!
//! Features are standardised, a missing one is the mean with an indicator beside it. With a hundred seeds or
//! more, a class-balanced logistic regression of seed against everybody else ranks the rest; with fewer,
//! the cosine to the seed's centre does, labelled "low confidence". Whom to leave out beforehand (no consent,
//! suppressed, sensitive features) is for the caller to say; the seed is left out here.

pub mod curve;
pub mod fit;
mod table;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::statistics::logistic::{Logistic, Row};
use crate::sufficiency;

pub use curve::Point;
pub use fit::Fit;
pub use table::Column;
use table::Table;

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The L2 penalty.
    pub penalty: f64,
    /// Parts in which seeds are hidden in turn.
    pub folds: usize,
    /// Features shown.
    pub features_shown: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { penalty: 1.0, folds: 5, features_shown: 10 }
    }
}

/// Somebody with features; all of one population have as many.
#[derive(Clone, PartialEq, Debug)]
pub struct Person {
    /// Its number; breaks ties.
    pub party: u64,
    /// The features.
    pub features: Vec<Option<f64>>,
}

/// How people were ranked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By logistic regression.
    Learned,
    /// By the cosine to the seed's centre: low confidence.
    #[default]
    Centroid,
}

/// People ranked by likeness.
#[derive(Clone, PartialEq, Debug)]
pub struct Ranking {
    /// How.
    pub method: Method,
    /// Everybody but the seed, most alike first: party and score.
    pub people: Vec<(u64, f64)>,
    /// The features that tell most: index and weight on the standardised feature, strongest first.
    pub features: Vec<(usize, f64)>,
}

/// Ranks a population, in any order, by likeness to a seed. `None` if nobody of the seed is in it.
pub fn rank(population: &[Person], seed: &BTreeSet<u64>, settings: &Settings) -> Option<Ranking> {
    let mut people: Vec<&Person> = population.iter().collect();
    people.sort_by_key(|person| person.party);
    let table = Table::of(&people);
    let is_seed: Vec<bool> = people.iter().map(|person| seed.contains(&person.party)).collect();
    let seeds = is_seed.iter().filter(|is_seed| **is_seed).count();
    if seeds == 0 {
        return None;
    }
    let (method, weights) = if seeds >= sufficiency::LOOKALIKE_SEEDS_MIN {
        (Method::Learned, learned(&table, &is_seed, settings))
    } else {
        (Method::Centroid, table.centre(&is_seed))
    };
    let scores = scores(&table, method, &weights);
    let others = people.iter().zip(&is_seed).zip(scores).filter(|((_, is_seed), _)| !**is_seed);
    let mut ranked: Vec<(u64, f64)> = others.map(|((person, _), score)| (person.party, score)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut features: Vec<(usize, f64)> = weights.iter().take(table.features).copied().enumerate().collect();
    features.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    features.truncate(settings.features_shown);
    Some(Ranking { method, people: ranked, features })
}

/// The weights of a class-balanced regression; the centre of the positives if it cannot be solved.
fn learned(table: &Table, is_positive: &[bool], settings: &Settings) -> Vec<f64> {
    let count = is_positive.len() as f64;
    let positives = is_positive.iter().filter(|is_positive| **is_positive).count() as f64;
    let (of_positive, of_other) = (count / (2.0 * positives), count / (2.0 * (count - positives).max(1.0)));
    let rows: Vec<Row<'_>> = table
        .rows
        .iter()
        .zip(is_positive)
        .map(|(features, is_positive)| Row {
            features,
            is_positive: *is_positive,
            weight: if *is_positive { of_positive } else { of_other },
        })
        .collect();
    Logistic::fit(&rows, settings.penalty)
        .map_or_else(|| table.centre(is_positive), |model| model.coefficients)
}

fn scores<'a>(table: &'a Table, method: Method, weights: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    table.rows.iter().map(move |features| method.score(features, weights))
}

impl Method {
    /// How alike standardised features are to what was learned.
    fn score(self, features: &[f64], weights: &[f64]) -> f64 {
        let length = |features: &[f64]| features.iter().map(|x| x * x).sum::<f64>().sqrt();
        let dot: f64 = features.iter().zip(weights).map(|(x, w)| x * w).sum();
        match self {
            Self::Learned => dot,
            Self::Centroid => dot / (length(features) * length(weights)).max(f64::MIN_POSITIVE),
        }
    }
}

#[cfg(test)]
mod tests;
