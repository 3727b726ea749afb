//! Buffers that live from party to party, and what was learned of dictionaries and scales.

use crate::column::Dictionary;
use crate::probe::{Compare, Probe, Whole};
use crate::program::Program;

use super::select::Selection;
use super::sequence::{Hit, Match};
use super::sweep::Item;

/// Dictionaries remembered for one comparison; the oldest goes first.
const DICTIONARIES_MAX: usize = 16;

#[derive(Default)]
pub(crate) struct Scratch {
    masks: Vec<Vec<u64>>,
    probes: Vec<Learned>,
    /// Of each dictionary, which codes have texts in normal form: 0 not known, 1 no, 2 yes.
    normal: Vec<(u64, Vec<u8>)>,
    pub(super) times: Vec<Vec<i64>>,
    pub(super) hits: Vec<Vec<Hit>>,
    pub(super) codes: Vec<u32>,
    pub(super) wholes: Vec<i64>,
    pub(super) items: Vec<Item>,
    pub(super) deque: std::collections::VecDeque<u32>,
    pub(super) matches: Vec<Match>,
}

/// What one comparison means for columns.
#[derive(Default)]
struct Learned {
    /// Of each dictionary, which codes it holds of: 0 not known, 1 no, 2 yes.
    codes: Vec<(u64, Vec<u8>)>,
    /// Of each scale, which digits it holds of.
    scales: Vec<(u8, Option<Whole>)>,
}

impl Scratch {
    pub(super) fn new(program: &Program) -> Self {
        let mut scratch = Self::default();
        scratch.probes.resize_with(program.probes.len(), Learned::default);
        scratch
    }

    pub(super) fn mask(&mut self) -> Vec<u64> {
        let mut mask = self.masks.pop().unwrap_or_default();
        mask.clear();
        mask
    }

    pub(super) fn take_back_mask(&mut self, mask: Vec<u64>) {
        self.masks.push(mask);
    }

    pub(super) fn take_back(&mut self, selection: Selection) {
        if let Some(mask) = selection.mask {
            self.masks.push(mask);
        }
    }

    pub(super) fn time_list(&mut self) -> Vec<i64> {
        let mut times = self.times.pop().unwrap_or_default();
        times.clear();
        times
    }

    pub(super) fn hit_list(&mut self) -> Vec<Hit> {
        let mut hits = self.hits.pop().unwrap_or_default();
        hits.clear();
        hits
    }

    /// What is known of a probe and the codes of a dictionary; give it back by `put_codes`.
    pub(super) fn codes(&mut self, probe: usize, dictionary: &dyn Dictionary) -> Vec<u8> {
        take(&mut self.probes[probe].codes, dictionary)
    }

    pub(super) fn put_codes(&mut self, probe: usize, dictionary: &dyn Dictionary, codes: Vec<u8>) {
        put(&mut self.probes[probe].codes, dictionary, codes);
    }

    /// Which codes are in normal form; give it back by `put_normal`.
    pub(super) fn normal(&mut self, dictionary: &dyn Dictionary) -> Vec<u8> {
        take(&mut self.normal, dictionary)
    }

    pub(super) fn put_normal(&mut self, dictionary: &dyn Dictionary, normal: Vec<u8>) {
        put(&mut self.normal, dictionary, normal);
    }

    /// Which digits at `scale` a probe holds of; `None` if it holds of no number.
    pub(super) fn digits(&mut self, probe: usize, of: &Probe, scale: u8) -> Option<&Whole> {
        let scales = &mut self.probes[probe].scales;
        let known = scales.iter().position(|(other, _)| *other == scale);
        let at = known.unwrap_or_else(|| {
            let whole = match of {
                Probe::Compare(compare) => {
                    let Compare { numbers, .. } = &**compare;
                    numbers.as_ref().map(|domain| Whole::numbers(domain, scale))
                }
                _ => None,
            };
            scales.push((scale, whole));
            scales.len() - 1
        });
        scales[at].1.as_ref()
    }
}

fn take(known: &mut [(u64, Vec<u8>)], dictionary: &dyn Dictionary) -> Vec<u8> {
    let id = dictionary.id();
    let mut codes = match known.iter_mut().find(|(other, _)| *other == id) {
        Some((_, codes)) => std::mem::take(codes),
        None => Vec::new(),
    };
    codes.resize(dictionary.len().max(codes.len()), 0);
    codes
}

fn put(known: &mut Vec<(u64, Vec<u8>)>, dictionary: &dyn Dictionary, codes: Vec<u8>) {
    let id = dictionary.id();
    match known.iter_mut().find(|(other, _)| *other == id) {
        Some((_, place)) => *place = codes,
        None => {
            if known.len() == DICTIONARIES_MAX {
                known.remove(0);
            }
            known.push((id, codes));
        }
    }
}
