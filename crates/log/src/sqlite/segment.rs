//! One segment: a SQLite database with one table, written by one connection and read by many.
//!
//! SQLite's pages have no checksum, so each row carries a CRC over its offset, time and body. A
//! row that does not match, a page that cannot be parsed and an offset that is not there are all
//! the same to a reader: a range of damaged entries.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use kernel::Instant;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::layout::{self, failed};
use crate::queue::Pending;
use crate::{Entry, Error, Offset};

/// What a new segment is made with. Large pages, because bodies are: fewer overflow pages.
const SCHEMA: &str = "
    pragma page_size = 8192;
    pragma journal_mode = wal;
    pragma synchronous = full;
    create table entry (
        offset integer primary key,
        received_us integer not null,
        crc integer not null,
        body blob not null
    ) strict;";

const INSERT: &str = "insert into entry (offset, received_us, crc, body) values (?1, ?2, ?3, ?4)";
const SELECT: &str = "select offset, received_us, crc, body from entry where offset > ?1 order by offset";

/// Pages of the write-ahead log are copied into the database after so many bytes of entries: long
/// enough to be rare, short enough to be quick and to keep recovery under a second.
const CHECKPOINT_BYTES: u64 = 16 << 20;

/// `SQLITE_IOERR_SHMSIZE`: a full disk stops the index of the write-ahead log from growing. The
/// transaction is not visible then and is rolled back like any other that found no room.
const IOERR_SHM_SIZE: i32 = 10 | 19 << 8;

/// The segment that is being written.
pub(super) struct Active {
    connection: Connection,
    /// Bytes of entries since the last checkpoint.
    unchecked_bytes: u64,
}

/// Whether a commit waits for the disk. Not waiting is for drills that must notice it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sync {
    Full,
    Off,
}

impl Active {
    /// Opens the segment that starts at `first` for writing, after making it if it is not there.
    pub(super) fn open(dir: &Path, first: u64, sync: Sync) -> Result<Self, Error> {
        let path = layout::segment_path(dir, first);
        if !path.try_exists().map_err(|e| failed("looking for a segment", e))? {
            create(dir, first, &path)?;
        }
        let opened = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        );
        let connection = opened.map_err(|e| classify("opening a segment", e))?;
        let prepare = || {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "synchronous", if sync == Sync::Full { "full" } else { "off" })?;
            connection.pragma_update(None, "cache_size", -16_384)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            // Checkpoints are called by hand: SQLite drops the errors of its own ones, and an
            // fsync that failed must not be tried again.
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
            // Recovery may wait for a reader that does the same. Nothing after it may: there is no
            // other writer, and a checkpoint that a reader holds up is done later.
            connection.busy_timeout(Duration::ZERO)
        };
        prepare().map_err(|e| classify("opening a segment", e))?;
        Ok(Self { connection, unchecked_bytes: 0 })
    }

    /// Adds entries with offsets from `first` on, in one transaction that is durable on return.
    ///
    /// After an error nothing of it is visible, and only after [`Error::Full`] may it be tried again.
    pub(super) fn append(&mut self, first: u64, batch: &[Pending]) -> Result<(), Error> {
        match self.insert(first, batch) {
            Ok(()) => {
                self.unchecked_bytes += batch.iter().map(|p| p.weight() as u64).sum::<u64>();
                Ok(())
            }
            Err(cause) => {
                let error = classify("committing entries", cause);
                if !self.connection.is_autocommit() {
                    let rolled_back = self.connection.execute_batch("rollback");
                    rolled_back.map_err(|e| Error::Failed(format!("rolling back: {e} after {error}")))?;
                }
                Err(error)
            }
        }
    }

    fn insert(&self, first: u64, batch: &[Pending]) -> rusqlite::Result<()> {
        self.connection.prepare_cached("begin immediate")?.execute([])?;
        let mut insert = self.connection.prepare_cached(INSERT)?;
        for (offset, pending) in (first..).zip(batch) {
            let sum = crc(offset, pending.received, &pending.body);
            insert.execute((offset as i64, pending.received.0, sum, &pending.body[..]))?;
        }
        self.connection.prepare_cached("commit")?.execute([])?;
        Ok(())
    }

    /// The size the segment has when everything is checkpointed.
    pub(super) fn bytes(&self) -> Result<u64, Error> {
        let pragma = |name| {
            let mut statement = self.connection.prepare_cached(name)?;
            statement.query_row([], |row| row.get::<_, i64>(0))
        };
        let size = || Ok(pragma("pragma page_count")? as u64 * pragma("pragma page_size")? as u64);
        size().map_err(|e| classify("measuring a segment", e))
    }

    /// Copies the write-ahead log into the database when it has grown.
    pub(super) fn checkpoint_when_due(&mut self) -> Result<(), Error> {
        if self.unchecked_bytes < CHECKPOINT_BYTES {
            return Ok(());
        }
        self.unchecked_bytes = 0;
        self.checkpoint("pragma wal_checkpoint(passive)").map(drop)
    }

    /// Copies the write-ahead log into the database and empties it. False if a reader or a full
    /// disk stands in the way; then it is to be tried again.
    pub(super) fn settle(&mut self) -> Result<bool, Error> {
        self.unchecked_bytes = 0;
        self.checkpoint("pragma wal_checkpoint(truncate)")
    }

    fn checkpoint(&self, pragma: &str) -> Result<bool, Error> {
        match self.connection.query_row(pragma, [], |row| row.get::<_, bool>(0)) {
            Ok(is_busy) => Ok(!is_busy),
            // The entries are durable where they are; the next checkpoint finds them.
            Err(e) => match classify("checkpointing", e) {
                Error::Full(_) | Error::Unavailable(_) => Ok(false),
                error => Err(error),
            },
        }
    }

    /// The newest offset, if there is one.
    pub(super) fn last(&self) -> Result<Option<u64>, Error> {
        last(&self.connection)
    }
}

/// Whether a segment is still written to, which decides what a reader needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// The newest one: readers take part in SQLite's locking.
    Active,
    /// There is a newer one, so this one never changes again.
    Sealed,
}

/// A connection that only reads; `None` if the segment is gone.
pub(super) fn reader(dir: &Path, first: u64, phase: Phase) -> Result<Option<Connection>, Error> {
    let path = layout::segment_path(dir, first);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        // A settled segment is opened without the shared-memory file, which could not be made on
        // a full disk: reading goes on there.
        let connection = if phase == Phase::Sealed && wal_is_empty(&path) {
            Connection::open_with_flags(immutable_uri(&path), flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(&path, flags)?
        };
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    };
    match open() {
        Ok(connection) => Ok(Some(connection)),
        Err(rusqlite::Error::SqliteFailure(e, _)) if e.code == ErrorCode::CannotOpen => {
            match path.try_exists() {
                Ok(false) => Ok(None),
                _ => Err(Error::Unavailable(format!("opening a segment: {e}"))),
            }
        }
        Err(e) => Err(classify("opening a segment", e)),
    }
}

/// Whether everything in the segment is in the database itself.
pub(super) fn wal_is_empty(path: &Path) -> bool {
    let wal = companions(path).next().expect("-wal is the first");
    match fs::metadata(wal) {
        Ok(meta) => meta.len() == 0,
        Err(e) => e.kind() == ErrorKind::NotFound,
    }
}

/// Fsyncs what a killed process may have committed and not waited for. The write-ahead log is the
/// one file of a segment that may be opened beside SQLite: there are no locks on it.
pub(super) fn sync_wal(path: &Path) -> Result<(), Error> {
    let wal = companions(path).next().expect("-wal is the first");
    match File::open(wal).and_then(|file| file.sync_all()) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(failed("fsyncing a write-ahead log", e)),
        _ => Ok(()),
    }
}

/// The name under which SQLite takes a file's word that nobody changes it.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

/// How much more a read may return.
pub(super) struct Budget {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// Why reading a segment stopped.
pub(super) enum Stop {
    /// There are no more rows; the next offset would be this one.
    End(u64),
    /// The budget is used up.
    Budget,
    /// Entries cannot be read.
    Damage(Damage),
}

/// What is wrong with a segment.
pub(super) struct Damage {
    /// The first offset that cannot be read.
    pub(super) from: u64,
    /// The last one, unless nobody knows.
    pub(super) to: Option<u64>,
    pub(super) reason: String,
}

/// Reads entries from `expected` on into `out`. The offsets of a segment have no gaps.
pub(super) fn read(
    connection: &Connection,
    mut expected: u64,
    budget: &mut Budget,
    out: &mut Vec<Entry>,
) -> Result<Stop, Error> {
    let stop = |expected, e| match classify("reading entries", e) {
        Error::Corrupt { reason, .. } => Ok(Stop::Damage(Damage { from: expected, to: None, reason })),
        error => Err(error),
    };
    let mut select = match connection.prepare_cached(SELECT) {
        Ok(select) => select,
        Err(e) => return stop(expected, e),
    };
    let mut rows = match select.query([expected as i64 - 1]) {
        Ok(rows) => rows,
        Err(e) => return stop(expected, e),
    };
    loop {
        if budget.entries == 0 {
            return Ok(Stop::Budget);
        }
        let entry = match rows.next().and_then(|row| row.map(entry).transpose()) {
            Ok(Some(Some(entry))) if entry.offset.0 == expected => entry,
            Ok(Some(Some(entry))) => {
                let reason = format!("the next entry is {}", entry.offset);
                return Ok(Stop::Damage(Damage { from: expected, to: Some(entry.offset.0 - 1), reason }));
            }
            Ok(Some(None)) => {
                let reason = "the checksum does not match".into();
                return Ok(Stop::Damage(Damage { from: expected, to: Some(expected), reason }));
            }
            Ok(None) => return Ok(Stop::End(expected)),
            Err(e) => return stop(expected, e),
        };
        if !out.is_empty() && entry.body.len() > budget.bytes {
            return Ok(Stop::Budget);
        }
        budget.entries -= 1;
        budget.bytes = budget.bytes.saturating_sub(entry.body.len());
        expected += 1;
        out.push(entry);
    }
}

/// The row's entry, or `None` if its checksum does not match.
fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Entry>> {
    let (offset, received): (i64, i64) = (row.get(0)?, row.get(1)?);
    let (sum, body): (i64, _) = (row.get(2)?, row.get_ref(3)?);
    let Ok(body) = body.as_blob() else { return Ok(None) };
    let (offset, received) = (offset as u64, Instant(received));
    Ok((i64::from(crc(offset, received, body)) == sum).then(|| Entry {
        offset: Offset(offset),
        received,
        body: Bytes::copy_from_slice(body),
    }))
}

/// The newest offset of a segment, if it has one.
pub(super) fn last(connection: &Connection) -> Result<Option<u64>, Error> {
    let newest = connection
        .prepare_cached("select max(offset) from entry")
        .and_then(|mut select| select.query_row([], |row| row.get::<_, Option<i64>>(0)));
    newest.map(|offset| offset.map(|o| o as u64)).map_err(|e| classify("looking for the newest entry", e))
}

/// The files SQLite keeps beside a database.
pub(super) fn companions(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["-wal", "-shm", "-journal"].into_iter().map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Builds an empty segment under another name and gives it its own when it is complete and durable.
fn create(dir: &Path, first: u64, path: &Path) -> Result<(), Error> {
    let new = dir.join(format!("{first:020}.tmp"));
    for left_over in std::iter::once(new.clone()).chain(companions(&new)) {
        let _ = fs::remove_file(left_over);
    }
    let build = || {
        let connection = Connection::open(&new)?;
        connection.execute_batch(SCHEMA)?;
        connection.close().map_err(|(_, e)| e)
    };
    build().map_err(|e| classify("making a segment", e))?;
    let name = || {
        File::open(&new)?.sync_all()?;
        fs::rename(&new, path)
    };
    name().map_err(|e| failed("making a segment", e))?;
    layout::sync(dir)
}

/// Covers the offset too, so that a row in another's place is noticed.
fn crc(offset: u64, received: Instant, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(&received.0.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// What SQLite's errors mean to a log. The range of a `Corrupt` is for the caller to fill in.
pub(super) fn classify(what: &str, e: rusqlite::Error) -> Error {
    let text = format!("{what}: {e}");
    let corrupt = |reason| Error::Corrupt { from: Offset(0), to: Offset(0), reason };
    match e {
        rusqlite::Error::SqliteFailure(e, _) if e.extended_code == IOERR_SHM_SIZE => Error::Full(text),
        rusqlite::Error::SqliteFailure(e, _) => match e.code {
            ErrorCode::DiskFull => Error::Full(text),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => corrupt(text),
            // A file that cannot be opened lost nothing: there may be no inode or no descriptor left.
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen => {
                Error::Unavailable(text)
            }
            // The schema is ours, so a statement that does not compile is a damaged schema page.
            ErrorCode::Unknown | ErrorCode::SchemaChanged => corrupt(text),
            _ => Error::Failed(text),
        },
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => corrupt(text),
        _ => Error::Failed(text),
    }
}
