//! Ids that are the same in every run of a test.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::id::IdSource;

/// Counts: ids 1, 2, 3 …, and secrets from a count of their own. Two sources give the same ids.
#[derive(Debug, Default)]
pub struct CountingIds {
    ids: AtomicU64,
    secrets: AtomicU64,
}

impl CountingIds {
    /// A source whose first id is `after + 1`, for tests that need several that never meet.
    pub fn after(after: u64) -> Self {
        Self { ids: AtomicU64::new(after), secrets: AtomicU64::new(after) }
    }
}

impl IdSource for CountingIds {
    fn fresh(&self) -> [u8; 16] {
        u128::from(self.ids.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [0x5e; 32];
        secret[..8].copy_from_slice(&(self.secrets.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes());
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_ids_differ_within_a_source_and_repeat_between_sources() {
        let (one, other) = (CountingIds::default(), CountingIds::default());
        assert_eq!((one.fresh(), one.secret()), (other.fresh(), other.secret()));
        assert_ne!(one.fresh(), [0; 16]);
        assert!(one.fresh() > other.fresh());
        assert_ne!(one.secret(), one.secret());
    }
}
