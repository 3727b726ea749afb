//! Parquet, by way of the row reader of `columnar`.

use std::fs::File;

use ::columnar::Value;
use anyhow::Result;

use super::{Cell, Column, Row, RowError};

/// The rows of one Parquet file, numbered from 1.
pub(super) struct Rows {
    rows: ::columnar::Rows,
    number: u64,
}

/// Opens `file`, reading its footer.
pub(super) fn open(file: File) -> Result<Rows> {
    Ok(Rows { rows: ::columnar::open(file)?, number: 0 })
}

impl Rows {
    pub(super) fn columns(&self) -> &[Column] {
        self.rows.columns()
    }
}

impl Iterator for Rows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let values = self.rows.next()?;
        self.number += 1;
        Some(match values {
            Ok(values) => {
                let cells = self.rows.columns().iter().cloned().zip(values.into_iter().map(cell)).collect();
                Ok(Row { number: self.number, cells })
            }
            Err(e) => Err(RowError::end(self.number, e)),
        })
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Missing,
        Value::Text(t) => Cell::of_text(&t),
        Value::Number(n) => Cell::Number(n),
        Value::Bool(b) => Cell::Bool(b),
        Value::Instant(t) => Cell::Instant(t),
        Value::Json(j) => Cell::Json(j),
    }
}
