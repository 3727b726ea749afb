//! A log of SQLite segment files: for one machine, with nothing to operate.
//!
//! A segment is one SQLite database in WAL mode with `synchronous = full` and a single table. One
//! thread drains a queue bounded by bytes into one transaction after another; the time of an fsync
//! forms the next batch. Segments are rotated by size and trimmed as a whole.
//!
//! One process appends ([`SqliteLog::open`]); any number read ([`SqliteLog::open_reader`]). Never
//! open or copy a segment file by other means than SQLite inside a process that has the log open:
//! closing such a file drops SQLite's locks.

mod layout;
mod readers;
mod repair;
mod reserve;
mod segment;
mod writer;

pub use repair::{Damage, repair, verify};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kernel::Instant;
use kernel::id::IdSource;
use kernel::time::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::layout::{Layout, Mark, Meta, failed};
use self::readers::{Readers, refuse_regression};
use self::reserve::Reserve;
use self::writer::Writer;
use crate::queue::{Answer, Batches, Queue};
use crate::{Entry, Error, Log, Offset};

/// How a [`SqliteLog`] is kept.
#[derive(Clone)]
pub struct Options {
    /// A segment that has grown to this size is followed by a new one.
    pub segment_bytes: u64,
    /// Entries that may wait to be written; more are refused with [`Error::Full`].
    pub queue_bytes: usize,
    /// Entries of one transaction.
    pub commit_bytes: usize,
    /// Free disk space below which nothing is admitted; 0 turns the check off.
    pub reserve_bytes: u64,
    /// Tells how old a look at the free disk space is.
    pub clock: Arc<dyn Clock>,
    /// Names a new log.
    pub ids: Arc<dyn IdSource>,
    /// A defect built in on purpose, for drills that must find it.
    pub sabotage: Option<Sabotage>,
}

impl Options {
    /// The usual sizes: segments of 256 MiB, a queue of 64 MiB, commits of 4 MiB, and a reserve
    /// that holds one more segment and a full queue.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        let (segment_bytes, queue_bytes) = (256 << 20, 64 << 20);
        Self {
            segment_bytes,
            queue_bytes,
            commit_bytes: 4 << 20,
            reserve_bytes: segment_bytes + queue_bytes as u64,
            clock,
            ids,
            sabotage: None,
        }
    }
}

/// Ways to break the promise of durability. A drill that passes with one of them proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// Commits without waiting for the disk: loses entries when the power is cut.
    NoFsync,
    /// Acknowledges entries before they are written: loses them when the process is killed.
    AckBeforeAppend,
}

/// See the [module](self).
pub struct SqliteLog {
    dir: PathBuf,
    incarnation: [u8; 16],
    readers: Readers,
    head: Arc<watch::Sender<u64>>,
    appender: Option<Appender>,
}

/// What only the handle has that appends.
struct Appender {
    queue: Arc<Queue>,
    reserve: Reserve,
    commits: Arc<AtomicU64>,
    trimming: Mutex<()>,
    /// Its sender ends with the writer.
    stopped: watch::Receiver<()>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteLog {
    /// Opens the log in `dir` for appending, making it if there is none.
    ///
    /// After an unclean stop every entry of the newest segment is checked first.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if another process appends to it; [`Error::Corrupt`] if entries that
    /// were durable are not there any more (see [`repair`]).
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let dir = dir.as_ref();
        make_durable_dir(dir)?;
        let lock = layout::lock(dir)?;
        let (layout, active, head) = repair::recover(dir, &options)?;
        let mark = Mark::open(dir)?;
        mark.write(head);

        let (queue, batches) = Queue::new(options.queue_bytes);
        let queue = Arc::new(queue);
        let head = Arc::new(watch::Sender::new(head));
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            dir: dir.into(),
            segment_bytes: options.segment_bytes,
            commit_bytes: options.commit_bytes,
            sabotage: options.sabotage,
            queue: queue.clone(),
            head: head.clone(),
            commits: commits.clone(),
            active,
            mark,
            unsettled: Vec::new(),
            owed: Vec::new(),
            _lock: lock,
        };
        let (stopped, writer) = spawn(writer, batches)?;
        let appender = Appender {
            queue,
            reserve: Reserve::new(dir, options.reserve_bytes, options.clock),
            commits,
            trimming: Mutex::new(()),
            stopped,
            writer: Mutex::new(Some(writer)),
        };
        let incarnation = layout.meta.incarnation;
        let readers = Readers::new(dir, layout);
        Ok(Self { dir: dir.into(), incarnation, readers, head, appender: Some(appender) })
    }

    /// Opens a log that another process appends to. Call [`poll`](Log::poll) to learn of new entries.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if there is no log in `dir` yet.
    pub fn open_reader(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let layout = Layout::load(dir)?;
        let layout = layout.ok_or_else(|| Error::Unavailable(format!("no log in {}", dir.display())))?;
        let incarnation = layout.meta.incarnation;
        let readers = Readers::new(dir, layout);
        let head = Arc::new(watch::Sender::new(readers.head()?));
        Ok(Self { dir: dir.into(), incarnation, readers, head, appender: None })
    }

    /// Transactions committed since the log was opened. Entries per commit is the group's size.
    pub fn commits(&self) -> u64 {
        self.appender.as_ref().map_or(0, |a| a.commits.load(Ordering::Relaxed))
    }

    fn admit(&self, received: Instant, body: Bytes) -> Result<Answer, Error> {
        let appender = self.appender.as_ref().ok_or(Error::ReadOnly)?;
        appender.reserve.admit(body.len())?;
        appender.queue.push(received, body)
    }
}

impl Log for SqliteLog {
    fn append(&self, received: Instant, body: Bytes) -> BoxFuture<'_, Result<Offset, Error>> {
        let admitted = self.admit(received, body);
        async move {
            let stopped = |_| Err(Error::Failed("the writer has stopped".into()));
            admitted?.await.unwrap_or_else(stopped)
        }
        .boxed()
    }

    fn read(&self, after: Offset, entries_max: usize, bytes_max: usize) -> Result<Vec<Entry>, Error> {
        self.readers.read(after, entries_max, bytes_max)
    }

    fn first(&self) -> Result<Offset, Error> {
        self.readers.first().map(Offset)
    }

    fn head(&self) -> Result<Offset, Error> {
        Ok(Offset(*self.head.borrow()))
    }

    fn poll(&self) -> Result<Offset, Error> {
        if self.appender.is_some() {
            return self.head();
        }
        let known = *self.head.borrow();
        let head = self.readers.head()?;
        refuse_regression(Offset(known), head)?;
        self.head.send_if_modified(|h| std::mem::replace(h, head) != head);
        Ok(Offset(head))
    }

    fn appended(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn trim(&self, before: Offset) -> Result<(), Error> {
        let appender = self.appender.as_ref().ok_or(Error::ReadOnly)?;
        let _one_at_a_time = appender.trimming.lock();
        let Layout { segments, mut meta } = self.readers.refresh()?;
        // A segment ends where the next one starts.
        let kept = segments.iter().rposition(|first| *first <= before.0).unwrap_or(0);
        if kept == 0 {
            return Ok(());
        }
        meta.first = segments[kept];
        meta.set_aside.retain(|(_, to)| *to >= meta.first);
        meta.save(&self.dir)?;
        self.readers.refresh()?;
        segments[..kept].iter().try_for_each(|first| layout::segment_remove(&self.dir, *first))
    }

    fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        let Some(appender) = &self.appender else { return async { Ok(()) }.boxed() };
        appender.queue.close();
        let mut stopped = appender.stopped.clone();
        async move {
            // Never sent to: the wait ends when the writer drops its end.
            let _ = stopped.changed().await;
            appender.queue.failure().map_or(Ok(()), Err)
        }
        .boxed()
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        let Some(appender) = &self.appender else { return };
        appender.queue.close();
        if let Some(writer) = appender.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the log had panicked");
        }
    }
}

fn spawn(writer: Writer, batches: Batches) -> Result<(watch::Receiver<()>, JoinHandle<()>), Error> {
    let (ends_with_writer, stopped) = watch::channel(());
    let run = move || {
        // Declared first, dropped last: the lock is free when `close` returns.
        let _ends_with_writer = ends_with_writer;
        writer.run(batches);
    };
    let thread = std::thread::Builder::new().name("log-writer".into()).spawn(run);
    Ok((stopped, thread.map_err(|e| failed("starting the writer of the log", e))?))
}

/// Makes `dir` and its name durable.
fn make_durable_dir(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|e| failed("making the directory of the log", e))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => layout::sync(parent),
        _ => Ok(()),
    }
}

/// What a log is before its first entry.
fn make(dir: &Path, options: &Options) -> Result<Layout, Error> {
    let meta = Meta::new(options.ids.fresh());
    meta.save(dir)?;
    Ok(Layout { segments: Vec::new(), meta })
}
