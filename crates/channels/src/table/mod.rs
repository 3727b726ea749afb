//! Tables of databases: a row for each ledger and party, changed where something changed.
//!
//! The key is (`ledger`, `party_id`). A row carries the place in the ledger it is as of (`seq`), and nothing
//! older goes over something newer, so that what is sent twice, or late, changes nothing. Changes that leave
//! together are one transaction, all or none.

mod mysql;
mod postgres;
mod rows;
mod write;

use std::fmt;

use kernel::{Failure, Instant};

use crate::{Attempt, Channel, Message, Topic};

pub use mysql::MySql;
pub use postgres::Postgres;

/// A table of a database.
#[async_trait::async_trait]
pub trait Table: Channel {
    /// Writes parties of a list that was taken at the messages' place. `no` is the list's own number, which
    /// the rows carry from then on.
    async fn list(&self, no: u64, messages: &[Message]) -> Vec<Attempt>;

    /// Takes away who is in the table and not on a list that was written whole, unless the row is as of
    /// something after `seq`.
    async fn sweep(&self, topic: &Topic, seq: u64, no: u64) -> Attempt;
}

/// Where a table is, and what its rows hold.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The host, a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who we are there.
    pub user: String,
    /// The table.
    pub table: TableName,
    /// The columns of the fields.
    pub fields: Vec<String>,
    /// What becomes of a row whose party left.
    pub on_exit: OnExit,
    /// How the connection is kept from others' eyes.
    pub tls: Tls,
}

/// What becomes of a row whose party left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExit {
    /// It is deleted.
    Delete,
    /// It stays with `is_present` false, its fields emptied.
    Mark,
}

/// How a connection is kept from others' eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// TLS with a certificate of an authority that the machine trusts, or of these (PEM).
    Required(Option<String>),
    /// None, which is for networks that the installation allows by name.
    Off,
}

/// The name of a table, with its schema if one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName(Vec<String>);

impl TableName {
    /// Reads `table` or `schema.table`: letters and digits of ASCII and `_`, each part at most 63 and not
    /// beginning with a digit.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for `field` that says so.
    pub fn parse(field: &str, text: &str) -> kernel::Result<Self> {
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        let is_plain = |part: &String| {
            part.len() <= 63
                && part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if parts.len() <= 2 && parts.iter().all(is_plain) {
            return Ok(Self(parts));
        }
        Err(Failure::invalid(field, "`table` or `schema.table`, of letters, digits and `_`"))
    }

    /// The name in a statement, between `quote`s.
    pub(crate) fn quoted(&self, quote: char) -> String {
        let parts: Vec<String> = self.0.iter().map(|part| format!("{quote}{part}{quote}")).collect();
        parts.join(".")
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// An instant as databases read it.
fn moment(at: Instant) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests;
