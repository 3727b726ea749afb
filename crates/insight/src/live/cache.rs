//! Parties the stream looked at lately, so that one who does many things is read once.
//!
//! What is here is what reading it again would give: the stream adds every event it applies, and whoever
//! gains or loses identifiers is forgotten.

use std::collections::HashMap;

use kernel::{Instant, PartyNo};

use super::Loaded;
use crate::store::membership::Member;
use crate::store::tag_value::Held;

/// Rows of timelines kept; at twice as many the half that was not used lately is forgotten.
const ROWS_MAX: usize = 2_000_000;
/// A party without events takes room too.
const PARTY_ROWS: usize = 16;

/// A party, its memberships, its tags and its timer.
pub(super) struct Kept {
    pub(super) party: Loaded,
    pub(super) memberships: Vec<Member>,
    pub(super) values: Vec<Held>,
    pub(super) due: Option<Instant>,
}

/// Two generations of parties: what is used moves to the young one.
#[derive(Default)]
pub struct Cache {
    young: HashMap<PartyNo, Kept>,
    old: HashMap<PartyNo, Kept>,
    young_rows: usize,
}

impl Cache {
    /// Takes a party out, to be put back.
    pub(super) fn take(&mut self, no: PartyNo) -> Option<Kept> {
        if let Some(kept) = self.young.remove(&no) {
            self.young_rows = self.young_rows.saturating_sub(kept.rows());
            return Some(kept);
        }
        self.old.remove(&no)
    }

    pub(super) fn put(&mut self, kept: Kept) {
        self.young_rows += kept.rows();
        self.young.insert(kept.party.no, kept);
        if self.young_rows > ROWS_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_rows = 0;
        }
    }

    /// Forgets a party.
    pub fn forget(&mut self, no: PartyNo) {
        self.take(no);
    }
}

impl Kept {
    fn rows(&self) -> usize {
        PARTY_ROWS + self.party.timeline.rows() + self.values.len()
    }
}
