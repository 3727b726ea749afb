//! A digest of a set of rows that does not depend on their order: two states are equal exactly if
//! their digests are (but for a chance of 2⁻²⁵⁶).

use std::fmt;

/// The sum of the hashes of the rows added so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    lanes: [u64; 4],
    rows: u64,
}

impl Digest {
    /// Adds one row of `table`.
    pub fn add(&mut self, table: &str, cells: &[&[u8]]) {
        let mut hasher = blake3::Hasher::new();
        for cell in std::iter::once(&table.as_bytes()).chain(cells) {
            hasher.update(&(cell.len() as u64).to_le_bytes());
            hasher.update(cell);
        }
        let hash = hasher.finalize();
        for (lane, chunk) in self.lanes.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            *lane = lane.wrapping_add(u64::from_le_bytes(word));
        }
        self.rows += 1;
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lanes.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let digest = |rows: &[&[&[u8]]]| {
            let mut digest = Digest::default();
            rows.iter().for_each(|row| digest.add("t", row));
            digest
        };
        let (a, b): (&[&[u8]], &[&[u8]]) = (&[b"1", b"x"], &[b"2", b""]);
        assert_eq!(digest(&[a, b]), digest(&[b, a]));
        assert_ne!(digest(&[a, b]), digest(&[a]));
        assert_ne!(digest(&[a, a]), digest(&[a]));
        assert_ne!(digest(&[&[b"1x"]]), digest(&[&[b"1", b"x"]]));
    }
}
