//! A log in a NATS JetStream stream: for collectors and workers on several machines.
//!
//! The stream has file storage and refuses new messages when full. The server must acknowledge
//! only what it fsynced – `jetstream { sync_interval: always }` – and take large messages –
//! `max_payload: 10MB`. Since such a server fsyncs every message, entries that wait are packed into
//! one. An offset is the message's sequence and the entry's place in it.
//!
//! A server that lost its disk comes back with an empty stream and small sequences. Three things
//! tell: the incarnation (our id in the stream's metadata, and its creation time), an
//! acknowledgement that does not continue the sequence, and a head before what was read.

mod pack;
mod publish;
mod read;
mod stream;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kernel::Instant;
use kernel::id::IdSource;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::queue::Queue;
use crate::{Entry, Error, Log, Offset};

/// Bits of an offset that count entries inside a message. A message of 512 KiB has at most 8,192.
const INDEX_BITS: u32 = 20;
const INDEX_MAX: u64 = (1 << INDEX_BITS) - 1;

fn offset(sequence: u64, index: u64) -> u64 {
    sequence << INDEX_BITS | index
}

fn sequence(offset: u64) -> u64 {
    offset >> INDEX_BITS
}

fn index(offset: u64) -> u64 {
    offset & INDEX_MAX
}

/// How a [`NatsLog`] is kept.
#[derive(Clone)]
pub struct Options {
    /// Copies of the stream in the cluster, if it is made now: 3 in production.
    pub replicas: usize,
    /// Size at which the stream refuses entries, if it is made now.
    pub stream_bytes_max: Option<u64>,
    /// Entries that may wait to be published; more are refused with [`Error::Full`].
    pub queue_bytes: usize,
    /// Entries of one message. A larger entry travels alone.
    pub message_bytes: usize,
    /// Messages that wait for their acknowledgement at a time.
    pub in_flight: usize,
    /// How long one acknowledgement, connection or answer is waited for.
    pub ack_timeout: Duration,
    /// How long an append is tried before it is [`Error::Unavailable`].
    pub patience: Duration,
    /// The first pause before a message is sent again; it doubles.
    pub retry_delay_min: Duration,
    /// Names a new stream, and this writer.
    pub ids: Arc<dyn IdSource>,
}

impl Options {
    /// One replica, no size limit, messages of 512 KiB of which 8 are in flight.
    pub fn new(ids: Arc<dyn IdSource>) -> Self {
        Self {
            replicas: 1,
            stream_bytes_max: None,
            queue_bytes: 64 << 20,
            message_bytes: 512 << 10,
            in_flight: 8,
            ack_timeout: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            retry_delay_min: Duration::from_millis(50),
            ids,
        }
    }

    /// How long the server remembers message ids: longer than any message is retried.
    fn duplicate_window(&self) -> Duration {
        Duration::from_secs(120).max(self.patience * 2)
    }
}

/// See the [module](self).
pub struct NatsLog {
    /// Its own, so that blocking calls work from any thread.
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    /// Its sender ends with the publisher.
    stopped: watch::Receiver<()>,
}

struct Shared {
    context: jetstream::Context,
    stream: jetstream::stream::Stream,
    name: String,
    incarnation: [u8; 16],
    queue: Queue,
    head: watch::Sender<u64>,
    commits: AtomicU64,
    /// Sequence and number of entries of the message read last: what to ask for next.
    last_read: Mutex<(u64, u64)>,
}

impl Shared {
    /// Moves the head forward, never back: acknowledgements may overtake each other.
    fn raise(&self, head: u64) {
        self.head.send_if_modified(|h| {
            let is_higher = head > *h;
            *h = head.max(*h);
            is_higher
        });
    }

    fn note_count(&self, sequence: u64, count: u64) {
        *self.last_read.lock() = (sequence, count);
    }

    /// The first message that may have entries after `after`.
    fn first_sequence_after(&self, after: u64) -> u64 {
        let (read, count) = *self.last_read.lock();
        let is_last_of_read = read == sequence(after) && index(after) + 1 == count;
        // The end of a range reported as damaged; a reader may decide to go on behind it.
        let is_last_of_any = index(after) == INDEX_MAX;
        (sequence(after) + u64::from(is_last_of_read || is_last_of_any)).max(1)
    }
}

impl NatsLog {
    /// Opens the stream `name` at `url`, making it if there is none. Blocks until it is reached.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the server does not answer; [`Error::Failed`] if it is too old or
    /// a setting of server or stream would lose entries.
    pub fn open(url: &str, name: &str, options: Options) -> Result<Self, Error> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("log-nats").enable_all().build();
        let runtime = runtime.map_err(|e| Error::Failed(format!("starting a runtime: {e}")))?;
        let (url, name) = (url.to_owned(), name.to_owned());
        let opening = async move {
            let opened = stream::open(&url, &name, &options).await?;
            let (queue, batches) = Queue::new(options.queue_bytes);
            let shared = Arc::new(Shared {
                context: opened.context,
                stream: opened.stream,
                name,
                incarnation: opened.incarnation,
                queue,
                head: watch::Sender::new(0),
                commits: AtomicU64::new(0),
                last_read: Mutex::new((0, 0)),
            });
            read::poll(&shared).await?;
            let (ends_with_publisher, stopped) = watch::channel(());
            let publishing = publish::run(shared.clone(), batches, options);
            tokio::spawn(publishing.map(move |()| drop(ends_with_publisher)));
            Ok((shared, stopped))
        };
        match wait(&runtime, opening) {
            Ok((shared, stopped)) => Ok(Self { runtime: Some(runtime), shared, stopped }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Messages acknowledged since the log was opened. Entries per message is the group's size.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Runs a task on the log's own runtime and blocks until it is done.
    fn run<T, F, Fut>(&self, task: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Shared>) -> Fut,
        Fut: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let runtime = self.runtime.as_ref().expect("only dropping takes it");
        wait(runtime, task(self.shared.clone()))
    }
}

/// Blocks this thread, whether or not it belongs to a runtime of its own.
fn wait<T: Send + 'static>(
    runtime: &Runtime,
    task: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    runtime.spawn(async move {
        let _ = sender.send(task.await);
    });
    receiver.recv().unwrap_or_else(|_| Err(Error::Failed("a task of the log panicked".into())))
}

impl Log for NatsLog {
    fn append(&self, received: Instant, body: Bytes) -> BoxFuture<'_, Result<Offset, Error>> {
        let admitted = self.shared.queue.push(received, body);
        async move {
            let stopped = |_| Err(Error::Failed("the publisher has stopped".into()));
            admitted?.await.unwrap_or_else(stopped)
        }
        .boxed()
    }

    fn read(&self, after: Offset, entries_max: usize, bytes_max: usize) -> Result<Vec<Entry>, Error> {
        self.run(|shared| async move { read::read(&shared, after, entries_max, bytes_max).await })
    }

    fn first(&self) -> Result<Offset, Error> {
        self.run(|shared| async move {
            let (first, _) = stream::bounds(&shared.stream, shared.incarnation).await?;
            Ok(Offset(offset(first.max(1), 0)))
        })
    }

    fn head(&self) -> Result<Offset, Error> {
        Ok(Offset(*self.shared.head.borrow()))
    }

    fn poll(&self) -> Result<Offset, Error> {
        self.run(|shared| async move { read::poll(&shared).await.map(Offset) })
    }

    fn appended(&self) -> watch::Receiver<u64> {
        self.shared.head.subscribe()
    }

    fn trim(&self, before: Offset) -> Result<(), Error> {
        self.run(move |shared| async move {
            // The newest message stays: its number of entries is part of the head.
            let (_, last) = stream::bounds(&shared.stream, shared.incarnation).await?;
            let kept = sequence(before.0).min(last);
            if kept <= 1 {
                return Ok(());
            }
            let purged = shared.stream.purge().sequence(kept).await;
            purged.map(drop).map_err(|e| Error::Unavailable(format!("trimming the stream: {e}")))
        })
    }

    fn incarnation(&self) -> [u8; 16] {
        self.shared.incarnation
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.shared.queue.close();
        let mut stopped = self.stopped.clone();
        async move {
            // Never sent to: the wait ends when the publisher drops its end.
            let _ = stopped.changed().await;
            self.shared.queue.failure().map_or(Ok(()), Err)
        }
        .boxed()
    }
}

impl Drop for NatsLog {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(runtime) = self.runtime.take() {
            // Appends still in flight are not waited for; `close` does that.
            runtime.shutdown_background();
        }
    }
}
