//! The event log: one durable, ordered, append-only sequence of entries per workspace partition.
//!
//! A log knows bytes and offsets and nothing about events. Its one promise: an append that resolved
//! with an offset is fsynced (or acknowledged by a replicated log that fsyncs first) and will be
//! read back, in order, by every reader, until it is trimmed. What it cannot keep it reports – a
//! damaged or missing entry is an error that names the offsets, never a gap in what a reader gets.
//!
//! Two implementations behind one trait: [`SqliteLog`] for one machine, [`NatsLog`] for many.
//!
//! ```
//! use bytes::Bytes;
//! use log::{Log, Offset, SqliteLog, sqlite::Options};
//! # use headwater_log as log;
//! # use std::sync::{Arc, atomic::{AtomicU8, Ordering}};
//! # struct Noon;
//! # impl kernel::time::Clock for Noon { fn now(&self) -> kernel::Instant { kernel::Instant(0) } }
//! # struct Ids(AtomicU8);
//! # impl kernel::id::IdSource for Ids {
//! #     fn fresh(&self) -> [u8; 16] { [self.0.fetch_add(1, Ordering::Relaxed); 16] }
//! #     fn secret(&self) -> [u8; 32] { unreachable!() }
//! # }
//! # let (clock, ids) = (Arc::new(Noon), Arc::new(Ids(AtomicU8::new(0))));
//! # let dir = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let log = SqliteLog::open(dir.path(), Options { reserve_bytes: 0, ..Options::new(clock, ids) })?;
//! let offset = log.append(kernel::Instant::from_millis(1), Bytes::from_static(b"hello")).await?;
//! assert_eq!(offset, Offset(1));
//!
//! let entries = log.read(Offset::START, 100, 1 << 20)?;
//! assert_eq!(entries[0].body, "hello");
//! log.close().await?;
//! # Ok::<(), log::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
pub mod nats;
mod queue;
pub mod sqlite;

pub use error::Error;
pub use nats::NatsLog;
pub use sqlite::SqliteLog;

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use kernel::Instant;
use tokio::sync::watch;

/// The largest body of an entry: a request body of the largest size, and what frames it.
pub const ENTRY_BYTES_MAX: usize = kernel::limits::BODY_BYTES_MAX + (1 << 20);

/// The place of an entry in its log. Offsets only grow; they need not be consecutive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// Before every entry: where a new reader starts.
    pub const START: Self = Self(0);
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One entry as it was appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place.
    pub offset: Offset,
    /// When it was received, as its writer said.
    pub received: Instant,
    /// Its bytes.
    pub body: Bytes,
}

/// One ordered, durable, append-only sequence of entries.
///
/// Everything but [`append`](Log::append) and [`close`](Log::close) may block on a disk or a
/// network for milliseconds: call it from a thread that may wait.
pub trait Log: Send + Sync {
    /// Adds an entry and resolves when it is durable.
    ///
    /// The entry takes its place in the queue at the call, before the first poll. Dropping the
    /// future does not take it back.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] and [`Error::Unavailable`] pass: answer "later". After `Full` the entry is
    /// not in the log; after `Unavailable` it may be, so what is sent again must be recognisable.
    /// [`Error::Failed`] is for good: the process should exit and let recovery decide.
    fn append(&self, received: Instant, body: Bytes) -> BoxFuture<'_, Result<Offset, Error>>;

    /// The entries after `after`, at most `entries_max` and about `bytes_max` bytes of bodies. The
    /// first one is returned whatever its size, so that a reader always gets on.
    ///
    /// Reading from before [`first`](Log::first) starts there.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] names offsets that cannot be read; entries before them are returned by
    /// the calls before. [`Error::Regressed`] says the log ends before `after`.
    fn read(&self, after: Offset, entries_max: usize, bytes_max: usize) -> Result<Vec<Entry>, Error>;

    /// The offset of the oldest entry, or a lower bound of the next one if there is none.
    fn first(&self) -> Result<Offset, Error>;

    /// The offset of the newest durable entry this handle knows of; 0 if there was none yet.
    fn head(&self) -> Result<Offset, Error>;

    /// Looks at the disk or the server for entries of other processes, tells
    /// [`appended`](Log::appended) and returns the head.
    fn poll(&self) -> Result<Offset, Error>;

    /// Changes whenever the head does. Appends of this process show by themselves, those of others
    /// at a [`poll`](Log::poll).
    fn appended(&self) -> watch::Receiver<u64>;

    /// Gives entries before `before` back to the disk, as far as whole segments allow. Entries at
    /// or after it stay, and so does the newest segment.
    fn trim(&self, before: Offset) -> Result<(), Error>;

    /// Names this sequence of entries. Keep it beside a stored offset: if it changed, the log was
    /// lost and offsets mean something else.
    fn incarnation(&self) -> [u8; 16];

    /// Takes no more entries, writes what was admitted, and releases the log. Reading goes on.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}
