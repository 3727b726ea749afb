//! A person's events in one order, each with the selections it meets.

use criteria::Timeline;
use kernel::Key;

use super::{Picker, Sieve};

/// An event that meets a selection.
#[derive(Clone, Copy)]
pub(crate) struct Met {
    pub(crate) time: i64,
    pub(crate) key: Key,
    pub(crate) run: usize,
    pub(crate) row: usize,
    /// A bit for each selection.
    pub(crate) mask: u8,
}

/// Asks a sieve of at most eight selections for the events of one person after another.
pub(crate) struct Masks<'s> {
    picker: Picker<'s>,
    masks: Vec<Vec<u8>>,
    met: Vec<Met>,
}

impl<'s> Masks<'s> {
    pub(crate) fn new(sieve: &'s Sieve) -> Self {
        Self { picker: sieve.picker(), masks: vec![Vec::new(); sieve.events().len()], met: Vec::new() }
    }

    /// The events of a person that meet anything, in the order of time and key.
    pub(crate) fn met(&mut self, timeline: &dyn Timeline) -> &[Met] {
        for (run, masks) in self.masks.iter_mut().enumerate() {
            masks.clear();
            masks.resize(timeline.times(run).len(), 0);
        }
        let masks = &mut self.masks;
        self.picker.pick(timeline, |selection, run, row| masks[run][row] |= 1 << selection);
        self.met.clear();
        for (run, masks) in self.masks.iter().enumerate() {
            let times = timeline.times(run);
            for (row, mask) in masks.iter().enumerate().filter(|(_, mask)| **mask > 0) {
                let (time, key) = (times[row], timeline.key(run, row));
                self.met.push(Met { time, key, run, row, mask: *mask });
            }
        }
        self.met.sort_by_key(|met| (met.time, met.key));
        &self.met
    }
}
