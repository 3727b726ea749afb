//! Which rows of a run meet a condition: one bit a row, column by column.
//!
//! Each comparison is decided once for its column (bounds at the column's scale, codes of the column's
//! dictionary) and then asked of every row in a loop that neither allocates nor looks anything up.

use std::ops::Range;

use super::Context;
use super::scratch::Scratch;
use crate::column::{Bits, Column, Dictionary};
use crate::probe::{Probe, Whole};
use crate::program::{Condition, Source};
use crate::value::ValueRef;

/// Rows of a run. Without a mask, all of the range.
pub(crate) struct Selection {
    pub(super) rows: Range<usize>,
    pub(super) mask: Option<Vec<u64>>,
}

impl Selection {
    pub(super) fn count(&self) -> u64 {
        match &self.mask {
            None => self.rows.len() as u64,
            Some(mask) => mask.iter().map(|word| u64::from(word.count_ones())).sum(),
        }
    }

    /// Calls `visit` with every row, ascending.
    #[inline]
    pub(super) fn each(&self, mut visit: impl FnMut(usize)) {
        match &self.mask {
            None => self.rows.clone().for_each(visit),
            Some(mask) => {
                for (word_no, word) in mask.iter().enumerate() {
                    let mut rest = *word;
                    while rest != 0 {
                        visit(self.rows.start + word_no * 64 + rest.trailing_zeros() as usize);
                        rest &= rest - 1;
                    }
                }
            }
        }
    }

    /// The first row for which `is_wanted`.
    pub(super) fn first(&self, is_wanted: impl Fn(usize) -> bool) -> Option<usize> {
        self.rows.clone().find(|row| self.has(*row) && is_wanted(*row))
    }

    /// The last row for which `is_wanted`.
    pub(super) fn last(&self, is_wanted: impl Fn(usize) -> bool) -> Option<usize> {
        self.rows.clone().rev().find(|row| self.has(*row) && is_wanted(*row))
    }

    fn has(&self, row: usize) -> bool {
        let at = row - self.rows.start;
        self.mask.as_ref().is_none_or(|mask| mask[at / 64] >> (at % 64) & 1 == 1)
    }
}

/// The rows of one run of a source with times in `low..=high` that meet its condition.
pub(super) fn events(
    context: Context<'_>,
    scratch: &mut Scratch,
    source: &Source,
    index: usize,
    (low, high): (i64, i64),
    as_of: i64,
) -> Selection {
    let run = &source.runs[index];
    let times = context.timeline.times(run.run);
    let start = times.partition_point(|time| *time < low);
    let rows = start..start + times[start..].partition_point(|time| *time <= high);
    let Some(condition) = source.filter.as_ref().filter(|_| !rows.is_empty()) else {
        return Selection { rows, mask: None };
    };
    let column = |path: usize| context.timeline.column(run.run, run.columns[path]);
    let mask = Masking { context, scratch, column: &column, as_of }.condition(condition, &rows);
    Selection { rows, mask: Some(mask) }
}

/// The records that meet a condition.
pub(super) fn records<'a>(
    context: Context<'a>,
    scratch: &mut Scratch,
    condition: Option<&Condition>,
    column: &dyn Fn(usize) -> Column<'a>,
    rows: usize,
    as_of: i64,
) -> Selection {
    let rows = 0..rows;
    let mask =
        condition.map(|condition| Masking { context, scratch, column, as_of }.condition(condition, &rows));
    Selection { rows, mask }
}

struct Masking<'m, 'a> {
    context: Context<'a>,
    scratch: &'m mut Scratch,
    column: &'m dyn Fn(usize) -> Column<'a>,
    as_of: i64,
}

impl Masking<'_, '_> {
    fn condition(&mut self, condition: &Condition, rows: &Range<usize>) -> Vec<u64> {
        match condition {
            Condition::Probe { path, probe } => {
                let column = (self.column)(*path);
                self.probe(*probe, &column, rows)
            }
            Condition::All(members) => {
                let mut mask = self.filled(rows.len(), true);
                for member in members {
                    let other = self.condition(member, rows);
                    mask.iter_mut().zip(&other).for_each(|(word, other)| *word &= other);
                    self.scratch.take_back_mask(other);
                    if mask.iter().all(|word| *word == 0) {
                        break;
                    }
                }
                mask
            }
            Condition::Any(members) | Condition::None(members) => {
                let mut mask = self.filled(rows.len(), false);
                for member in members {
                    let other = self.condition(member, rows);
                    mask.iter_mut().zip(&other).for_each(|(word, other)| *word |= other);
                    self.scratch.take_back_mask(other);
                }
                if let Condition::None(_) = condition {
                    invert(&mut mask, rows.len());
                }
                mask
            }
        }
    }

    fn filled(&mut self, rows: usize, value: bool) -> Vec<u64> {
        let mut mask = self.scratch.mask();
        mask.resize(rows.div_ceil(64), 0);
        if value {
            invert(&mut mask, rows);
        }
        mask
    }

    fn probe(&mut self, number: usize, column: &Column<'_>, rows: &Range<usize>) -> Vec<u64> {
        let probe = &self.context.program.probes[number];
        match probe {
            Probe::Exists => return self.presence(column, rows),
            Probe::Missing => {
                let mut mask = self.presence(column, rows);
                invert(&mut mask, rows.len());
                return mask;
            }
            _ => {}
        }
        let (start, len, as_of) = (rows.start, rows.len(), self.as_of);
        let mut mask = self.scratch.mask();
        match *column {
            Column::Absent => mask.resize(len.div_ceil(64), 0),
            Column::Number { mantissas, scale, valid } => {
                match self.scratch.digits(number, probe, scale) {
                    Some(whole) => fill_whole(&mut mask, &mantissas[start..start + len], whole),
                    None => mask.resize(len.div_ceil(64), 0),
                }
                keep_valid(&mut mask, valid, rows);
            }
            Column::Instant { micros, valid } => {
                match probe.instants(as_of) {
                    Some(whole) => fill_whole(&mut mask, &micros[start..start + len], &whole),
                    None => mask.resize(len.div_ceil(64), 0),
                }
                keep_valid(&mut mask, valid, rows);
            }
            Column::Text { codes, dictionary, valid } if !probe.is_relative() => {
                let mut known = self.scratch.codes(number, dictionary);
                fill(&mut mask, len, |row| {
                    valid.is_none_or(|bits| bits.get(start + row))
                        && holds_code(&mut known, dictionary, codes[start + row], probe)
                });
                self.scratch.put_codes(number, dictionary, known);
            }
            Column::Boolean { values, valid } => {
                let outcomes = [false, true].map(|value| probe.holds(Some(ValueRef::Boolean(value)), as_of));
                fill(&mut mask, len, |row| outcomes[usize::from(values.get(start + row))]);
                keep_valid(&mut mask, valid, rows);
            }
            Column::Many { offsets, items } => {
                let within = offsets[start] as usize..offsets[start + len] as usize;
                let inner = self.probe(number, items, &within);
                fill_any(&mut mask, offsets, rows, &inner);
                self.scratch.take_back_mask(inner);
            }
            Column::Text { .. } | Column::Decimal { .. } | Column::Values(_) => {
                fill(&mut mask, len, |row| probe.holds(column.value(start + row), as_of));
            }
            Column::Elements { .. } => fill(&mut mask, len, |row| {
                let mut is_any = false;
                column.each(start + row, |value| is_any |= probe.holds(Some(value), as_of));
                is_any
            }),
        }
        mask
    }

    /// Rows that have the property.
    fn presence(&mut self, column: &Column<'_>, rows: &Range<usize>) -> Vec<u64> {
        match *column {
            Column::Absent => self.filled(rows.len(), false),
            Column::Number { valid, .. }
            | Column::Decimal { valid, .. }
            | Column::Text { valid, .. }
            | Column::Boolean { valid, .. }
            | Column::Instant { valid, .. } => {
                let mut mask = self.filled(rows.len(), true);
                keep_valid(&mut mask, valid, rows);
                mask
            }
            Column::Values(_) | Column::Many { .. } | Column::Elements { .. } => {
                let mut mask = self.scratch.mask();
                fill(&mut mask, rows.len(), |row| column.value(rows.start + row).is_some());
                mask
            }
        }
    }
}

/// Does a probe hold of a code? Asked once of each.
#[inline]
fn holds_code(known: &mut [u8], dictionary: &dyn Dictionary, code: u32, probe: &Probe) -> bool {
    let place = &mut known[code as usize];
    if *place == 0 {
        *place = 1 + u8::from(probe.holds_text(ValueRef::Text(dictionary.text(code))));
    }
    *place == 2
}

#[inline]
fn fill(mask: &mut Vec<u64>, rows: usize, mut is_set: impl FnMut(usize) -> bool) {
    for start in (0..rows).step_by(64) {
        let mut word = 0u64;
        for bit in 0..(rows - start).min(64) {
            word |= u64::from(is_set(start + bit)) << bit;
        }
        mask.push(word);
    }
}

fn fill_whole(mask: &mut Vec<u64>, values: &[i64], whole: &Whole) {
    match whole {
        Whole::Range(low, high) => {
            let (low, high) = (*low, *high);
            fill(mask, values.len(), |row| values[row] >= low && values[row] <= high);
        }
        other => fill(mask, values.len(), |row| other.has(values[row])),
    }
}

/// A row is set if any of its elements is; `inner` begins at the first element of the first row.
fn fill_any(mask: &mut Vec<u64>, offsets: &[i32], rows: &Range<usize>, inner: &[u64]) {
    let first = offsets[rows.start];
    fill(mask, rows.len(), |row| {
        let (from, to) = (offsets[rows.start + row] - first, offsets[rows.start + row + 1] - first);
        (from as usize..to as usize).any(|item| inner[item / 64] >> (item % 64) & 1 == 1)
    });
}

fn keep_valid(mask: &mut [u64], valid: Option<Bits<'_>>, rows: &Range<usize>) {
    let Some(valid) = valid else { return };
    for (word_no, word) in mask.iter_mut().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            if !valid.get(rows.start + word_no * 64 + bit as usize) {
                *word &= !(1 << bit);
            }
            rest &= rest - 1;
        }
    }
}

fn invert(mask: &mut [u64], rows: usize) {
    mask.iter_mut().for_each(|word| *word = !*word);
    if let Some(last) = mask.last_mut().filter(|_| !rows.is_multiple_of(64)) {
        *last &= (1 << (rows % 64)) - 1;
    }
}
