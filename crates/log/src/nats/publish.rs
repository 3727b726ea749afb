//! The task that publishes: packs what waits into one message, keeps a few in flight, answers.
//!
//! A message whose acknowledgement is lost is sent again under the same `Nats-Msg-Id`, so the
//! server keeps it once. When patience ends nobody knows whether it was kept; the appender is told
//! "unavailable" and sends its events again, which the pipeline recognises.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use kernel::id::base32;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant as Deadline;

use super::stream::find_error;
use super::{Options, Shared, offset, pack, sequence};
use crate::queue::{Batches, Pending};
use crate::{ENTRY_BYTES_MAX, Error, Offset};

/// What the server does with a message that it will not take.
enum Refusal {
    /// It may have been kept, or may be the next time.
    Retry(String),
    /// It was not kept.
    Final(Error),
}

/// Publishes until the queue is closed and empty. Ends when the last message is answered.
pub(super) async fn run(shared: Arc<Shared>, mut batches: Batches, options: Options) {
    // Unique for each opening, so that numbers may start at 0 again.
    let writer = base32(&options.ids.fresh());
    let in_flight = Arc::new(Semaphore::new(options.in_flight));
    // A packed message must not outgrow the largest entry, which the server was checked to take.
    let message_bytes = options.message_bytes.min(ENTRY_BYTES_MAX);
    let (ends_with_last, mut all_ended) = mpsc::channel::<()>(1);
    for number in 0u64.. {
        // The permit first: while all are taken, entries gather into a fuller message.
        let permit = in_flight.clone().acquire_owned().await.expect("the semaphore is never closed");
        let Some(batch) = batches.next(message_bytes).await else { break };
        if let Some(failure) = shared.queue.failure() {
            finish(&shared, batch, Err(failure), permit);
            continue;
        }
        let message = Message { id: format!("{writer}-{number}"), payload: pack::pack(&batch) };
        // Handed to the connection here, in order; only the wait goes on beside the next message.
        let floor = *shared.head.borrow();
        let sent = shared.context.send_publish(shared.name.clone(), message.publish()).await;
        let (shared, options, ends_with_last) = (shared.clone(), options.clone(), ends_with_last.clone());
        tokio::spawn(async move {
            let acknowledged = match sent {
                Ok(ack) => ack.await,
                Err(e) => Err(e),
            };
            let result = conclude(&shared, &options, &message, floor, acknowledged).await;
            finish(&shared, batch, result, permit);
            drop(ends_with_last);
        });
    }
    drop(ends_with_last);
    let _ = all_ended.recv().await;
}

struct Message {
    id: String,
    payload: Bytes,
}

impl Message {
    fn publish(&self) -> PublishMessage {
        PublishMessage::build().payload(self.payload.clone()).message_id(&self.id)
    }
}

/// Follows a message until it was acknowledged, refused, or patience ends. Returns its sequence.
async fn conclude(
    shared: &Shared,
    options: &Options,
    message: &Message,
    floor: u64,
    mut acknowledged: Result<PublishAck, PublishError>,
) -> Result<u64, Error> {
    let deadline = Deadline::now() + options.patience;
    let mut pause = options.retry_delay_min;
    loop {
        let reason = match acknowledged {
            Ok(ack) => return accept(shared, &ack, floor),
            Err(e) => match judge(&e) {
                Refusal::Final(error) => return Err(error),
                Refusal::Retry(reason) => reason,
            },
        };
        if Deadline::now() + pause > deadline {
            return Err(Error::Unavailable(reason));
        }
        tracing::debug!(id = message.id, reason, "publishing again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(options.ack_timeout);
        acknowledged = match shared.context.send_publish(shared.name.clone(), message.publish()).await {
            Ok(ack) => ack.await,
            Err(e) => Err(e),
        };
    }
}

/// An acknowledgement counts only if it continues the sequence. A server that lost its files
/// starts again at 1, and readers would take its entries for old ones.
fn accept(shared: &Shared, ack: &PublishAck, floor: u64) -> Result<u64, Error> {
    if ack.stream == shared.name && ack.sequence > sequence(floor) {
        return Ok(ack.sequence);
    }
    let (given, last) = (ack.sequence, sequence(floor));
    Err(Error::Failed(format!("the stream lost entries: it was at {last} and is at {given}")))
}

fn judge(error: &PublishError) -> Refusal {
    let mut text = error.to_string();
    let code = find_error(error);
    if let Some(source) = std::error::Error::source(error) {
        text = format!("{text}: {source}");
    }
    match (error.kind(), code) {
        (PublishErrorKind::MaxPayloadExceeded, _) => {
            Refusal::Final(Error::Failed(format!("the server's `max_payload` shrank: {text}")))
        }
        (_, Some(code)) if says_full(code, &text) => Refusal::Final(Error::Full(text)),
        _ => Refusal::Retry(text),
    }
}

/// The server refuses a message for lack of room. One code stands for every failure of its store,
/// and only the text tells which.
fn says_full(code: ErrorCode, text: &str) -> bool {
    match code {
        ErrorCode::STREAM_STORE_FAILED => text.contains("maximum") || text.contains("no space"),
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED => true,
        _ => false,
    }
}

fn finish(shared: &Shared, batch: Vec<Pending>, result: Result<u64, Error>, permit: OwnedSemaphorePermit) {
    match &result {
        Ok(sequence) => {
            shared.commits.fetch_add(1, Ordering::Relaxed);
            shared.raise(offset(*sequence, batch.len() as u64 - 1));
        }
        Err(error) if error.is_final() => {
            tracing::error!(%error, "the log has failed; the process should exit");
            shared.queue.fail(error.to_string());
        }
        Err(error) => tracing::warn!(%error, entries = batch.len(), "entries were not taken"),
    }
    for (i, mut pending) in (0..).zip(batch) {
        pending.answer(match &result {
            Ok(sequence) => Ok(Offset(offset(*sequence, i))),
            Err(error) => Err(error.clone()),
        });
    }
    drop(permit);
}
