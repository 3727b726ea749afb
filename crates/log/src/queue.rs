//! The queue between many appenders and the one that writes: bounded by bytes, first in first out.
//!
//! A batch is whatever waits when the writer comes back from its last one, so the time of a commit
//! forms the batch and no timer is needed. The bound counts an entry until it is answered, so it
//! limits memory, not only the backlog.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use kernel::Instant;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{ENTRY_BYTES_MAX, Error, Offset};

/// What an entry costs beside its body: its place in the queue and its row. Without it, empty
/// bodies would pass every bound.
const ENTRY_OVERHEAD_BYTES: usize = 64;

pub(crate) type Answer = oneshot::Receiver<Result<Offset, Error>>;

/// The appenders' end.
pub(crate) struct Queue {
    door: Mutex<Door>,
    held_bytes: Arc<AtomicUsize>,
    held_bytes_max: usize,
}

enum Door {
    Open(mpsc::UnboundedSender<Pending>),
    Closed,
    Failed(String),
}

/// An entry that waits to become durable.
pub(crate) struct Pending {
    pub(crate) received: Instant,
    pub(crate) body: Bytes,
    done: Option<oneshot::Sender<Result<Offset, Error>>>,
    held_bytes: Arc<AtomicUsize>,
}

/// The writer's end.
pub(crate) struct Batches {
    entries: mpsc::UnboundedReceiver<Pending>,
    /// Taken, but too much for the last batch.
    left_over: Option<Pending>,
}

impl Queue {
    pub(crate) fn new(held_bytes_max: usize) -> (Self, Batches) {
        let (sender, entries) = mpsc::unbounded_channel();
        let door = Mutex::new(Door::Open(sender));
        (Self { door, held_bytes: Arc::default(), held_bytes_max }, Batches { entries, left_over: None })
    }

    /// Puts an entry in the queue.
    pub(crate) fn push(&self, received: Instant, body: Bytes) -> Result<Answer, Error> {
        if body.len() > ENTRY_BYTES_MAX {
            return Err(Error::TooLarge { bytes: body.len(), max: ENTRY_BYTES_MAX });
        }
        let door = self.door.lock();
        let sender = match &*door {
            Door::Open(sender) => sender,
            Door::Closed => return Err(Error::Closed),
            Door::Failed(cause) => return Err(Error::Failed(cause.clone())),
        };
        // An empty queue takes anything, or a small bound would refuse a large entry for ever.
        let held = self.held_bytes.load(Ordering::Acquire);
        if held > 0 && held + body.len() + ENTRY_OVERHEAD_BYTES > self.held_bytes_max {
            return Err(Error::Full(format!("{held} bytes wait to be written")));
        }
        let (done, answer) = oneshot::channel();
        let pending = Pending { received, body, done: Some(done), held_bytes: self.held_bytes.clone() };
        self.held_bytes.fetch_add(pending.weight(), Ordering::AcqRel);
        match sender.send(pending) {
            Ok(()) => Ok(answer),
            Err(_) => Err(Error::Failed("the writer has stopped".into())),
        }
    }

    /// Admits nothing more. What is in the queue is still written.
    pub(crate) fn close(&self) {
        let mut door = self.door.lock();
        if matches!(*door, Door::Open(_)) {
            *door = Door::Closed;
        }
    }

    /// Admits nothing more and says why, for good.
    pub(crate) fn fail(&self, cause: String) {
        *self.door.lock() = Door::Failed(cause);
    }

    /// Why the log failed, if it did.
    pub(crate) fn failure(&self) -> Option<Error> {
        match &*self.door.lock() {
            Door::Failed(cause) => Some(Error::Failed(cause.clone())),
            Door::Open(_) | Door::Closed => None,
        }
    }
}

impl Pending {
    pub(crate) fn weight(&self) -> usize {
        self.body.len() + ENTRY_OVERHEAD_BYTES
    }

    /// Tells the appender, once. One that went away does not mind. Whoever hears of it finds its room free.
    pub(crate) fn answer(&mut self, result: Result<Offset, Error>) {
        if let Some(done) = self.done.take() {
            self.give_back();
            let _ = done.send(result);
        }
    }

    fn give_back(&self) {
        self.held_bytes.fetch_sub(self.weight(), Ordering::AcqRel);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // An answered one has given its room back already.
        if self.done.is_some() {
            self.give_back();
        }
    }
}

impl Batches {
    /// Waits for entries and takes up to `bytes_max` of them; `None` when the queue is closed and empty.
    pub(crate) fn next_blocking(&mut self, bytes_max: usize) -> Option<Vec<Pending>> {
        let first = self.left_over.take().or_else(|| self.entries.blocking_recv())?;
        Some(self.fill(first, bytes_max))
    }

    /// [`next_blocking`](Self::next_blocking) for a task.
    pub(crate) async fn next(&mut self, bytes_max: usize) -> Option<Vec<Pending>> {
        let first = match self.left_over.take() {
            Some(pending) => pending,
            None => self.entries.recv().await?,
        };
        Some(self.fill(first, bytes_max))
    }

    fn fill(&mut self, first: Pending, bytes_max: usize) -> Vec<Pending> {
        let mut bytes = first.weight();
        let mut batch = vec![first];
        while let Ok(pending) = self.entries.try_recv() {
            bytes += pending.weight();
            if bytes > bytes_max {
                self.left_over = Some(pending);
                break;
            }
            batch.push(pending);
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_takes_again_once_entries_are_answered() {
        let (queue, mut batches) = Queue::new(1_000);
        let body = Bytes::from(vec![0; 500]);
        let _first = queue.push(Instant(0), body.clone()).unwrap();
        assert!(matches!(queue.push(Instant(0), body.clone()), Err(Error::Full(_))));
        drop(batches.next_blocking(usize::MAX));
        assert!(queue.push(Instant(0), body).is_ok());
    }

    #[test]
    fn an_entry_larger_than_the_queue_passes_when_the_queue_is_empty() {
        let (queue, _batches) = Queue::new(10);
        assert!(queue.push(Instant(0), Bytes::from(vec![0; 500])).is_ok());
        assert!(matches!(queue.push(Instant(0), Bytes::new()), Err(Error::Full(_))));
    }

    #[test]
    fn a_batch_ends_at_its_bytes_and_the_next_one_starts_with_what_was_left() {
        let (queue, mut batches) = Queue::new(usize::MAX);
        for i in 0..3 {
            drop(queue.push(Instant(i), Bytes::from(vec![0; 100])).unwrap());
        }
        queue.close();
        let mut times = Vec::new();
        while let Some(batch) = batches.next_blocking(350) {
            times.push(batch.iter().map(|p| p.received.0).collect::<Vec<_>>());
        }
        assert_eq!(times, [vec![0, 1], vec![2]]);
    }

    #[test]
    fn an_oversized_entry_is_refused() {
        let (queue, _batches) = Queue::new(usize::MAX);
        let body = Bytes::from(vec![0; ENTRY_BYTES_MAX + 1]);
        assert!(matches!(queue.push(Instant(0), body), Err(Error::TooLarge { .. })));
    }
}
