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
