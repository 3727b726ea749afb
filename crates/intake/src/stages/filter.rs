//! A bloom filter over keys: "certainly not in this run", or "look".

use kernel::Key;

/// Bits a key. With seven probes about one lookup in 120 reads a page for nothing.
const BITS_PER_KEY: usize = 10;
const PROBES: u64 = 7;

/// A filter over the keys of one sealed run.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// An empty filter for about `keys` keys.
    pub(super) fn with_capacity(keys: usize) -> Self {
        Self { words: vec![0; (keys * BITS_PER_KEY).div_ceil(64).max(1)] }
    }

    pub(super) fn insert(&mut self, key: &Key) {
        for bit in probes(key, self.words.len()) {
            self.words[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// False only if the key was never inserted.
    pub(super) fn may_contain(&self, key: &Key) -> bool {
        probes(key, self.words.len()).all(|bit| self.words[bit / 64] & 1 << (bit % 64) != 0)
    }
}

/// Double hashing: keys are uniform already, so their halves are the two hashes.
fn probes(key: &Key, words: usize) -> impl Iterator<Item = usize> {
    let value = u128::from_le_bytes(key.0);
    let (a, b) = (value as u64, (value >> 64) as u64 | 1);
    let bits = words as u64 * 64;
    (0..PROBES).map(move |i| (a.wrapping_add(b.wrapping_mul(i)) % bits) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_never_denies_what_it_holds_and_rarely_claims_what_it_does_not() {
        let key = |n: u32| Key::of(&[0; 32], &[&n.to_le_bytes()]);
        let mut filter = Filter::with_capacity(10_000);
        (0..10_000).for_each(|n| filter.insert(&key(n)));
        assert!((0..10_000).all(|n| filter.may_contain(&key(n))));
        let wrong = (10_000..110_000).filter(|n| filter.may_contain(&key(*n))).count();
        assert!(wrong < 2_000, "{wrong} of 100,000");
    }
}
