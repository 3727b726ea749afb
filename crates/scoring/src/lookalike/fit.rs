//! What was learned from a seed, small enough to be a constant and to be applied to one person at a time.
//!
//! A learned ranking that does not find hidden seeds at the size asked for (§4.19) is not used: the cosine to the
//! seed's centre is, with the reason, and labelled "low confidence".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::table::{Column, Table};
use super::{Method, Person, Point, Settings, curve, learned};
use crate::statistics::{Distribution, rounded};
use crate::sufficiency::{self, Refusal};

/// Sizes of the curve, as parts of the size asked for: a quarter to four times of it.
const SIZES_QUARTERS: [usize; 5] = [1, 2, 4, 8, 16];

/// What was learned.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fit {
    /// How people are ranked.
    pub method: Method,
    /// Why not by what was learned.
    pub refusal: Option<Refusal>,
    /// What the features are called.
    pub names: Vec<String>,
    /// The columns, features first.
    pub columns: Vec<Column>,
    /// The weight of each.
    pub weights: Vec<f64>,
    /// People of the seed.
    pub seeds: u64,
    /// People that were ranked.
    pub people: u64,
    /// How many of these are wanted.
    pub size: u64,
    /// The score of the last of them.
    pub cut: Option<f64>,
    /// The scores of all that were ranked.
    pub scores: Distribution,
    /// How many hidden seeds are found at sizes.
    pub curve: Vec<Point>,
}

/// What a person is to what was learned.
#[derive(Clone, PartialEq, Debug)]
pub struct Likeness {
    /// 0–100: the share of those ranked that are less alike.
    pub percentile: f64,
    /// Whether it is among as many as are wanted.
    pub is_in: bool,
    /// The features that count most for or against, strongest first: place and share of the score.
    pub because: Vec<(usize, f64)>,
}

impl Fit {
    /// Learns from a population in any order. `None` if nobody of the seed is in it.
    pub fn of(
        population: &[Person],
        names: &[String],
        seed: &BTreeSet<u64>,
        size: usize,
        settings: &Settings,
    ) -> Option<Self> {
        let mut people: Vec<&Person> = population.iter().collect();
        people.sort_by_key(|person| person.party);
        let table = Table::of(&people);
        let is_seed: Vec<bool> = people.iter().map(|person| seed.contains(&person.party)).collect();
        let seeds = is_seed.iter().filter(|is_seed| **is_seed).count();
        if seeds == 0 {
            return None;
        }
        let present = people.iter().zip(&is_seed).filter(|(_, is_seed)| **is_seed);
        let present: BTreeSet<u64> = present.map(|(person, _)| person.party).collect();
        let sizes = SIZES_QUARTERS.map(|quarters| (size * quarters / 4).max(1));
        let curve = curve::curve(population, &present, &sizes, settings);
        let at_size = curve.iter().find(|point| point.size == size.max(1)).copied();
        let refusal = sufficiency::enough("seeds", seeds as u64, sufficiency::LOOKALIKE_SEEDS_MIN as u64)
            .and_then(|()| at_size.map_or(Ok(()), |point| curve::is_fit(seeds, &point)))
            .err();
        let (method, weights) = match refusal {
            None => (Method::Learned, learned(&table, &is_seed, settings)),
            Some(_) => (Method::Centroid, table.centre(&is_seed)),
        };
        let mut fit = Self {
            method,
            refusal,
            names: names.to_vec(),
            columns: table.columns,
            weights: weights.into_iter().map(rounded).collect(),
            seeds: seeds as u64,
            size: size as u64,
            curve: curve.into_iter().map(Point::rounded).collect(),
            ..Self::default()
        };
        let others = people.iter().zip(&is_seed).filter(|(_, is_seed)| !**is_seed);
        let mut scores: Vec<f64> = others.map(|(person, _)| fit.score(&person.features)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        fit.people = scores.len() as u64;
        fit.cut = scores.get(size.saturating_sub(1)).or_else(|| scores.last()).copied();
        fit.scores = Distribution::of(scores);
        Some(fit)
    }

    fn score(&self, features: &[Option<f64>]) -> f64 {
        let row: Vec<f64> = self.columns.iter().map(|column| column.value(features)).collect();
        rounded(self.method.score(&row, &self.weights))
    }

    /// What somebody with these features is; `None` if nobody was ranked.
    pub fn likeness(&self, features: &[Option<f64>], shown: usize) -> Option<Likeness> {
        let score = self.score(features);
        let percentile = 100.0 * self.scores.rank(score)?;
        let mut because: Vec<(usize, f64)> = self
            .columns
            .iter()
            .zip(&self.weights)
            .filter(|(column, _)| !column.is_missing)
            .map(|(column, weight)| (column.feature, weight * column.value(features)))
            .collect();
        because.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        because.truncate(shown);
        because.retain(|(_, part)| part.abs() > 1e-9);
        Some(Likeness { percentile, is_in: self.cut.is_some_and(|cut| score >= cut), because })
    }

    /// What those of the seed have in common: the features that tell most, by weight, strongest first.
    pub fn telling(&self, shown: usize) -> Vec<(&str, f64)> {
        let features = self.columns.iter().zip(&self.weights).filter(|(column, _)| !column.is_missing);
        let named = features.filter_map(|(column, weight)| Some((self.names.get(column.feature)?, *weight)));
        let mut told: Vec<(&str, f64)> = named.map(|(name, weight)| (name.as_str(), weight)).collect();
        told.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
        told.truncate(shown);
        told
    }
}
