//! What a parent and the child that runs its statement say to each other: one JSON value a line.

use kernel::Failure;
use lake::Cell;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A statement to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Name of the workspace.
    pub workspace: String,
    /// One SELECT.
    pub sql: String,
    /// Rows answered at most.
    pub rows: usize,
    /// Seconds it may take.
    pub seconds: u64,
    /// MiB of memory for sorts, joins and groups; all else may take a fixed share beside it.
    pub memory_mib: u64,
    /// Whether personal data is shown in clear.
    pub is_clear: bool,
}

/// A line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// Names of the columns, first.
    Columns(Vec<String>),
    /// A row.
    Row(Vec<Value>),
    /// The last line.
    End(Ended),
}

/// How an answer ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    /// All rows were said, or as many as asked for.
    Done {
        /// Whether there were more.
        is_cut: bool,
    },
    /// The statement is not acceptable.
    Refused(String),
    /// A limit was reached.
    Limit {
        /// Which.
        limit: String,
        /// Its value.
        max: u64,
    },
    /// Something broke.
    Broken(String),
}

impl Ended {
    /// The end that an error makes.
    pub(super) fn of(error: &lake::Error) -> Self {
        match error {
            lake::Error::Refused(message) => Self::Refused(message.clone()),
            lake::Error::Limit { limit, max } => Self::Limit { limit: (*limit).to_owned(), max: *max },
            other => Self::Broken(other.to_string()),
        }
    }

    /// The failure it is to whoever asked.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Done { .. } => Failure::internal("an end that is none"),
            Self::Refused(message) => Failure::invalid("sql", message),
            Self::Limit { limit, max } if limit.starts_with("milliseconds") => {
                Failure::LimitExceeded { limit: "seconds of a query", max: max / 1_000 }
            }
            Self::Limit { limit, max } if limit.contains("memory") => {
                Failure::LimitExceeded { limit: "MiB of memory of a query", max: max >> 20 }
            }
            Self::Limit { limit, max } => Failure::invalid("sql", format!("{limit} is limited to {max}")),
            Self::Broken(message) => Failure::Internal(message),
        }
    }
}

/// A cell as JSON: instants as RFC 3339, decimals as text so that no digit is lost, bytes in hexadecimal.
pub(super) fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) | Cell::Decimal(text) => Value::String(text),
        Cell::Integer(number) => json!(number),
        Cell::Real(number) => json!(number),
        Cell::Boolean(is_true) => Value::Bool(is_true),
        Cell::Time(at) => Value::String(at.to_string()),
        Cell::Bytes(bytes) => Value::String(workspace::credential::hex(&bytes)),
    }
}
