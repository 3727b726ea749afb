//! Rows out of a Parquet file and into one, one at a time, without Arrow.
//!
//! Decides what a stored value says in plain words: a number as its exact text, an instant as
//! RFC 3339, anything nested as JSON. Knows nothing of what a column means; that is the mapping of
//! whoever imports the file. A file is foreign input and the decoder beneath us panics on some
//! broken ones, so a panic is caught here and becomes the error that ends the file.

mod value;
pub mod write;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kernel::{Failure, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;

use value::Column;

/// What one cell says.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Null, or a floating point number that is not a number.
    Null,
    /// Text, a time of day, or bytes written as hexadecimal.
    Text(String),
    /// A number; its decimal text loses nothing.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// RFC 3339; a plain date, or without an offset when the file stores local time.
    Instant(String),
    /// A list, map or group as JSON text.
    Json(String),
}

/// More columns than this is not a table of customers or orders; it bounds the memory of a row.
pub const COLUMNS_MAX: usize = 16_384;

/// The rows of one open file, in file order. After the first error it is finished.
pub struct Rows {
    columns: Vec<Arc<str>>,
    kinds: Vec<Column>,
    rows: Option<RowIter<'static>>,
}

/// Opens `file`, reading only its footer.
///
/// # Errors
/// [`Failure::Invalid`] when it is not a Parquet file this build can read.
pub fn open(file: File) -> Result<Rows> {
    let reader = guarded(|| SerializedFileReader::new(file).map_err(|e| e.to_string()))?;
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields();
    if fields.is_empty() || fields.len() > COLUMNS_MAX {
        return Err(Failure::invalid("file", format!("has {} columns", fields.len())));
    }
    let columns = fields.iter().map(|f| Arc::from(f.name())).collect();
    let kinds = fields.iter().map(|f| Column::of(f)).collect();
    Ok(Rows { columns, kinds, rows: Some(reader.into_iter()) })
}

impl Rows {
    /// The names of the top-level columns, in file order.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }
}

impl Iterator for Rows {
    type Item = Result<Vec<Value>>;

    /// The next row's values, in the order of [`Rows::columns`].
    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let kinds = &self.kinds;
        let row = guarded(|| match rows.next() {
            Some(Ok(row)) => {
                let fields = row.into_columns().into_iter();
                Ok(Some(fields.zip(kinds).map(|((_, field), kind)| kind.value(field)).collect()))
            }
            Some(Err(e)) => Err(e.to_string()),
            None => Ok(None),
        });
        if !matches!(row, Ok(Some(_))) {
            self.rows = None;
        }
        row.transpose()
    }
}

/// Runs `read`; an error or a panic of the decoder both mean the file is unreadable.
fn guarded<T>(read: impl FnOnce() -> std::result::Result<T, String>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => Err(Failure::invalid("file", format!("unreadable Parquet: {reason}"))),
        Err(_) => Err(Failure::invalid("file", "unreadable Parquet: unsupported or damaged content")),
    }
}

#[cfg(test)]
mod tests;
