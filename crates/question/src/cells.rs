//! Values out of columns, for operators.

use criteria::column::{Column, Values};
use criteria::value::{Value, ValueRef};

/// The value of a row; of several, the first.
pub(crate) fn value_at<'a>(column: &Column<'a>, row: usize) -> Option<ValueRef<'a>> {
    let (offsets, values) = column.parts();
    match offsets {
        None => one(&values, row),
        Some(offsets) => (offsets[row] as usize..offsets[row + 1] as usize).find_map(|at| one(&values, at)),
    }
}

/// The text of a row.
pub(crate) fn text_at<'a>(column: &Column<'a>, row: usize) -> Option<&'a str> {
    match value_at(column, row) {
        Some(ValueRef::Text(text)) => Some(text),
        _ => None,
    }
}

fn one<'a>(values: &Values<'a>, at: usize) -> Option<ValueRef<'a>> {
    use criteria::number::Number;
    let is_there = |valid: Option<criteria::column::Bits<'_>>| valid.is_none_or(|bits| bits.get(at));
    match *values {
        Values::Number { mantissas, scale, valid } if is_there(valid) => {
            Number::new(i128::from(mantissas[at]), scale).map(ValueRef::Number)
        }
        Values::Decimal { mantissas, scale, valid } if is_there(valid) => {
            Number::new(mantissas[at], scale).map(ValueRef::Number)
        }
        Values::Text { codes, dictionary, valid } if is_there(valid) => {
            Some(ValueRef::Text(dictionary.text(codes[at])))
        }
        Values::Boolean { values, valid } if is_there(valid) => Some(ValueRef::Boolean(values.get(at))),
        Values::Instant { micros, valid } if is_there(valid) => {
            Some(ValueRef::Instant(kernel::Instant(micros[at])))
        }
        Values::Mixed(values) => values[at].as_ref().map(Value::as_ref),
        _ => None,
    }
}

/// Fraction digits of sums.
pub(crate) const SCALE: u8 = criteria::number::SCALE_MAX;

/// A number as digits with [`SCALE`] fraction digits.
pub(crate) fn scaled(number: criteria::number::Number) -> i128 {
    number.mantissa().saturating_mul(10i128.pow(u32::from(SCALE - number.scale())))
}

/// Calls `visit` with every row that has a number, at [`SCALE`].
pub(crate) fn each_number(column: &Column<'_>, rows: usize, mut visit: impl FnMut(usize, i128)) {
    if let (None, Values::Number { mantissas, scale, valid }) = column.parts() {
        let unit = 10i128.pow(u32::from(SCALE - scale.min(SCALE)));
        for (row, mantissa) in mantissas[..rows].iter().enumerate() {
            if valid.is_none_or(|bits| bits.get(row)) {
                visit(row, i128::from(*mantissa) * unit);
            }
        }
        return;
    }
    for row in 0..rows {
        if let Some(ValueRef::Number(number)) = value_at(column, row) {
            visit(row, scaled(number));
        }
    }
}

/// Digits at [`SCALE`] as a JSON number.
pub(crate) fn amount(digits: i128) -> serde_json::Value {
    let number = criteria::number::Number::new(digits, SCALE);
    number.map_or(serde_json::Value::Null, |number| ValueRef::Number(number).to_json())
}

/// A value as the name of a group.
pub(crate) fn part(value: Option<ValueRef<'_>>) -> crate::partial::Part {
    use crate::partial::Part;
    match value {
        None => Part::Missing,
        Some(ValueRef::Text(text)) => Part::Text(text.into()),
        Some(other) => match other.to_json() {
            serde_json::Value::String(text) => Part::Text(text.into()),
            json => Part::Text(json.to_string().into()),
        },
    }
}

/// The name of a group as it is shown.
pub(crate) fn shown(part: &crate::partial::Part) -> Option<String> {
    use crate::partial::Part;
    match part {
        Part::Missing => None,
        Part::Number(number) => Some(number.to_string()),
        Part::Text(text) => Some(text.to_string()),
    }
}

/// Numbers the values of a column, whatever dictionaries it comes in.
#[derive(Default)]
pub(crate) struct Coder {
    /// The values, by their numbers.
    pub(crate) parts: Vec<crate::partial::Part>,
    numbers: std::collections::BTreeMap<crate::partial::Part, u32>,
    /// The dictionary that was seen last, and the numbers of its codes as far as they are known.
    dictionary: Option<u64>,
    codes: Vec<u32>,
}

impl Coder {
    /// The number of a row's value.
    #[inline]
    pub(crate) fn code(&mut self, column: &Column<'_>, row: usize) -> u32 {
        if let (None, Values::Text { codes, dictionary, valid }) = column.parts()
            && valid.is_none_or(|bits| bits.get(row))
        {
            let code = codes[row] as usize;
            if self.dictionary != Some(dictionary.id()) {
                self.dictionary = Some(dictionary.id());
                self.codes.clear();
            }
            if self.codes.len() <= code {
                self.codes.resize(dictionary.len().max(code + 1), u32::MAX);
            }
            if self.codes[code] == u32::MAX {
                self.codes[code] = self.number(part(Some(ValueRef::Text(dictionary.text(codes[row])))));
            }
            return self.codes[code];
        }
        self.number(part(value_at(column, row)))
    }

    fn number(&mut self, part: crate::partial::Part) -> u32 {
        let fresh = self.parts.len() as u32;
        let number = *self.numbers.entry(part.clone()).or_insert(fresh);
        if number == fresh {
            self.parts.push(part);
        }
        number
    }
}

/// Numbers people by the value of a trait; without the trait all are of the one without value.
pub(crate) struct TraitCoder<'p> {
    column: Option<&'p crate::people::Trait>,
    /// By the trait's codes, as far as they are known.
    codes: Vec<u32>,
    /// The values.
    pub(crate) coder: Coder,
}

impl<'p> TraitCoder<'p> {
    pub(crate) fn new(name: Option<&str>, people: &'p crate::people::People) -> Self {
        let column = name.and_then(|name| people.traits.get(name)).map(|column| &**column);
        let codes = vec![u32::MAX; column.map_or(0, |column| column.len()) + 1];
        Self { column, codes, coder: Coder::default() }
    }

    /// The number of a person's value.
    #[inline]
    pub(crate) fn code(&mut self, party: u32) -> u32 {
        let code = self.column.map_or(0, |column| column.code(party));
        if self.codes[code as usize] == u32::MAX {
            let value = self.column.and_then(|column| column.at(code));
            self.codes[code as usize] = self.coder.number(part(value));
        }
        self.codes[code as usize]
    }
}
