//! Chance, all of it from one seed.
//!
//! Only integer and basic floating-point arithmetic: `ln` and `exp` of the standard library differ
//! between platforms in the last bit, and the bytes of a world must not.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The part of the world a stream of chance is for. Each part has its own, so that a change in one
/// leaves the others as they were.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Persons = 1,
    Records,
    Dates,
    Traps,
    Contacts,
    Noise,
    Orders,
    Sessions,
    Behaviour,
    Faults,
    Merchants,
    Catalogue,
    Lives,
    Rhythms,
    Closure,
    Payments,
    Showroom,
    Touches,
    Overlays,
    Bank,
    Outlets,
    Cars,
}

/// A stream of chance.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, part: Part) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(part as u64);
        Self(rng)
    }

    /// One of `0..n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        self.0.random_range(0..n)
    }

    /// One of `from..=until`.
    pub(crate) fn between(&mut self, from: u32, until: u32) -> u32 {
        self.0.random_range(from..=until)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    /// `0..n` in random order.
    pub(crate) fn order(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        self.shuffle(&mut order);
        order
    }

    /// Sets exactly `count` of the items that `fits` accepts, chosen at random.
    pub(crate) fn mark<T>(
        &mut self,
        items: &mut [T],
        count: Count,
        fits: impl Fn(&T) -> bool,
        mut set: impl FnMut(&mut T, &mut Self),
    ) {
        let mut candidates: Vec<usize> = (0..items.len()).filter(|i| fits(&items[*i])).collect();
        self.shuffle(&mut candidates);
        let count = match count {
            Count::Exactly(n) => n.min(candidates.len()),
            Count::PerMille(share) => (candidates.len() * share + 500) / 1_000,
        };
        for i in &candidates[..count] {
            set(&mut items[*i], self);
        }
    }

    /// A second of `from..=until`, by day rather than by night.
    pub(crate) fn waking_second(&mut self, from: u32, until: u32) -> u32 {
        /// How many of a hundred things people do fall in each hour.
        const BY_HOUR: [u32; 24] = [1, 1, 0, 0, 0, 0, 1, 2, 4, 5, 6, 7, 8, 6, 5, 5, 5, 6, 8, 9, 9, 7, 4, 1];
        let second = self.between(from, until);
        let mut ticket = self.below(100);
        for (hour, share) in BY_HOUR.into_iter().enumerate() {
            if ticket < share {
                let moved = second - second % 86_400 + hour as u32 * 3_600 + second % 3_600;
                return if (from..=until).contains(&moved) { moved } else { second };
            }
            ticket -= share;
        }
        second
    }
}

/// How many to mark.
pub(crate) enum Count {
    Exactly(usize),
    PerMille(usize),
}

/// Splits `total` over `n` ranks by Zipf's law with the first `flat` ranks nearly alike. Exact: the
/// shares add up to `total`.
pub(crate) fn zipf_shares(total: usize, n: usize, flat: u32) -> Vec<u32> {
    let weight = |rank: usize| 1.0 / (rank as f64 + f64::from(flat));
    let whole: f64 = (0..n).map(weight).sum();
    let mut shares = Vec::with_capacity(n);
    let (mut reached, mut given) = (0.0, 0);
    for rank in 0..n {
        reached += weight(rank);
        let upto = if rank + 1 == n { total } else { ((reached / whole * total as f64) as usize).min(total) };
        shares.push((upto - given) as u32);
        given = upto;
    }
    shares
}

/// A cheap stream of chance for the details of one message, from the message's number alone, so
/// that details need not be kept.
pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) fn new(seed: u64, no: u64) -> Self {
        let mut mix = Self(seed ^ no.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        mix.next();
        mix
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }
}

/// A log-normal factor with median 1: `exp(sigma · z)`, z nearly normal (a sum of twelve uniforms).
pub(crate) fn log_normal(draw: &mut Draw, sigma: f64) -> f64 {
    let sum: u32 = (0..12).map(|_| draw.below(1 << 20)).sum();
    let z = f64::from(sum) / f64::from(1 << 20) - 6.0;
    let mut factor = 1.0 + sigma * z / 1_024.0;
    for _ in 0..10 {
        factor *= factor; // (1 + x/1024)^1024, within a thousandth of exp(x) for the x that occur.
    }
    factor
}
