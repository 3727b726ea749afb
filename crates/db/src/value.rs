//! The four kinds of value that cross the interface, and rows of them.

use std::borrow::Cow;

use crate::{Error, Result};

/// A parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// SQL null.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// Text. PostgreSQL has no NUL in text, so both databases store U+FFFD in its place.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Text as both databases can store it: a NUL that some sender escaped into a name must not make a
/// row impossible to write.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

impl From<i64> for Value<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<u32> for Value<'_> {
    fn from(n: u32) -> Self {
        Self::Int(i64::from(n))
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes)
    }
}
impl<'a> From<&'a kernel::Key> for Value<'a> {
    fn from(key: &'a kernel::Key) -> Self {
        Self::Blob(&key.0)
    }
}
impl From<kernel::Instant> for Value<'_> {
    fn from(at: kernel::Instant) -> Self {
        Self::Int(at.0)
    }
}
impl From<kernel::WorkspaceNo> for Value<'_> {
    fn from(no: kernel::WorkspaceNo) -> Self {
        Self::Int(i64::from(no.0))
    }
}
impl From<kernel::NodeNo> for Value<'_> {
    fn from(no: kernel::NodeNo) -> Self {
        Self::Int(no.0 as i64)
    }
}
impl From<kernel::SourceNo> for Value<'_> {
    fn from(no: kernel::SourceNo) -> Self {
        Self::Int(i64::from(no.0))
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer, read by column index.
pub enum Row<'r> {
    #[doc(hidden)]
    Sqlite(&'r rusqlite::Row<'r>),
    #[doc(hidden)]
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// An integer column.
    ///
    /// # Errors
    /// The column is null or of another type: a defect in the statement.
    pub fn int(&self, i: usize) -> Result<i64> {
        self.int_opt(i)?.ok_or_else(|| Error::Other(format!("column {i} is null")))
    }

    /// An integer column that may be null.
    ///
    /// # Errors
    /// The column is of another type.
    pub fn int_opt(&self, i: usize) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.get(i).map_err(other),
            Self::Postgres(row) => row.try_get(i).map_err(other),
        }
    }

    /// A text column.
    ///
    /// # Errors
    /// The column is null or of another type.
    pub fn text(&self, i: usize) -> Result<&str> {
        self.text_opt(i)?.ok_or_else(|| Error::Other(format!("column {i} is null")))
    }

    /// A text column that may be null.
    ///
    /// # Errors
    /// The column is of another type.
    pub fn text_opt(&self, i: usize) -> Result<Option<&str>> {
        match self {
            Self::Sqlite(row) => row.get_ref(i).map_err(other)?.as_str_or_null().map_err(other),
            Self::Postgres(row) => row.try_get(i).map_err(other),
        }
    }

    /// A bytes column.
    ///
    /// # Errors
    /// The column is null or of another type.
    pub fn blob(&self, i: usize) -> Result<&[u8]> {
        let bytes = match self {
            Self::Sqlite(row) => row.get_ref(i).map_err(other)?.as_blob_or_null().map_err(other)?,
            Self::Postgres(row) => row.try_get(i).map_err(other)?,
        };
        bytes.ok_or_else(|| Error::Other(format!("column {i} is null")))
    }

    /// A 16-byte key column.
    ///
    /// # Errors
    /// The column is null or not 16 bytes.
    pub fn key(&self, i: usize) -> Result<kernel::Key> {
        kernel::Key::from_slice(self.blob(i)?)
            .ok_or_else(|| Error::Other(format!("column {i} is not a 16-byte key")))
    }

    /// An instant column.
    ///
    /// # Errors
    /// The column is null or not an integer.
    pub fn instant(&self, i: usize) -> Result<kernel::Instant> {
        Ok(kernel::Instant(self.int(i)?))
    }
}

fn other(error: impl std::fmt::Display) -> Error {
    Error::Other(error.to_string())
}
