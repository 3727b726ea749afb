//! The values of one property over many events, in the narrowest form they have.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use serde_json::Value;

use crate::row::DECIMAL_SCALE;

/// Code of an event without the property, among the codes of texts.
pub const MISSING: u32 = u32::MAX;

/// Values of a run's column, one per event, borrowed. Where `valid` is false, or the code is
/// `u32::MAX`, or the value is `Null`, the event does not have the property.
#[derive(Clone, Copy, Debug)]
pub enum Slice<'a> {
    /// No event of the bucket has it.
    Absent,
    /// Integers.
    Integers {
        /// The values.
        values: &'a [i64],
        /// Which of them exist.
        valid: &'a [bool],
    },
    /// Exact decimals `mantissa · 10^−scale`.
    Decimals {
        /// The values.
        mantissas: &'a [i64],
        /// Fraction digits.
        scale: u8,
        /// Which of them exist.
        valid: &'a [bool],
    },
    /// Texts, as codes into the words of the bucket.
    Texts {
        /// Index of each text.
        codes: &'a [u32],
        /// The distinct texts, in no order.
        words: &'a [Arc<str>],
    },
    /// Truth values.
    Booleans {
        /// The values.
        values: &'a [bool],
        /// Which of them exist.
        valid: &'a [bool],
    },
    /// Instants, in microseconds.
    Instants {
        /// The values.
        micros: &'a [i64],
        /// Which of them exist.
        valid: &'a [bool],
    },
    /// Anything: numbers outside the hot columns, lists, properties of several types.
    Mixed(&'a [Value]),
}

/// The same, owned.
#[derive(Debug)]
pub(super) enum Values {
    Absent(usize),
    Integers(Vec<i64>, Vec<bool>),
    Decimals(Vec<i64>, Vec<bool>),
    Texts(Vec<u32>, Vec<Arc<str>>),
    Booleans(Vec<bool>, Vec<bool>),
    Instants(Vec<i64>, Vec<bool>),
    Mixed(Vec<Value>),
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Absent(len) => *len,
            Self::Integers(values, _) | Self::Decimals(values, _) | Self::Instants(values, _) => values.len(),
            Self::Texts(codes, _) => codes.len(),
            Self::Booleans(values, _) => values.len(),
            Self::Mixed(values) => values.len(),
        }
    }

    pub(super) fn slice(&self, rows: Range<usize>) -> Slice<'_> {
        match self {
            Self::Absent(_) => Slice::Absent,
            Self::Integers(v, valid) => Slice::Integers { values: &v[rows.clone()], valid: &valid[rows] },
            Self::Decimals(v, valid) => {
                Slice::Decimals { mantissas: &v[rows.clone()], scale: DECIMAL_SCALE, valid: &valid[rows] }
            }
            Self::Texts(codes, words) => Slice::Texts { codes: &codes[rows], words },
            Self::Booleans(v, valid) => Slice::Booleans { values: &v[rows.clone()], valid: &valid[rows] },
            Self::Instants(v, valid) => Slice::Instants { micros: &v[rows.clone()], valid: &valid[rows] },
            Self::Mixed(v) => Slice::Mixed(&v[rows]),
        }
    }

    /// Rows `kept` of a stored column.
    pub(super) fn from_array(array: &dyn Array, kept: &[usize]) -> Self {
        let valid = || kept.iter().map(|i| array.is_valid(*i)).collect();
        if let Some(texts) = array.as_dictionary_opt::<Int32Type>() {
            let words = texts.values().as_string::<i32>();
            let codes = texts.keys();
            let code = |i: &usize| if codes.is_valid(*i) { codes.value(*i).cast_unsigned() } else { MISSING };
            let words = words.iter().map(|w| Arc::from(w.unwrap_or_default())).collect();
            return Self::Texts(kept.iter().map(code).collect(), words);
        }
        if let Some(v) = array.as_primitive_opt::<Int64Type>() {
            return Self::Integers(kept.iter().map(|i| v.values()[*i]).collect(), valid());
        }
        if let Some(v) = array.as_primitive_opt::<Decimal128Type>() {
            // 18 digits fit 64 bits.
            return Self::Decimals(kept.iter().map(|i| v.values()[*i] as i64).collect(), valid());
        }
        if let Some(v) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            return Self::Instants(kept.iter().map(|i| v.values()[*i]).collect(), valid());
        }
        if let Some(v) = array.as_boolean_opt() {
            return Self::Booleans(kept.iter().map(|i| v.value(*i)).collect(), valid());
        }
        Self::Absent(kept.len())
    }

    /// JSON values in the narrowest form that holds all of them.
    pub(super) fn from_json(values: Vec<Value>) -> Self {
        let mut existing = values.iter().filter(|v| !v.is_null()).peekable();
        if existing.peek().is_none() {
            return Self::Absent(values.len());
        }
        if existing.clone().all(Value::is_string) {
            let mut words = Words::default();
            let codes = values.iter().map(|v| v.as_str().map_or(MISSING, |text| words.code(text))).collect();
            return Self::Texts(codes, words.list);
        }
        if existing.all(Value::is_boolean) {
            let valid = values.iter().map(Value::is_boolean).collect();
            return Self::Booleans(values.iter().map(|v| v.as_bool().unwrap_or_default()).collect(), valid);
        }
        Self::Mixed(values)
    }

    /// Picks rows out of several parts: (part, row) in the order they shall have.
    pub(super) fn gather(parts: Vec<Self>, order: &[(u32, u32)]) -> Self {
        macro_rules! gather {
            ($variant:ident, $none:expr) => {{
                let (mut values, mut valid) =
                    (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
                for (part, row) in order {
                    match &parts[*part as usize] {
                        Self::$variant(v, ok) => {
                            values.push(v[*row as usize]);
                            valid.push(ok[*row as usize]);
                        }
                        _ => {
                            values.push($none);
                            valid.push(false);
                        }
                    }
                }
                Self::$variant(values, valid)
            }};
        }
        let mut kinds = parts.iter().filter(|p| !matches!(p, Self::Absent(_))).map(std::mem::discriminant);
        let Some(kind) = kinds.next() else { return Self::Absent(order.len()) };
        if kinds.any(|other| other != kind) {
            return Self::gather_mixed(parts, order);
        }
        match parts.iter().find(|p| std::mem::discriminant(*p) == kind) {
            Some(Self::Integers(..)) => gather!(Integers, 0),
            Some(Self::Decimals(..)) => gather!(Decimals, 0),
            Some(Self::Instants(..)) => gather!(Instants, 0),
            Some(Self::Booleans(..)) => gather!(Booleans, false),
            Some(Self::Texts(..)) => Self::gather_texts(&parts, order),
            _ => Self::gather_mixed(parts, order),
        }
    }

    fn gather_texts(parts: &[Self], order: &[(u32, u32)]) -> Self {
        let mut words = Words::default();
        let translated: Vec<Vec<u32>> = parts
            .iter()
            .map(|part| match part {
                Self::Texts(_, list) => list.iter().map(|word| words.code(word)).collect(),
                _ => Vec::new(),
            })
            .collect();
        let code = |(part, row): &(u32, u32)| match &parts[*part as usize] {
            Self::Texts(codes, _) if codes[*row as usize] != MISSING => {
                translated[*part as usize][codes[*row as usize] as usize]
            }
            _ => MISSING,
        };
        Self::Texts(order.iter().map(code).collect(), words.list)
    }

    fn gather_mixed(parts: Vec<Self>, order: &[(u32, u32)]) -> Self {
        let mut mixed: Vec<Vec<Value>> = parts.into_iter().map(Self::into_json).collect();
        // Every row is taken at most once, so values move.
        Self::Mixed(order.iter().map(|(part, row)| mixed[*part as usize][*row as usize].take()).collect())
    }

    fn into_json(self) -> Vec<Value> {
        fn each<T>(values: Vec<T>, valid: Vec<bool>, json: impl Fn(T) -> Value) -> Vec<Value> {
            values.into_iter().zip(valid).map(|(v, ok)| if ok { json(v) } else { Value::Null }).collect()
        }
        match self {
            Self::Absent(len) => vec![Value::Null; len],
            Self::Integers(v, valid) => each(v, valid, Value::from),
            Self::Decimals(v, valid) => each(v, valid, decimal),
            Self::Booleans(v, valid) => each(v, valid, Value::from),
            Self::Instants(v, valid) => each(v, valid, |micros| kernel::Instant(micros).to_string().into()),
            Self::Texts(codes, words) => codes
                .into_iter()
                .map(|c| words.get(c as usize).map_or(Value::Null, |w| Value::from(&**w)))
                .collect(),
            Self::Mixed(values) => values,
        }
    }
}

/// A mantissa as the JSON number it was.
fn decimal(mantissa: i64) -> Value {
    let unit = 10i64.pow(u32::from(DECIMAL_SCALE));
    if mantissa % unit == 0 {
        return Value::from(mantissa / unit);
    }
    let sign = if mantissa < 0 { "-" } else { "" };
    let (whole, fraction) =
        (mantissa.unsigned_abs() / unit.unsigned_abs(), mantissa.unsigned_abs() % unit.unsigned_abs());
    let width = usize::from(DECIMAL_SCALE);
    serde_json::from_str(&format!("{sign}{whole}.{fraction:0width$}")).unwrap_or(Value::Null)
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
