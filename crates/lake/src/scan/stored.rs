//! The columns of a bucket in the layout that `criteria` borrows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criteria::column::{Bits, Column, Dictionary, Values as Borrowed};
use criteria::value::Value;

use super::values::{MISSING, Values};

/// A column of all events of one name in one bucket.
pub(crate) enum Stored {
    Absent,
    Numbers { mantissas: Vec<i64>, scale: u8, valid: Option<Vec<u8>> },
    Texts { codes: Vec<u32>, words: Words, valid: Option<Vec<u8>> },
    Booleans { values: Vec<u8>, valid: Option<Vec<u8>> },
    Cells(Vec<Option<Value>>),
    Many { offsets: Vec<i32>, items: Vec<Option<Value>> },
}

impl Stored {
    pub(crate) fn of(values: Values) -> Self {
        match values {
            Values::Absent(_) => Self::Absent,
            Values::Numbers(n) => {
                let valid = validity(n.valid.into_iter());
                Self::Numbers { mantissas: n.mantissas, scale: n.scale, valid }
            }
            Values::Texts(_, list) if list.is_empty() => Self::Absent,
            Values::Texts(mut codes, list) => {
                let valid = validity(codes.iter().map(|code| *code != MISSING));
                // A code is one of the dictionary's even where it does not count.
                codes.iter_mut().filter(|code| **code == MISSING).for_each(|code| *code = 0);
                Self::Texts { codes, words: Words::new(list), valid }
            }
            Values::Booleans(values) => Self::Booleans {
                valid: validity(values.iter().map(Option::is_some)),
                values: bits(values.into_iter().map(|value| value == Some(true))),
            },
            Values::Cells(values) => Self::Cells(values),
            Values::Many(values) => {
                let (mut offsets, mut items) = (vec![0], Vec::new());
                for values in values {
                    items.extend(values.into_iter().map(Some));
                    offsets.push(items.len() as i32);
                }
                Self::Many { offsets, items }
            }
        }
    }

    /// The whole column, borrowed.
    pub(crate) fn column(&self) -> Column<'_> {
        fn borrowed(valid: Option<&Vec<u8>>) -> Option<Bits<'_>> {
            valid.map(|bytes| Bits { bytes, offset: 0 })
        }
        match self {
            Self::Absent => Column::ABSENT,
            Self::Numbers { mantissas, scale, valid } => {
                Column::one(Borrowed::Number { mantissas, scale: *scale, valid: borrowed(valid.as_ref()) })
            }
            Self::Texts { codes, words, valid } => {
                Column::one(Borrowed::Text { codes, dictionary: words, valid: borrowed(valid.as_ref()) })
            }
            Self::Booleans { values, valid } => Column::one(Borrowed::Boolean {
                values: Bits { bytes: values, offset: 0 },
                valid: borrowed(valid.as_ref()),
            }),
            Self::Cells(values) => Column::one(Borrowed::Mixed(values)),
            Self::Many { offsets, items } => Column::many(offsets, Borrowed::Mixed(items)),
        }
    }
}

/// The distinct texts of a column.
pub(crate) struct Words {
    id: u64,
    list: Vec<Arc<str>>,
}

impl Words {
    fn new(list: Vec<Arc<str>>) -> Self {
        /// Evaluators outlive buckets and scans, so a number is never given twice.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), list }
    }
}

impl Dictionary for Words {
    fn id(&self) -> u64 {
        self.id
    }

    fn len(&self) -> usize {
        self.list.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.list[code as usize]
    }
}

/// A bitmap, `None` if all bits are set.
fn validity(valid: impl Iterator<Item = bool> + Clone) -> Option<Vec<u8>> {
    (!valid.clone().all(|ok| ok)).then(|| bits(valid))
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, value) in values.enumerate() {
        if i % 8 == 0 {
            bytes.push(0);
        }
        bytes[i / 8] |= u8::from(value) << (i % 8);
    }
    bytes
}
