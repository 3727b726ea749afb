//! What the shop sells: prices fixed by number, popularity by Zipf's law, drawn in constant time.

use crate::traffic::Draw;

/// Items of the catalogue.
const ITEMS: usize = 20_000;
/// Exponent of the popularity.
const EXPONENT: f64 = 1.05;

/// The catalogue.
pub(crate) struct Catalogue {
    /// Walker's alias table: each item's own share of its cell, and who has the rest.
    cells: Vec<(u64, usize)>,
    cents: Vec<u64>,
    categories: Vec<String>,
}

impl Catalogue {
    pub(crate) fn new() -> Self {
        let weights: Vec<f64> = (1..=ITEMS).map(|rank| (rank as f64).powf(-EXPONENT)).collect();
        let mean = weights.iter().sum::<f64>() / ITEMS as f64;
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (0..ITEMS).partition(|i| shares[*i] < 1.0);
        let mut cells = vec![(u64::MAX, 0); ITEMS];
        while let (Some(low), Some(high)) = (poor.pop(), rich.pop()) {
            cells[low] = ((shares[low] * u64::MAX as f64) as u64, high);
            shares[high] -= 1.0 - shares[low];
            if shares[high] < 1.0 { poor.push(high) } else { rich.push(high) }
        }
        let mut draw = Draw(0x7469_6c6f);
        // Most things cost some dozens, a few thousands; prices end in 0, 5 or 9.
        let cents = (0..ITEMS).map(|_| {
            let base = 500 << draw.below(7);
            (base + draw.below(base)) / 10 * 10 + [0, 5, 9][draw.below(3) as usize]
        });
        let cents = cents.collect();
        let categories = (0..ITEMS).map(|_| format!("category-{:02}", draw.below(60))).collect();
        Self { cells, cents, categories }
    }

    /// An item somebody looks at.
    pub(crate) fn pick(&self, draw: &mut Draw) -> usize {
        let item = draw.below(ITEMS as u64) as usize;
        let (own, other) = self.cells[item];
        if draw.next() <= own { item } else { other }
    }

    /// Its price.
    pub(crate) fn price(&self, item: usize) -> u64 {
        self.cents[item]
    }

    /// Its category.
    pub(crate) fn category(&self, item: usize) -> &str {
        &self.categories[item]
    }
}
