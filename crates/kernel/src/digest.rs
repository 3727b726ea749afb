//! A digest of a set of rows that does not depend on their order: two states are equal exactly if
//! their digests are (but for a chance of 2⁻²⁵⁶).

use std::collections::BTreeMap;
use std::fmt;

/// The sums of the hashes of the rows added so far, table by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    tables: BTreeMap<&'static str, Table>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Table {
    lanes: [u64; 4],
    rows: u64,
}

impl Digest {
    /// Adds one row of `table`.
    pub fn add(&mut self, table: &'static str, cells: &[&[u8]]) {
        let mut hasher = blake3::Hasher::new();
        for cell in std::iter::once(&table.as_bytes()).chain(cells) {
            hasher.update(&(cell.len() as u64).to_le_bytes());
            hasher.update(cell);
        }
        let hash = hasher.finalize();
        let sum = self.tables.entry(table).or_default();
        for (lane, chunk) in sum.lanes.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            *lane = lane.wrapping_add(u64::from_le_bytes(word));
        }
        sum.rows += 1;
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    /// The tables in which two digests differ, each with both numbers of rows.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, u64, u64)> {
        let mut names: Vec<_> = self.tables.keys().chain(other.tables.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        let of = |digest: &Self, name| digest.tables.get(name).copied().unwrap_or_default();
        let differ = names.into_iter().map(|name| (name, of(self, name), of(other, name)));
        differ.filter(|(_, a, b)| a != b).map(|(name, a, b)| (name, a.rows, b.rows)).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lanes = [0u64; 4];
        for table in self.tables.values() {
            lanes.iter_mut().zip(table.lanes).for_each(|(sum, lane)| *sum = sum.wrapping_add(lane));
        }
        lanes.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
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
