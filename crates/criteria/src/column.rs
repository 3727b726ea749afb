//! Columns of properties, borrowed from whoever decoded them.
//!
//! A run is the events of one name of one party, ascending in order: times and, for each property a
//! program asks for, a column with a value for each event. Columns are slices in the layout Arrow
//! uses, so that nothing is copied between a file and the evaluator.

use kernel::{Instant, Key};

use crate::number::Number;
use crate::value::{Value, ValueRef};

/// Values of one property, one for each event of a run or each record.
#[derive(Clone, Copy)]
pub enum Column<'a> {
    /// No event has the property.
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
    Values(&'a [Option<Value>]),
    /// Several values an event, of a path with `[]`.
    Many {
        /// Where each event's values begin in `items`, and where the last event's end.
        offsets: &'a [i32],
        /// The values. A value that is missing counts as not being there.
        items: &'a Column<'a>,
    },
    /// Several values of any type an event, of a path with `[]`.
    Elements {
        /// Where each event's values begin in `items`, and where the last event's end.
        offsets: &'a [i32],
        /// The values.
        items: &'a [Option<Value>],
    },
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

impl<'a> Column<'a> {
    /// The part of a column that belongs to `len` rows from `start`.
    pub fn slice(self, start: usize, len: usize) -> Self {
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
            Self::Values(values) => Self::Values(&values[start..start + len]),
            Self::Many { offsets, items } => Self::Many { offsets: &offsets[start..=start + len], items },
            Self::Elements { offsets, items } => {
                Self::Elements { offsets: &offsets[start..=start + len], items }
            }
        }
    }

    /// The value of a row; of several, the first.
    pub(crate) fn value(&self, row: usize) -> Option<ValueRef<'a>> {
        let is_there = |valid: Option<Bits<'_>>| valid.is_none_or(|bits| bits.get(row));
        match *self {
            Self::Absent => None,
            Self::Number { mantissas, scale, valid } if is_there(valid) => {
                Number::new(i128::from(mantissas[row]), scale).map(ValueRef::Number)
            }
            Self::Decimal { mantissas, scale, valid } if is_there(valid) => {
                Number::new(mantissas[row], scale).map(ValueRef::Number)
            }
            Self::Text { codes, dictionary, valid } if is_there(valid) => {
                Some(ValueRef::Text(dictionary.text(codes[row])))
            }
            Self::Boolean { values, valid } if is_there(valid) => Some(ValueRef::Boolean(values.get(row))),
            Self::Instant { micros, valid } if is_there(valid) => {
                Some(ValueRef::Instant(Instant(micros[row])))
            }
            Self::Values(values) => values[row].as_ref().map(Value::as_ref),
            Self::Many { .. } | Self::Elements { .. } => {
                let mut first = None;
                self.each(row, |value| first = first.or(Some(value)));
                first
            }
            _ => None,
        }
    }

    /// Calls `visit` with every value of a row.
    #[inline]
    pub(crate) fn each(&self, row: usize, mut visit: impl FnMut(ValueRef<'a>)) {
        match self {
            Self::Many { offsets, items } => {
                let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
                (from..to).filter_map(|item| items.value(item)).for_each(visit);
            }
            Self::Elements { offsets, items } => {
                let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
                items[from..to].iter().flatten().map(Value::as_ref).for_each(visit);
            }
            _ => {
                if let Some(value) = self.value(row) {
                    visit(value);
                }
            }
        }
    }
}
