//! What can go wrong in the lake, as far as a caller acts differently on it.

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the lake did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another writer has committed to the table. This one must stop, or open the lake anew.
    #[error("another writer committed version {version} of table `{table}`; open the lake again to go on")]
    Fenced {
        /// The table.
        table: String,
        /// The version this writer wanted to commit.
        version: i64,
    },
    /// Records between two hand-overs are missing, or one hand-over straddles what is known.
    #[error("partition {partition} stands at {known}, the hand-over goes from {after} to {position}")]
    Gap {
        /// Partition of the log.
        partition: u32,
        /// Position up to which the lake has everything.
        known: u64,
        /// Where the hand-over says it begins (exclusive).
        after: u64,
        /// Where it ends (inclusive).
        position: u64,
    },
    /// The query, the schema or a row is not acceptable; the text says what would be.
    #[error("{0}")]
    Refused(String),
    /// A named limit was reached.
    #[error("{limit} is limited to {max}")]
    Limit {
        /// Which limit.
        limit: &'static str,
        /// Its value, in the unit of its name.
        max: u64,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The table's log or a file does not say what this build can read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// The disk or the object store failed. After a failed commit the writer is finished.
    #[error("storage: {0}")]
    Storage(String),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<objects::Error> for Error {
    fn from(error: objects::Error) -> Self {
        match error {
            objects::Error::Refused(message) => Self::Refused(message),
            objects::Error::Storage(message) => Self::Storage(message),
        }
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(cause) if cause.is::<object_store::Error>() => {
                Self::Storage(cause.to_string())
            }
            other => Self::Unreadable(other.to_string()),
        }
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<Error> for kernel::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(message) => Self::invalid("sql", message),
            Error::Limit { limit, max } => Self::LimitExceeded { limit, max },
            Error::Fenced { .. } | Error::Gap { .. } | Error::Cancelled => {
                Self::Conflict { message: error.to_string() }
            }
            Error::Unreadable(_) | Error::Storage(_) => Self::Internal(error.to_string()),
        }
    }
}
