//! Rows of several runs put together as one, with their columns.
//!
//! Where all runs have a column in one form (texts of one dictionary, numbers of one scale) it keeps that form;
//! otherwise it becomes a column of single values.

use criteria::column::{Bits, Column, Dictionary, Timeline, Values};
use criteria::value::Value;
use kernel::Key;

use super::{Part, Row, Source};
use crate::cells::value_at;
use crate::operator::{Block, Rows};

/// A run of chosen rows.
pub(super) struct Gathered<'a> {
    parties: Vec<u32>,
    times: Vec<i64>,
    keys: Vec<Key>,
    columns: Vec<Cells<'a>>,
}

enum Cells<'a> {
    Number { mantissas: Vec<i64>, scale: u8, valid: Vec<u8> },
    Text { codes: Vec<u32>, dictionary: &'a dyn Dictionary, valid: Vec<u8> },
    One(Vec<Option<Value>>),
    Many(Vec<i32>, Vec<Option<Value>>),
}

impl<'a> Gathered<'a> {
    pub(super) fn new(rows: &[Row], parts: &[Part], many: &[bool], source: &dyn Source<'a>) -> Self {
        let column = |(place, is_many): (usize, &bool)| {
            let of = |part: &Part| (part.run, source.column(part.run, part.columns[place]));
            let columns: Vec<(usize, Column<'a>)> = parts.iter().map(of).collect();
            if *is_many { several(rows, &columns) } else { single(rows, &columns) }
        };
        Self {
            parties: rows.iter().map(|row| row.party).collect(),
            times: rows.iter().map(|row| row.time).collect(),
            keys: rows.iter().map(|row| source.key(row.run, row.row)).collect(),
            columns: many.iter().enumerate().map(column).collect(),
        }
    }

    /// As rows of a block.
    pub(super) fn rows(&self) -> Rows<'_> {
        let columns = self.columns.iter().map(Cells::column).collect();
        Rows { parties: &self.parties, times: &self.times, keys: &self.keys, columns }
    }
}

/// The column of a row's run.
fn column_of<'c, 'a>(columns: &'c [(usize, Column<'a>)], row: &Row) -> &'c Column<'a> {
    let found = columns.iter().find(|(run, _)| *run == row.run);
    &found.expect("a row is in a run of its selection").1
}

fn single<'a>(rows: &[Row], columns: &[(usize, Column<'a>)]) -> Cells<'a> {
    numbers(rows, columns).or_else(|| texts(rows, columns)).unwrap_or_else(|| {
        let value = |row: &Row| value_at(column_of(columns, row), row.row).map(Value::from);
        Cells::One(rows.iter().map(value).collect())
    })
}

fn numbers<'a>(rows: &[Row], columns: &[(usize, Column<'a>)]) -> Option<Cells<'a>> {
    let mut scales = columns.iter().map(|(_, column)| match column.parts() {
        (None, Values::Number { scale, .. }) => Some(scale),
        _ => None,
    });
    let scale = scales.next()??;
    if !scales.all(|other| other == Some(scale)) {
        return None;
    }
    let (mut mantissas, mut valid) = (Vec::with_capacity(rows.len()), Validity::new(rows.len()));
    for row in rows {
        if let (_, Values::Number { mantissas: all, valid: is_there, .. }) = column_of(columns, row).parts() {
            valid.push(is_there.is_none_or(|bits| bits.get(row.row)));
            mantissas.push(all[row.row]);
        }
    }
    Some(Cells::Number { mantissas, scale, valid: valid.bytes })
}

fn texts<'a>(rows: &[Row], columns: &[(usize, Column<'a>)]) -> Option<Cells<'a>> {
    let dictionaries = columns.iter().map(|(_, column)| match column.parts() {
        (None, Values::Text { dictionary, .. }) => Some(dictionary),
        _ => None,
    });
    let dictionaries = dictionaries.collect::<Option<Vec<_>>>()?;
    // Dictionaries of one number grow; the longest has all codes.
    let dictionary = dictionaries.iter().copied().max_by_key(|dictionary| dictionary.len())?;
    if dictionaries.iter().any(|other| other.id() != dictionary.id()) {
        return None;
    }
    let (mut codes, mut valid) = (Vec::with_capacity(rows.len()), Validity::new(rows.len()));
    for row in rows {
        if let (_, Values::Text { codes: all, valid: is_there, .. }) = column_of(columns, row).parts() {
            valid.push(is_there.is_none_or(|bits| bits.get(row.row)));
            codes.push(all[row.row]);
        }
    }
    Some(Cells::Text { codes, dictionary, valid: valid.bytes })
}

fn several<'a>(rows: &[Row], columns: &[(usize, Column<'a>)]) -> Cells<'a> {
    let (mut offsets, mut items) = (vec![0], Vec::new());
    for row in rows {
        column_of(columns, row).each(row.row, |value| items.push(Some(Value::from(value))));
        offsets.push(items.len() as i32);
    }
    Cells::Many(offsets, items)
}

struct Validity {
    bytes: Vec<u8>,
    rows: usize,
}

impl Validity {
    fn new(rows: usize) -> Self {
        Self { bytes: vec![0; rows.div_ceil(8)], rows: 0 }
    }

    fn push(&mut self, is_there: bool) {
        self.bytes[self.rows / 8] |= u8::from(is_there) << (self.rows % 8);
        self.rows += 1;
    }
}

impl Cells<'_> {
    fn column(&self) -> Column<'_> {
        let bits = |bytes| Some(Bits { bytes, offset: 0 });
        Column::one(match self {
            Self::Number { mantissas, scale, valid } => {
                Values::Number { mantissas, scale: *scale, valid: bits(valid) }
            }
            Self::Text { codes, dictionary, valid } => {
                Values::Text { codes, dictionary: *dictionary, valid: bits(valid) }
            }
            Self::One(values) => Values::Mixed(values),
            Self::Many(offsets, items) => return Column::many(offsets, Values::Mixed(items)),
        })
    }
}

/// Runs of one person.
pub(super) struct Runs<'a>(pub(super) Vec<Gathered<'a>>);

impl Timeline for Runs<'_> {
    fn times(&self, run: usize) -> &[i64] {
        self.0.get(run).map_or(&[], |run| &run.times)
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        self.0[run].columns[column].column()
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.0[run].keys[row]
    }
}

/// The events of one person.
pub(super) struct OfParty<'a>(pub(super) &'a dyn Timeline);

impl<'a> Source<'a> for OfParty<'a> {
    fn column(&self, run: usize, column: usize) -> Column<'a> {
        self.0.column(run, column)
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.0.key(run, row)
    }
}

/// The rows of a block.
pub(super) struct OfBlock<'b, 'a>(pub(super) &'b Block<'a>);

impl<'a> Source<'a> for OfBlock<'_, 'a> {
    fn column(&self, run: usize, column: usize) -> Column<'a> {
        self.0.runs[run].columns.get(column).copied().unwrap_or(Column::ABSENT)
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.0.runs[run].keys.get(row).copied().unwrap_or(Key([0; 16]))
    }
}
