//! Files in and out: what `headwater import` reads and `headwater export` writes.
//!
//! Decides what a file says (`read`), what its columns mean (`mapping`, `guess`), which message a
//! row becomes (`convert`), and how the rest goes back to the person who sent it (`errors`). A row
//! is either a message or an error with a reason; none is dropped in silence. Sends nothing: the
//! caller hands the messages to the collector like those of any SDK.

pub mod read;

mod columnar;
mod delimited;
mod json_lines;
mod sheet;
mod text;

pub mod guess;
pub mod mapping;

pub mod convert;
mod moment;
mod number;
mod object;
mod value;

pub mod errors;
pub mod export;
pub mod import;
pub mod rows;
mod table;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A column's name, shared by all rows.
pub type Column = Arc<str>;

/// The header of the reasons in an error file, put after the original columns.
pub const ERROR_COLUMN: &str = "error";

/// One row of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The line or row number a person sees in an editor or in Excel.
    pub number: u64,
    /// The cells in file order. JSON lines leave out what an object lacks.
    pub cells: Vec<(Column, Cell)>,
}

/// What one cell says, as far as the file itself tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    /// Empty, blank or null.
    Missing,
    /// Text, untrimmed. Everything in a CSV file is text.
    Text(String),
    /// A number with its text as it stands.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// RFC 3339; a plain date, or without an offset when the file (Excel) knows none.
    Instant(String),
    /// A nested value as JSON text.
    Json(String),
}

impl Cell {
    /// The cell as text, without white space around it; empty when missing.
    pub fn text(&self) -> &str {
        match self {
            Self::Missing => "",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Text(t) | Self::Number(t) | Self::Instant(t) | Self::Json(t) => t.trim(),
        }
    }

    /// A text cell, or a missing one when `text` is blank.
    pub(crate) fn of_text(text: &str) -> Self {
        if text.trim().is_empty() { Self::Missing } else { Self::Text(text.to_owned()) }
    }
}

/// Why a row became no message.
#[derive(Clone, PartialEq, Debug)]
pub struct RowError {
    /// The row's number, as in [`Row::number`].
    pub row: u64,
    /// The column at fault, if it is one.
    pub column: Option<Column>,
    /// What is wrong, in words equal for equal faults and without the value.
    pub reason: Cow<'static, str>,
    /// The row as far as it could be read, for the error file.
    pub cells: Vec<(Column, Cell)>,
    /// True when nothing after this row could be read.
    pub ends_file: bool,
}

impl RowError {
    pub(crate) fn of_row(row: Row, column: Option<Column>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { row: row.number, column, reason: reason.into(), cells: row.cells, ends_file: false }
    }

    pub(crate) fn end(row: u64, cause: impl fmt::Display) -> Self {
        let reason = Cow::Owned(format!("the file is unreadable from here: {cause}"));
        Self { row, column: None, reason, cells: Vec::new(), ends_file: true }
    }

    /// The fault without the row: "`phone`: longer than 8191 characters".
    pub fn fault(&self) -> String {
        match &self.column {
            Some(column) => format!("`{column}`: {}", self.reason),
            None => self.reason.clone().into_owned(),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.row, self.fault())
    }
}

#[cfg(test)]
mod tests;
