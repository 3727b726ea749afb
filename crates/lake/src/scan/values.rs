//! The values of one property in one piece, in the narrowest form they have, and putting pieces together.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use criteria::number::{Number, SCALE_MAX};
use criteria::value::Value;

use crate::row::DECIMAL_SCALE;

/// Code of an event without the property, among the codes of texts.
pub(crate) const MISSING: u32 = u32::MAX;

/// Values of one path, one for each event.
pub(crate) enum Values {
    /// No event has any.
    Absent(usize),
    Numbers(Numbers),
    /// Codes and distinct words.
    Texts(Vec<u32>, Vec<Arc<str>>),
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
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Absent(len) => *len,
            Self::Numbers(numbers) => numbers.mantissas.len(),
            Self::Texts(codes, _) => codes.len(),
            Self::Booleans(values) => values.len(),
            Self::Cells(values) => values.len(),
            Self::Many(values) => values.len(),
        }
    }

    /// Rows `kept` of a stored column.
    pub(crate) fn from_array(array: &dyn Array, kept: &[usize]) -> Self {
        let numbers = |mantissas: Vec<i64>, scale| {
            let valid = kept.iter().map(|i| array.is_valid(*i)).collect();
            Self::Numbers(Numbers { mantissas, scale, valid })
        };
        if let Some(texts) = array.as_dictionary_opt::<Int32Type>() {
            let (stored, mut words) = (texts.values().as_string::<i32>(), Words::default());
            // A reader may give one word twice.
            let codes: Vec<u32> = stored.iter().map(|word| words.code(word.unwrap_or_default())).collect();
            let keys = texts.keys();
            let code = |i: &usize| if keys.is_valid(*i) { codes[keys.value(*i) as usize] } else { MISSING };
            return Self::Texts(kept.iter().map(code).collect(), words.list);
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
    pub(crate) fn from_texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut words = Words::default();
        let codes = texts.map(|text| text.map_or(MISSING, |text| words.code(text))).collect();
        Self::Texts(codes, words.list)
    }

    /// Values of a path with `[]`.
    pub(crate) fn from_many(values: Vec<Vec<Value>>) -> Self {
        if values.iter().all(Vec::is_empty) { Self::Absent(values.len()) } else { Self::Many(values) }
    }

    /// Values of any type in the narrowest form that holds all of them.
    pub(crate) fn from_cells(values: Vec<Option<Value>>) -> Self {
        let mut existing = values.iter().flatten().peekable();
        if existing.peek().is_none() {
            return Self::Absent(values.len());
        }
        if existing.clone().all(|v| matches!(v, Value::Text(_))) {
            return Self::from_texts(values.iter().map(|v| match v {
                Some(Value::Text(text)) => Some(&**text),
                _ => None,
            }));
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

    /// Picks rows out of several parts: (part, row) in the order they shall have, each at most once.
    pub(crate) fn gather(parts: Vec<Self>, order: &[(u32, u32)]) -> Self {
        let mut kinds = parts.iter().filter(|p| !matches!(p, Self::Absent(_))).map(std::mem::discriminant);
        let Some(kind) = kinds.next() else { return Self::Absent(order.len()) };
        if kinds.any(|other| other != kind) {
            return Self::from_cells(gather_cells(parts, order));
        }
        match parts.iter().find(|p| std::mem::discriminant(*p) == kind) {
            Some(Self::Texts(..)) => gather_texts(&parts, order),
            Some(Self::Numbers(_)) => match gather_numbers(&parts, order) {
                Some(numbers) => Self::Numbers(numbers),
                None => Self::Cells(gather_cells(parts, order)),
            },
            Some(Self::Booleans(_)) => {
                let value = |(part, row): &(u32, u32)| match &parts[*part as usize] {
                    Self::Booleans(values) => values[*row as usize],
                    _ => None,
                };
                Self::Booleans(order.iter().map(value).collect())
            }
            Some(Self::Many(_)) => {
                let mut parts = parts;
                let mut values = |(part, row): &(u32, u32)| match &mut parts[*part as usize] {
                    Self::Many(values) => std::mem::take(&mut values[*row as usize]),
                    _ => Vec::new(),
                };
                Self::Many(order.iter().map(&mut values).collect())
            }
            _ => Self::Cells(gather_cells(parts, order)),
        }
    }

    fn into_cells(self) -> Vec<Option<Value>> {
        match self {
            Self::Absent(len) => vec![None; len],
            Self::Numbers(n) => {
                let number = |(m, ok): (i64, bool)| ok.then(|| Number::new(m.into(), n.scale)).flatten();
                n.mantissas.into_iter().zip(n.valid).map(number).map(|n| n.map(Value::Number)).collect()
            }
            Self::Texts(codes, words) => {
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

fn scaled(mantissa: i64, by: u8) -> Option<i64> {
    mantissa.checked_mul(10i64.checked_pow(u32::from(by.min(SCALE_MAX)))?)
}

fn gather_numbers(parts: &[Values], order: &[(u32, u32)]) -> Option<Numbers> {
    let scales = parts.iter().filter_map(|p| if let Values::Numbers(n) = p { Some(n.scale) } else { None });
    let scale = scales.max()?;
    let (mut mantissas, mut valid) = (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
    for (part, row) in order {
        let (mantissa, ok) = match &parts[*part as usize] {
            Values::Numbers(n) => {
                (scaled(n.mantissas[*row as usize], scale - n.scale)?, n.valid[*row as usize])
            }
            _ => (0, false),
        };
        mantissas.push(mantissa);
        valid.push(ok);
    }
    Some(Numbers { mantissas, scale, valid })
}

fn gather_texts(parts: &[Values], order: &[(u32, u32)]) -> Values {
    let mut words = Words::default();
    let mut translated: Vec<Vec<u32>> = Vec::with_capacity(parts.len());
    for part in parts {
        translated.push(match part {
            Values::Texts(_, list) => list.iter().map(|word| words.code(word)).collect(),
            _ => Vec::new(),
        });
    }
    let code = |(part, row): &(u32, u32)| match &parts[*part as usize] {
        Values::Texts(codes, _) => {
            translated[*part as usize].get(codes[*row as usize] as usize).copied().unwrap_or(MISSING)
        }
        _ => MISSING,
    };
    Values::Texts(order.iter().map(code).collect(), words.list)
}

fn gather_cells(parts: Vec<Values>, order: &[(u32, u32)]) -> Vec<Option<Value>> {
    let mut cells: Vec<_> = parts.into_iter().map(Values::into_cells).collect();
    order.iter().map(|(part, row)| cells[*part as usize][*row as usize].take()).collect()
}

/// Distinct texts and their codes.
#[derive(Default)]
struct Words {
    list: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
}

impl Words {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = self.list.len() as u32;
        let text: Arc<str> = Arc::from(text);
        self.list.push(text.clone());
        self.codes.insert(text, code);
        code
    }
}
