//! How many people met each thing in each period, each person once.
//!
//! Rows of a block come person by person, and those of a person in the order of time. So whoever met a thing in a
//! period met it again only if the last meeting of that thing was this person's in this period: one look, no
//! sorting. Only the last period of a block can go on in the next block; its meetings wait until that is known,
//! and are put in order if it does.

/// A thing, a period and a person.
type Meeting = (u32, u32, u32);

/// With fewer meetings than one in so many pairs of thing and period, they are sorted instead.
const SPARSE: usize = 16;

/// Counts people by thing and period.
#[derive(Default)]
pub(super) struct Meetings {
    /// Thing, period and people.
    counts: Vec<(u32, u32, u32)>,
    /// Of the last period so far.
    waiting: Vec<Meeting>,
    /// Whether they are of several blocks.
    is_mixed: bool,
    /// By thing: period and person of its last meeting.
    last: Vec<(u32, u32)>,
    /// By period of a block and thing, while a block is counted.
    sums: Vec<u32>,
}

impl Meetings {
    /// Takes the meetings of a block. `things` is how many things there are by now.
    pub(super) fn block(&mut self, mut meetings: Vec<Meeting>, things: usize) {
        let periods = meetings.iter().map(|met| met.1);
        let Some((first, last)) = periods.clone().min().zip(periods.max()) else { return };
        let waits = self.waiting.first().map(|met| met.1);
        if let Some(period) = waits {
            if (first..=last).contains(&period) {
                self.is_mixed = true;
                self.waiting.extend(meetings.extract_if(.., |met| met.1 == period));
            }
            if period == last {
                // Everything else is of periods that cannot go on.
                self.count(&meetings, things);
                return;
            }
            self.settle(things);
        }
        if first == last {
            self.waiting = meetings;
        } else {
            self.waiting = meetings.extract_if(.., |met| met.1 == last).collect();
            self.count(&meetings, things);
        }
    }

    /// Thing, period and people, each pair of thing and period once for every stretch it was counted in.
    pub(super) fn finish(mut self, things: usize) -> Vec<(u32, u32, u32)> {
        self.settle(things);
        self.counts
    }

    /// The period that waits is over.
    fn settle(&mut self, things: usize) {
        let mut meetings = std::mem::take(&mut self.waiting);
        if std::mem::take(&mut self.is_mixed) {
            meetings.sort_unstable_by_key(|(thing, period, party)| (*party, *period, *thing));
        }
        self.count(&meetings, things);
    }

    /// Counts meetings that come person by person.
    fn count(&mut self, meetings: &[Meeting], things: usize) {
        let periods = meetings.iter().map(|met| met.1);
        let Some((first, last)) = periods.clone().min().zip(periods.max()) else { return };
        let span = (last - first + 1) as usize;
        if meetings.len() < span.saturating_mul(things) / SPARSE {
            return self.count_few(meetings.to_vec());
        }
        // Nobody has this number in this period yet.
        self.last.clear();
        self.last.resize(things, (u32::MAX, u32::MAX));
        self.sums.clear();
        self.sums.resize(span * things, 0);
        for (thing, period, party) in meetings {
            let place = &mut self.last[*thing as usize];
            if *place != (*period, *party) {
                *place = (*period, *party);
                self.sums[(*period - first) as usize * things + *thing as usize] += 1;
            }
        }
        for (place, count) in self.sums.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.counts.push(((place % things) as u32, first + (place / things) as u32, *count));
        }
    }

    /// Counts meetings for which arrays of all things and periods would be mostly empty.
    fn count_few(&mut self, mut meetings: Vec<Meeting>) {
        meetings.sort_unstable();
        meetings.dedup();
        let same = meetings.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        self.counts.extend(same.map(|met| (met[0].0, met[0].1, met.len() as u32)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::tests::naive::Dice;

    #[test]
    fn however_periods_and_blocks_lie_everybody_is_counted_once_a_thing_and_period() {
        for seed in 0..500 {
            let mut dice = Dice::new(seed);
            // Few things are counted in arrays, many by sorting.
            let things = [1 + dice.roll(4), 5_000][dice.roll(2)] as u32;
            let length = 1 + dice.roll(9) as u32;
            let (mut meetings, mut naive) = (Meetings::default(), BTreeMap::new());
            for block in 0..4 {
                let mut rows: Vec<(u32, u32, u32)> = (0..dice.roll(30))
                    .map(|_| {
                        (
                            dice.roll(5) as u32,
                            block * 7 + dice.roll(7) as u32,
                            dice.roll(things as usize) as u32,
                        )
                    })
                    .collect();
                rows.sort_by_key(|row| (row.0, row.1));
                for (party, day, thing) in &rows {
                    naive.entry((*thing, day / length)).or_insert_with(BTreeSet::new).insert(*party);
                }
                meetings
                    .block(rows.iter().map(|row| (row.2, row.1 / length, row.0)).collect(), things as usize);
            }
            let mut found = BTreeMap::new();
            for (thing, period, people) in meetings.finish(things as usize) {
                *found.entry((thing, period)).or_insert(0) += people as usize;
            }
            let expected = naive.into_iter().map(|(name, people)| (name, people.len())).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
    }
}
