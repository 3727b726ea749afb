//! The rows callers hand over, in plain Rust types: no Arrow type crosses the crate's border.

use std::sync::Arc;

use kernel::{Instant, Key, NodeNo, PartyNo};

/// One event as the pipeline knows it after its commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose it is at the time of writing.
    pub party: PartyNo,
    /// The identifier it arrived with: what it belongs to for good.
    pub node: NodeNo,
    /// When it happened.
    pub time: Instant,
    /// Its name among all events; breaks ties of time.
    pub key: Key,
    /// What happened.
    pub event: Arc<str>,
    /// Channel, if the sender said one.
    pub channel: Option<Arc<str>>,
    /// The source it came through.
    pub source: Arc<str>,
    /// What was around it (campaign, page, device) as one JSON object, empty for nothing. Rules reach it
    /// by paths that begin with `context.`.
    pub context: Box<str>,
    /// All properties as one JSON object. Hot columns are copied out of it by the lake.
    pub properties: Box<str>,
}

impl Event {
    /// Roughly the bytes it occupies in a buffer.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.context.len() + self.properties.len()
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 32-bit integer, for dense numbers.
    Small,
    /// Exact decimal with 4 fraction digits and 18 digits in all.
    Decimal,
    /// Truth value.
    Boolean,
    /// An instant, microseconds, UTC.
    Time,
    /// Bytes.
    Bytes,
}

/// Fraction digits of [`Kind::Decimal`].
pub const DECIMAL_SCALE: u8 = 4;

/// A column: its name and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name; for a hot column of `events`, the name of the top-level property it is copied from.
    pub name: String,
    /// Type.
    pub kind: Kind,
}

impl Column {
    /// A column called `name`.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind }
    }
}

/// One value of a row, on the way in and in the answer of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// Text; in answers also whatever has no plainer form, as JSON-like text.
    Text(String),
    /// Integer of any width.
    Integer(i64),
    /// Exact decimal as its text.
    Decimal(String),
    /// Floating point, as averages are.
    Real(f64),
    /// Truth value.
    Boolean(bool),
    /// An instant.
    Time(Instant),
    /// Bytes.
    Bytes(Vec<u8>),
}
