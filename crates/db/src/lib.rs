//! SQL on SQLite and PostgreSQL through one small synchronous interface.
//!
//! Statements are written once, in the dialect both databases share: `?1` placeholders, `bigint`,
//! `text` and `bytea`/`blob` only, `insert … on conflict`. What the hot path needs beyond that, many
//! rows at once, is [`Bulk`] and [`Tx::query_many`]: a loop over a prepared statement on SQLite, one
//! statement over arrays on PostgreSQL (ADR-0003 has the measurements).
//!
//! Everything is blocking: callers are pipeline threads or run inside `spawn_blocking`. A [`Tx`] is
//! bound to one workspace: on PostgreSQL it sets the variable that row-level security checks, on
//! SQLite it is that workspace's own file.

mod bulk;
mod migrate;
mod postgres;
mod sqlite;
mod store;
mod tx;
mod value;

pub use bulk::{Bulk, Column, ColumnType};
pub use migrate::State as MigrationState;
pub use store::{Location, Pool, Store};
pub use tx::{Keys, Tx};
pub use value::{Row, Value};

/// What went wrong below.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full. The transaction was rolled back; later ones may succeed.
    #[error("the database's disk is full")]
    Full,
    /// Another transaction was in the way (deadlock, serialisation, busy). Trying again may help.
    #[error("another transaction was in the way: {0}")]
    Contention(String),
    /// A uniqueness or foreign-key rule refused the row.
    #[error("constraint: {0}")]
    Constraint(String),
    /// No connection, no memory, a shutdown, a failing disk: nobody's data is to blame.
    #[error("the database cannot work now: {0}")]
    Unavailable(String),
    /// Anything else: a defect, a broken file.
    #[error("database: {0}")]
    Other(String),
}

/// The result of a database call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Error> for kernel::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::unavailable("the database's disk is full"),
            Error::Contention(_) => Self::unavailable("the database is busy"),
            Error::Unavailable(cause) => {
                // The client is not told the cause; whoever runs the server must be.
                tracing::warn!(cause, "the database cannot work now");
                Self::unavailable("the database cannot work now")
            }
            Error::Constraint(text) => Self::conflict(text),
            Error::Other(text) => Self::Internal(text),
        }
    }
}
