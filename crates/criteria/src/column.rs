//! Columns of properties, borrowed from whoever decoded them.
//!
//! A run is the events of one name of one party, ascending in order: times and, for each property a
//! program asks for, a column with a value for each event. Columns are slices in the layout Arrow
//! uses, so that nothing is copied between a file and the evaluator.

use std::ops::Range;

use kernel::{Instant, Key};

use crate::number::Number;
use crate::value::{Value, ValueRef};

/// One property of the events of a run, or of records.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    /// For a path with `[]`: where the values of each row begin, and where those of the last end. Without
    /// it each row has one value. A value that is missing counts as not being there.
    pub offsets: Option<&'a [i32]>,
    /// The values.
    pub values: Values<'a>,
}

/// Values of one property.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// None is there.
    Absent,
    /// Decimals at one scale.
    Number {
        /// The digits.
        mantissas: &'a [i64],
        /// How many of them are a fraction, at most 18.
        scale: u8,
        /// Which are there; all if `None`.
        valid: Option<Bits<'a>>,
    },
    /// Decimals at one scale that need more digits.
    Decimal {
        /// The digits.
        mantissas: &'a [i128],
        /// How many of them are a fraction, at most 18.
        scale: u8,
        /// Which are there; all if `None`.
        valid: Option<Bits<'a>>,
    },
    /// Texts by their codes in a dictionary.
    Text {
        /// The codes.
        codes: &'a [u32],
        /// What they mean.
        dictionary: &'a dyn Dictionary,
        /// Which are there; all if `None`.
        valid: Option<Bits<'a>>,
    },
    /// True or false.
    Boolean {
        /// The values.
        values: Bits<'a>,
        /// Which are there; all if `None`.
        valid: Option<Bits<'a>>,
    },
    /// Instants.
    Instant {
        /// Microseconds since 1970.
        micros: &'a [i64],
        /// Which are there; all if `None`.
        valid: Option<Bits<'a>>,
    },
    /// Values of any type, lists among them.
    Mixed(&'a [Option<Value>]),
}

/// A bitmap, least significant bit first.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    /// The bits, eight a byte.
    pub bytes: &'a [u8],
    /// The place of the first.
    pub offset: usize,
}

impl Bits<'_> {
    /// The bit at `index`.
    #[inline]
    pub fn get(self, index: usize) -> bool {
        let at = self.offset + index;
        self.bytes[at / 8] >> (at % 8) & 1 == 1
    }
}

/// Texts by code. No two codes have the same text.
pub trait Dictionary {
    /// A number no other dictionary has while an evaluator lives: what it learns of a code it keeps.
    fn id(&self) -> u64;

    /// How many codes there are.
    fn len(&self) -> usize;

    /// The text of a code below `len`.
    fn text(&self, code: u32) -> &str;

    /// Whether there is no code.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The events of one party, as the runs a program needs (`Program::needs`).
pub trait Timeline {
    /// When the events of a run happened, in microseconds, ascending.
    fn times(&self, run: usize) -> &[i64];

    /// The values of a property for the events of a run.
    fn column(&self, run: usize, column: usize) -> Column<'_>;

    /// The key of an event: it decides between events of one microsecond, and names it as evidence.
    fn key(&self, run: usize, row: usize) -> Key;
}

impl<'a> Values<'a> {
    fn slice(self, start: usize, len: usize) -> Self {
        let shift = |bits: Option<Bits<'a>>| bits.map(|bits| Bits { offset: bits.offset + start, ..bits });
        match self {
            Self::Absent => Self::Absent,
            Self::Number { mantissas, scale, valid } => {
                Self::Number { mantissas: &mantissas[start..start + len], scale, valid: shift(valid) }
            }
            Self::Decimal { mantissas, scale, valid } => {
                Self::Decimal { mantissas: &mantissas[start..start + len], scale, valid: shift(valid) }
            }
            Self::Text { codes, dictionary, valid } => {
                Self::Text { codes: &codes[start..start + len], dictionary, valid: shift(valid) }
            }
            Self::Boolean { values, valid } => Self::Boolean {
                values: Bits { offset: values.offset + start, ..values },
                valid: shift(valid),
            },
            Self::Instant { micros, valid } => {
                Self::Instant { micros: &micros[start..start + len], valid: shift(valid) }
            }
            Self::Mixed(values) => Self::Mixed(&values[start..start + len]),
        }
    }

    /// The value at a place.
    pub(crate) fn get(&self, at: usize) -> Option<ValueRef<'a>> {
        let is_there = |valid: Option<Bits<'_>>| valid.is_none_or(|bits| bits.get(at));
        match *self {
            Self::Number { mantissas, scale, valid } if is_there(valid) => {
                Number::new(i128::from(mantissas[at]), scale).map(ValueRef::Number)
            }
            Self::Decimal { mantissas, scale, valid } if is_there(valid) => {
                Number::new(mantissas[at], scale).map(ValueRef::Number)
            }
            Self::Text { codes, dictionary, valid } if is_there(valid) => {
                Some(ValueRef::Text(dictionary.text(codes[at])))
            }
            Self::Boolean { values, valid } if is_there(valid) => Some(ValueRef::Boolean(values.get(at))),
            Self::Instant { micros, valid } if is_there(valid) => {
                Some(ValueRef::Instant(Instant(micros[at])))
            }
            Self::Mixed(values) => values[at].as_ref().map(Value::as_ref),
            _ => None,
        }
    }
}

impl<'a> Column<'a> {
    /// A column no row has a value in.
    pub const ABSENT: Column<'static> = Column { offsets: None, values: Values::Absent };

    /// A column with one value a row.
    pub fn one(values: Values<'a>) -> Self {
        Self { offsets: None, values }
    }

    /// A column with several values a row.
    pub fn many(offsets: &'a [i32], values: Values<'a>) -> Self {
        Self { offsets: Some(offsets), values }
    }

    /// Where each row's values begin and where the last row's end, if a row can have several; and the values.
    pub fn parts(&self) -> (Option<&'a [i32]>, Values<'a>) {
        (self.offsets, self.values)
    }

    /// The part of a column that belongs to `len` rows from `start`.
    pub fn slice(self, start: usize, len: usize) -> Self {
        match self.offsets {
            Some(offsets) => Self { offsets: Some(&offsets[start..=start + len]), ..self },
            None => Self { values: self.values.slice(start, len), ..self },
        }
    }

    /// Where the values of rows are.
    pub(crate) fn places(&self, rows: Range<usize>) -> Range<usize> {
        match self.offsets {
            Some(offsets) => offsets[rows.start] as usize..offsets[rows.end] as usize,
            None => rows,
        }
    }

    /// The value of a row; of several, the first.
    #[inline]
    pub(crate) fn value(&self, row: usize) -> Option<ValueRef<'a>> {
        match self.offsets {
            None => self.values.get(row),
            Some(_) => self.places(row..row + 1).find_map(|at| self.values.get(at)),
        }
    }

    /// Calls `visit` with every value of a row.
    #[inline]
    pub fn each(&self, row: usize, visit: impl FnMut(ValueRef<'a>)) {
        self.places(row..row + 1).filter_map(|at| self.values.get(at)).for_each(visit);
    }
}
