//! Who was in at one place of a ledger, while people come and go.
//!
//! Members are read page by page, each page as it is now; what changed since the place is taken back. So a
//! list of millions needs neither a copy of the members nor a long transaction, only the changes since.

use std::collections::BTreeMap;

use kernel::{Key, PartyNo};

use crate::ports::Change;

/// Members at one place of a ledger.
#[derive(Debug)]
pub struct Snapshot {
    seq: u64,
    /// Every change up to this one was looked at.
    seen: u64,
    /// The first change of each party after the place: before it, the party was what it says it left.
    since: BTreeMap<PartyNo, (bool, Key)>,
}

/// A page of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// Who was in, by number.
    pub members: Vec<(PartyNo, Key)>,
    /// The last number this page is about; nothing after the last page.
    pub next: Option<PartyNo>,
}

impl Snapshot {
    /// Members at a place.
    pub fn at(seq: u64) -> Self {
        Self { seq, seen: seq, since: BTreeMap::new() }
    }

    /// The place.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The place after which changes are to be shown to [`Snapshot::see`] before the next page.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes note of changes, in order.
    pub fn see(&mut self, changes: &[Change]) {
        for change in changes {
            if change.seq <= self.seen {
                continue;
            }
            self.seen = change.seq;
            self.since.entry(change.party_no).or_insert((change.is_present, change.party));
        }
    }

    /// The page after a number, of those who are in now: read in one picture with the changes before it, and
    /// the last page if they are fewer than `limit`.
    pub fn page(&self, after: PartyNo, now: &[(PartyNo, Key)], limit: usize) -> Members {
        let next = if now.len() < limit { None } else { now.last().map(|(no, _)| *no) };
        let end = next.unwrap_or(PartyNo(u32::MAX));
        let mut members: Vec<(PartyNo, Key)> =
            now.iter().filter(|(no, _)| !self.since.contains_key(no)).copied().collect();
        if after < end {
            let between = (std::ops::Bound::Excluded(after), std::ops::Bound::Included(end));
            let before = self.since.range(between).filter(|(_, (entered, _))| !entered);
            members.extend(before.map(|(no, (_, key))| (*no, *key)));
        }
        members.sort_unstable_by_key(|(no, _)| *no);
        Members { members, next }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::Instant;

    use super::*;

    fn key(no: u32) -> Key {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&no.to_le_bytes());
        Key(key)
    }

    /// A ledger in the making: who is in, and every change.
    #[derive(Default)]
    struct World {
        members: BTreeSet<u32>,
        ledger: Vec<Change>,
    }

    impl World {
        fn turn(&mut self, no: u32) {
            let is_present = self.members.insert(no) || !self.members.remove(&no);
            let seq = self.ledger.len() as u64 + 1;
            let (party_no, party, at) = (PartyNo(no), key(no), Instant(0));
            self.ledger.push(Change { seq, party_no, party, is_present, at });
        }
    }

    #[test]
    fn a_list_is_who_was_in_at_its_place_whoever_comes_and_goes_meanwhile() {
        let mut seed = 7u64;
        let mut roll = move |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for round in 0..500 {
            let mut world = World::default();
            for _ in 0..roll(80) {
                world.turn(1 + roll(30) as u32);
            }
            let expected: Vec<_> = world.members.iter().map(|no| (PartyNo(*no), key(*no))).collect();
            let mut snapshot = Snapshot::at(world.ledger.len() as u64);
            let (mut listed, mut after, limit) = (Vec::new(), None, 1 + roll(5) as usize);
            for _ in 0..1_000 {
                for _ in 0..roll(6) {
                    world.turn(1 + roll(40) as u32);
                }
                snapshot.see(&world.ledger[snapshot.seen() as usize..]);
                let left = world.members.iter().filter(|no| after.is_none_or(|after| **no > after));
                let now: Vec<_> = left.take(limit).map(|no| (PartyNo(*no), key(*no))).collect();
                let page = snapshot.page(PartyNo(after.unwrap_or(0)), &now, limit);
                listed.extend(page.members);
                let Some(next) = page.next else { break };
                after = Some(next.0);
            }
            assert_eq!(listed, expected, "round {round}");
        }
    }
}
