//! Columns in the layout that `criteria` borrows, and putting those of several pieces together.

use criteria::column::{Bits, Column, Dictionary, Values as Borrowed};
use criteria::number::Number;
use criteria::value::Value;

use super::values::{MISSING, Values, scaled};
use super::words::{Texts, Words};

/// A column of events of one name.
pub(crate) enum Stored {
    Absent,
    Numbers { mantissas: Vec<i64>, scale: u8, valid: Option<Bitmap> },
    Texts { codes: Vec<u32>, texts: Texts, valid: Option<Bitmap> },
    Booleans { values: Bitmap, valid: Option<Bitmap> },
    Cells(Vec<Option<Value>>),
    Many { offsets: Vec<i32>, items: Vec<Option<Value>> },
}

/// Bits, least significant first.
#[derive(Default)]
pub(crate) struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
}

/// A place in one of several pieces: the piece and the row.
pub(crate) type Place = (u32, u32);

impl Bitmap {
    fn of(bits: impl Iterator<Item = bool>) -> Self {
        let mut bitmap = Self::default();
        bits.for_each(|bit| bitmap.push(bit));
        bitmap
    }

    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.bytes[self.len / 8] |= u8::from(bit) << (self.len % 8);
        self.len += 1;
    }

    fn get(&self, at: usize) -> bool {
        self.bytes[at / 8] >> (at % 8) & 1 == 1
    }

    fn bits(&self) -> Bits<'_> {
        Bits { bytes: &self.bytes, offset: 0 }
    }
}

/// A bitmap, `None` if all bits are set.
fn validity(valid: impl Iterator<Item = bool> + Clone) -> Option<Bitmap> {
    (!valid.clone().all(|ok| ok)).then(|| Bitmap::of(valid))
}

fn is_there(valid: &Option<Bitmap>, row: usize) -> bool {
    valid.as_ref().is_none_or(|bits| bits.get(row))
}

impl Stored {
    pub(crate) fn of(values: Values) -> Self {
        match values {
            Values::Absent(_) => Self::Absent,
            Values::Numbers(n) => {
                let valid = validity(n.valid.into_iter());
                Self::Numbers { mantissas: n.mantissas, scale: n.scale, valid }
            }
            Values::Texts(mut codes, words) => {
                let texts = Texts::of(&words);
                if texts.is_empty() || codes.iter().all(|code| *code == MISSING) {
                    return Self::Absent;
                }
                let valid = validity(codes.iter().map(|code| *code != MISSING));
                // A code is one of the dictionary's even where it does not count.
                codes.iter_mut().filter(|code| **code == MISSING).for_each(|code| *code = 0);
                Self::Texts { codes, texts, valid }
            }
            Values::Booleans(values) => Self::Booleans {
                valid: validity(values.iter().map(Option::is_some)),
                values: Bitmap::of(values.into_iter().map(|value| value == Some(true))),
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
        match self {
            Self::Absent => Column::ABSENT,
            Self::Numbers { mantissas, scale, valid } => {
                Column::one(Borrowed::Number { mantissas, scale: *scale, valid: borrowed(valid) })
            }
            Self::Texts { codes, texts, valid } => {
                Column::one(Borrowed::Text { codes, dictionary: texts, valid: borrowed(valid) })
            }
            Self::Booleans { values, valid } => {
                Column::one(Borrowed::Boolean { values: values.bits(), valid: borrowed(valid) })
            }
            Self::Cells(values) => Column::one(Borrowed::Mixed(values)),
            Self::Many { offsets, items } => Column::many(offsets, Borrowed::Mixed(items)),
        }
    }

    /// Roughly the bytes it occupies.
    pub(crate) fn bytes(&self) -> usize {
        let bits = |valid: &Option<Bitmap>| valid.as_ref().map_or(0, |bits| bits.bytes.len());
        let cells = |cells: &[Option<Value>]| {
            let text = |cell: &Option<Value>| if let Some(Value::Text(text)) = cell { text.len() } else { 0 };
            size_of_val(cells) + cells.iter().map(text).sum::<usize>()
        };
        match self {
            Self::Absent => 0,
            Self::Numbers { mantissas, valid, .. } => mantissas.len() * 8 + bits(valid),
            Self::Texts { codes, valid, .. } => codes.len() * 4 + bits(valid),
            Self::Booleans { values, valid } => values.bytes.len() + bits(valid),
            Self::Cells(values) => cells(values),
            Self::Many { offsets, items } => offsets.len() * 4 + cells(items),
        }
    }

    /// Picks rows out of several parts, in the order they shall have.
    pub(crate) fn gather(parts: &[&Self], order: &[Place]) -> Self {
        let mut kinds = parts.iter().filter(|p| !matches!(p, Self::Absent));
        let Some(first) = kinds.next() else { return Self::Absent };
        let kind = std::mem::discriminant(*first);
        if kinds.any(|part| std::mem::discriminant(*part) != kind) {
            return cells(parts, order);
        }
        match first {
            Self::Texts { texts, .. } => gather_texts(parts, order, texts),
            Self::Numbers { .. } => gather_numbers(parts, order).unwrap_or_else(|| cells(parts, order)),
            Self::Booleans { .. } => {
                let cell = |(part, row): &Place| match parts[*part as usize] {
                    Self::Booleans { values, valid } => {
                        is_there(valid, *row as usize).then(|| values.get(*row as usize))
                    }
                    _ => None,
                };
                Self::of(Values::Booleans(order.iter().map(cell).collect()))
            }
            Self::Many { .. } => gather_many(parts, order),
            _ => cells(parts, order),
        }
    }

    fn cell(&self, row: usize) -> Option<Value> {
        match self {
            Self::Absent => None,
            Self::Numbers { mantissas, scale, valid } => is_there(valid, row)
                .then(|| Number::new(mantissas[row].into(), *scale))
                .flatten()
                .map(Value::Number),
            Self::Texts { codes, texts, valid } => {
                is_there(valid, row).then(|| Value::Text(texts.text(codes[row]).into()))
            }
            Self::Booleans { values, valid } => is_there(valid, row).then(|| Value::Boolean(values.get(row))),
            Self::Cells(values) => values[row].clone(),
            Self::Many { offsets, items } => {
                items[offsets[row] as usize..offsets[row + 1] as usize].iter().flatten().next().cloned()
            }
        }
    }
}

fn borrowed(valid: &Option<Bitmap>) -> Option<Bits<'_>> {
    valid.as_ref().map(Bitmap::bits)
}

fn cells(parts: &[&Stored], order: &[Place]) -> Stored {
    let cell = |(part, row): &Place| parts[*part as usize].cell(*row as usize);
    Stored::of(Values::from_cells(order.iter().map(cell).collect(), &Words::new()))
}

fn gather_many(parts: &[&Stored], order: &[Place]) -> Stored {
    let (mut offsets, mut all) = (vec![0], Vec::new());
    for (part, row) in order {
        if let Stored::Many { offsets, items } = parts[*part as usize] {
            let row = *row as usize;
            all.extend_from_slice(&items[offsets[row] as usize..offsets[row + 1] as usize]);
        }
        offsets.push(all.len() as i32);
    }
    Stored::Many { offsets, items: all }
}

fn gather_numbers(parts: &[&Stored], order: &[Place]) -> Option<Stored> {
    let scales = parts.iter().filter_map(|part| match part {
        Stored::Numbers { scale, .. } => Some(*scale),
        _ => None,
    });
    let scale = scales.max()?;
    let is_plain =
        |part: &&Stored| matches!(part, Stored::Numbers { scale: own, valid: None, .. } if *own == scale);
    if parts.iter().all(is_plain) {
        let mantissa = |(part, row): &Place| match parts[*part as usize] {
            Stored::Numbers { mantissas, .. } => mantissas[*row as usize],
            _ => 0,
        };
        let mantissas = order.iter().map(mantissa).collect();
        return Some(Stored::Numbers { mantissas, scale, valid: None });
    }
    let (mut mantissas, mut bits) = (Vec::with_capacity(order.len()), Bitmap::default());
    for (part, row) in order {
        let (mantissa, ok) = match parts[*part as usize] {
            Stored::Numbers { mantissas, scale: own, valid } => {
                let row = *row as usize;
                (scaled(mantissas[row], scale - own)?, is_there(valid, row))
            }
            _ => (0, false),
        };
        mantissas.push(mantissa);
        bits.push(ok);
    }
    Some(Stored::Numbers { mantissas, scale, valid: Some(bits) })
}

fn gather_texts(parts: &[&Stored], order: &[Place], first: &Texts) -> Stored {
    let is_same = |part: &&Stored| match part {
        Stored::Texts { texts, .. } => texts.id() == first.id(),
        _ => true,
    };
    let (words, translated): (_, Vec<Vec<u32>>) = if parts.iter().all(is_same) {
        (first.words.clone(), Vec::new())
    } else {
        let words = Words::new();
        let translated = parts.iter().map(|part| match part {
            Stored::Texts { texts, .. } => words.codes((0..texts.len() as u32).map(|code| texts.text(code))),
            _ => Vec::new(),
        });
        let translated = translated.collect();
        (words, translated)
    };
    let is_full = parts.iter().all(|part| matches!(part, Stored::Texts { valid: None, .. }));
    let code = |(part, row): &Place| match parts[*part as usize] {
        Stored::Texts { codes, .. } => {
            let code = codes[*row as usize];
            translated.get(*part as usize).map_or(code, |to| to[code as usize])
        }
        _ => 0,
    };
    let codes = order.iter().map(code).collect();
    let there = |(part, row): &Place| match parts[*part as usize] {
        Stored::Texts { valid, .. } => is_there(valid, *row as usize),
        _ => false,
    };
    let valid = (!is_full).then(|| Bitmap::of(order.iter().map(there)));
    // The longest list: it has the texts of every part.
    let lists = parts.iter().filter_map(|part| match part {
        Stored::Texts { texts, .. } if texts.id() == words.id() => Some(texts),
        _ => None,
    });
    let texts = lists.max_by_key(|texts| texts.len()).cloned().unwrap_or_else(|| Texts::of(&words));
    Stored::Texts { codes, texts, valid }
}
