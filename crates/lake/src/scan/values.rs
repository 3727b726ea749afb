//! The values of one property as they are read, in the narrowest form they have.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use criteria::number::{Number, SCALE_MAX};
use criteria::value::Value;

use super::words::Words;
use crate::row::DECIMAL_SCALE;

/// Code of an event without the property, among the codes of texts.
pub(crate) const MISSING: u32 = u32::MAX;

/// Values of one path, one for each event.
pub(crate) enum Values {
    /// No event has any.
    Absent(usize),
    Numbers(Numbers),
    /// Codes and what they mean.
    Texts(Vec<u32>, Arc<Words>),
    Booleans(Vec<Option<bool>>),
    Cells(Vec<Option<Value>>),
    /// Of a path with `[]`.
    Many(Vec<Vec<Value>>),
}

/// Decimals at one scale.
pub(crate) struct Numbers {
    pub(crate) mantissas: Vec<i64>,
    pub(crate) scale: u8,
    pub(crate) valid: Vec<bool>,
}

impl Values {
    /// Rows `kept` of a stored column.
    pub(crate) fn from_array(array: &dyn Array, kept: &[usize], words: &Arc<Words>) -> Self {
        let numbers = |mantissas: Vec<i64>, scale| {
            let valid = kept.iter().map(|i| array.is_valid(*i)).collect();
            Self::Numbers(Numbers { mantissas, scale, valid })
        };
        if let Some(texts) = array.as_dictionary_opt::<Int32Type>() {
            let stored = texts.values().as_string::<i32>();
            let codes = words.codes(stored.iter().map(Option::unwrap_or_default));
            let keys = texts.keys();
            let code = |i: &usize| if keys.is_valid(*i) { codes[keys.value(*i) as usize] } else { MISSING };
            return Self::Texts(kept.iter().map(code).collect(), words.clone());
        }
        if let Some(v) = array.as_primitive_opt::<Int64Type>() {
            return numbers(kept.iter().map(|i| v.values()[*i]).collect(), 0);
        }
        if let Some(v) = array.as_primitive_opt::<Decimal128Type>() {
            // 18 digits fit 64 bits.
            return numbers(kept.iter().map(|i| v.values()[*i] as i64).collect(), DECIMAL_SCALE);
        }
        if let Some(v) = array.as_boolean_opt() {
            return Self::Booleans(kept.iter().map(|i| v.is_valid(*i).then(|| v.value(*i))).collect());
        }
        Self::Absent(kept.len())
    }

    /// Texts, some missing.
    pub(crate) fn from_texts<'a>(texts: impl Iterator<Item = Option<&'a str>>, words: &Arc<Words>) -> Self {
        Self::Texts(words.codes_of(texts, MISSING), words.clone())
    }

    /// Values of a path with `[]`.
    pub(crate) fn from_many(values: Vec<Vec<Value>>) -> Self {
        if values.iter().all(Vec::is_empty) { Self::Absent(values.len()) } else { Self::Many(values) }
    }

    /// Values of any type in the narrowest form that holds all of them.
    pub(crate) fn from_cells(values: Vec<Option<Value>>, words: &Arc<Words>) -> Self {
        let mut existing = values.iter().flatten().peekable();
        if existing.peek().is_none() {
            return Self::Absent(values.len());
        }
        if existing.clone().all(|v| matches!(v, Value::Text(_))) {
            let text = |value: &'_ Option<Value>| match value {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            let texts: Vec<_> = values.iter().map(text).collect();
            return Self::from_texts(texts.iter().map(Option::as_deref), words);
        }
        if existing.clone().all(|v| matches!(v, Value::Boolean(_))) {
            return Self::Booleans(
                values.iter().map(|v| v.as_ref().map(|v| *v == Value::Boolean(true))).collect(),
            );
        }
        match numbers(&values) {
            Some(numbers) => Self::Numbers(numbers),
            None => Self::Cells(values),
        }
    }

    /// Parts of a column, each with as many rows as the one before or others, one after another.
    pub(crate) fn join(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else { return Self::Absent(0) };
        for part in parts {
            whole = match (whole, part) {
                (Self::Absent(a), Self::Absent(b)) => Self::Absent(a + b),
                (Self::Texts(mut codes, words), Self::Texts(more, others)) if words.id() == others.id() => {
                    codes.extend(more);
                    Self::Texts(codes, words)
                }
                (Self::Booleans(mut values), Self::Booleans(more)) => {
                    values.extend(more);
                    Self::Booleans(values)
                }
                (Self::Numbers(mut a), Self::Numbers(b)) if a.scale == b.scale => {
                    a.mantissas.extend(b.mantissas);
                    a.valid.extend(b.valid);
                    Self::Numbers(a)
                }
                (Self::Many(mut values), Self::Many(more)) => {
                    values.extend(more);
                    Self::Many(values)
                }
                (Self::Many(mut values), Self::Absent(rows)) => {
                    values.resize_with(values.len() + rows, Vec::new);
                    Self::Many(values)
                }
                (Self::Absent(rows), Self::Many(more)) => {
                    let none = std::iter::repeat_with(Vec::new).take(rows);
                    Self::Many(none.chain(more).collect())
                }
                (a, b) => Self::mixed(a, b),
            };
        }
        whole
    }

    /// Two parts of different kinds.
    fn mixed(a: Self, b: Self) -> Self {
        let mut cells = a.into_cells();
        cells.extend(b.into_cells());
        Self::from_cells(cells, &Words::new())
    }

    fn into_cells(self) -> Vec<Option<Value>> {
        match self {
            Self::Absent(len) => vec![None; len],
            Self::Numbers(n) => {
                let number = |(m, ok): (i64, bool)| ok.then(|| Number::new(m.into(), n.scale)).flatten();
                n.mantissas.into_iter().zip(n.valid).map(number).map(|n| n.map(Value::Number)).collect()
            }
            Self::Texts(codes, words) => {
                let words = words.list();
                let text = |code: u32| words.get(code as usize).map(|word| Value::Text((&**word).into()));
                codes.into_iter().map(text).collect()
            }
            Self::Booleans(values) => values.into_iter().map(|v| v.map(Value::Boolean)).collect(),
            Self::Cells(values) => values,
            Self::Many(values) => values.into_iter().map(|mut v| v.pop()).collect(),
        }
    }
}

/// The numbers at one scale, if all of them are numbers and fit.
fn numbers(values: &[Option<Value>]) -> Option<Numbers> {
    let mut scale = 0;
    for value in values.iter().flatten() {
        let Value::Number(number) = value else { return None };
        scale = scale.max(number.scale());
    }
    let mantissa = |value: &Option<Value>| match value {
        Some(Value::Number(n)) => scaled(i64::try_from(n.mantissa()).ok()?, scale - n.scale()),
        _ => Some(0),
    };
    let mantissas = values.iter().map(mantissa).collect::<Option<Vec<i64>>>()?;
    Some(Numbers { mantissas, scale, valid: values.iter().map(Option::is_some).collect() })
}

pub(super) fn scaled(mantissa: i64, by: u8) -> Option<i64> {
    mantissa.checked_mul(10i64.checked_pow(u32::from(by.min(SCALE_MAX)))?)
}
