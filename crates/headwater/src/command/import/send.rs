//! Rows on their way: a thread reads the file, a few requests are under way at a time.
//!
//! A row counts as sent when it is durable at the server, and batches are counted in the file's order, so
//! what is reported of a stopped import is a beginning of the file. What was under way may be in as well.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use kernel::time::Clock;
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::command::client::{self, Api, Figures, Refused};
use crate::machine::MachineClock;
use files::convert::Message;
use files::import::{Messages, SAMPLES, Summary};
use files::{RowError, errors};

/// Messages to a request.
const BATCH_MESSAGES: usize = 500;
/// Bytes to a request; the server takes a little more.
const BATCH_BYTES: usize = 4 << 20;
/// Requests under way: enough to keep the server's disk busy.
const REQUESTS_MAX: usize = 4;
/// Batches read ahead.
const AHEAD: usize = 4;

/// An import about to be sent.
pub(super) struct Sending<'e> {
    /// Stop after so many rows.
    pub(super) limit: Option<u64>,
    /// The rows.
    pub(super) messages: Messages,
    /// Where bad rows go.
    pub(super) rejected: Option<&'e mut errors::Writer>,
}

/// What came of an import.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The file's side: rows, bad ones, reasons (those of the server too).
    pub(super) summary: Summary,
    /// Messages the server has.
    pub(super) sent: u64,
    /// Those it took.
    pub(super) accepted: u64,
    /// Those it put aside at once.
    pub(super) rejected: u64,
    /// How long it took until the last one was durable.
    pub(super) seconds: f64,
    /// The pipeline before and after, if nobody else uses it.
    pub(super) pipeline: Option<(Figures, Figures)>,
    /// Ctrl-C.
    pub(super) is_stopped: bool,
    /// Why the rest was not sent.
    pub(super) failure: Option<anyhow::Error>,
}

impl Outcome {
    /// The command's exit code, unless it failed.
    pub(super) fn code(&self) -> ExitCode {
        if self.is_stopped && !self.summary.is_complete {
            return client::interrupted();
        }
        match self.summary.bad + self.rejected {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(65),
        }
    }
}

/// Some rows of the file, in order.
#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    errors: Vec<RowError>,
    /// The count over the file up to the end of this batch.
    summary: Summary,
}

#[derive(Deserialize)]
struct Report {
    accepted: u64,
    rejected: u64,
    #[serde(default)]
    results: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    index: usize,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

impl Sending<'_> {
    /// Sends everything, or as much as there is until Ctrl-C or a refusal.
    ///
    /// # Errors
    /// The error file cannot be written, or signals cannot be taken.
    pub(super) async fn run(self, api: &Api, write_key: &str) -> anyhow::Result<Outcome> {
        let clock = MachineClock::default();
        let begun = clock.now();
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel(AHEAD);
        let (messages, limit, told) = (self.messages, self.limit, Arc::clone(&stop));
        let reader = tokio::task::spawn_blocking(move || read(messages, limit, &told, &sender));
        let batches = stream::unfold(receiver, |mut r| async { r.recv().await.map(|batch| (batch, r)) });
        // In order, so that the count of the last batch that came back is that of a prefix.
        let answers = batches.map(|batch| post(api, write_key, batch)).buffered(REQUESTS_MAX);
        let mut answers = std::pin::pin!(answers);
        let mut tally = Tally::new(self.rejected);
        let mut interrupts = signal(SignalKind::interrupt())?;
        loop {
            let answer = tokio::select! {
                answer = answers.next() => answer,
                _ = interrupts.recv() => {
                    stop.store(true, Ordering::Release);
                    // Once: what was read is still sent. Twice: now.
                    if std::mem::replace(&mut tally.outcome.is_stopped, true) { break } else { continue }
                }
            };
            match answer {
                Some((batch, Ok(report))) => tally.take(batch, report)?,
                Some((_, Err(failure))) => {
                    stop.store(true, Ordering::Release);
                    tally.outcome.failure = Some(failure);
                    break;
                }
                None => {
                    reader.await?;
                    break;
                }
            }
        }
        let mut outcome = tally.finish();
        outcome.seconds = (clock.now().0 - begun.0) as f64 / 1e6;
        Ok(outcome)
    }
}

/// Reads the file into batches until its end, the limit, or a stop.
fn read(mut messages: Messages, limit: Option<u64>, stop: &AtomicBool, sender: &mpsc::Sender<Batch>) {
    let mut batch = Batch::default();
    let mut summary = Summary::default();
    let mut bytes = 0;
    while let Some(outcome) = messages.next() {
        summary.count_skipped(messages.skipped());
        if limit.is_some_and(|limit| summary.rows >= limit) || stop.load(Ordering::Acquire) {
            summary.is_complete = false;
            break;
        }
        summary.count(&outcome);
        match outcome {
            Ok(message) => {
                bytes += message.json.len() + 1;
                batch.messages.push(message);
            }
            Err(error) => batch.errors.push(error),
        }
        let rows = batch.messages.len() + batch.errors.len();
        if rows >= BATCH_MESSAGES || bytes >= BATCH_BYTES {
            batch.summary = summary.clone();
            bytes = 0;
            if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
    }
    if summary.is_complete {
        summary.count_skipped(messages.skipped());
    }
    batch.summary = summary;
    let _ = sender.blocking_send(batch);
}

async fn post(api: &Api, write_key: &str, batch: Batch) -> (Batch, anyhow::Result<Report>) {
    if batch.messages.is_empty() {
        return (batch, Ok(Report { accepted: 0, rejected: 0, results: Vec::new() }));
    }
    let report = match api.import(write_key, array(&batch.messages)).await {
        // The batch as a whole is refused, which one event of it may cause: that one is found alone.
        Err(error) if batch.messages.len() > 1 && is_about_content(&error) => {
            one_by_one(api, write_key, &batch).await
        }
        report => report,
    };
    (batch, report)
}

fn is_about_content(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| matches!(refused.status, 400 | 413 | 422))
}

async fn one_by_one(api: &Api, write_key: &str, batch: &Batch) -> anyhow::Result<Report> {
    let mut whole = Report { accepted: 0, rejected: 0, results: Vec::new() };
    for (index, message) in batch.messages.iter().enumerate() {
        let verdict = match api.import::<Report>(write_key, array(std::slice::from_ref(message))).await {
            Ok(report) => report.results.into_iter().next(),
            Err(error) if is_about_content(&error) => {
                Some(Verdict { index, field: None, reason: Some(error.to_string()) })
            }
            Err(error) => return Err(error),
        };
        match verdict {
            Some(Verdict { field, reason: Some(reason), .. }) => {
                whole.rejected += 1;
                whole.results.push(Verdict { index, field, reason: Some(reason) });
            }
            _ => whole.accepted += 1,
        }
    }
    Ok(whole)
}

fn array(messages: &[Message]) -> Bytes {
    let mut body = Vec::with_capacity(messages.iter().map(|m| m.json.len() + 1).sum::<usize>() + 2);
    for message in messages {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(message.json.as_bytes());
    }
    body.push(b']');
    body.into()
}

/// Adds up what came back.
struct Tally<'e> {
    outcome: Outcome,
    /// Why the server rejected how many.
    rejections: BTreeMap<String, u64>,
    writer: Option<&'e mut errors::Writer>,
    bar: ProgressBar,
}

impl<'e> Tally<'e> {
    fn new(writer: Option<&'e mut errors::Writer>) -> Self {
        let bar = client::progress("rows", None);
        Self { outcome: Outcome::default(), rejections: BTreeMap::new(), writer, bar }
    }

    fn take(&mut self, mut batch: Batch, report: Report) -> anyhow::Result<()> {
        let sent = batch.messages.len() as u64;
        let mut errors = std::mem::take(&mut batch.errors);
        for verdict in report.results {
            let (Some(reason), Some(message)) = (verdict.reason, batch.messages.get_mut(verdict.index))
            else {
                continue;
            };
            let reason = verdict.field.map_or_else(|| reason.clone(), |field| format!("{field}: {reason}"));
            *self.rejections.entry(reason.clone()).or_default() += 1;
            let cells = std::mem::take(&mut message.cells);
            errors.push(RowError {
                row: message.row,
                column: None,
                reason: reason.into(),
                cells,
                ends_file: false,
            });
        }
        errors.sort_by_key(|error| error.row);
        let outcome = &mut self.outcome;
        // The reader's count, with the errors of the server among its own.
        batch.summary.errors = std::mem::take(&mut outcome.summary.errors);
        outcome.summary = batch.summary;
        outcome.sent += sent;
        outcome.accepted += report.accepted;
        outcome.rejected += report.rejected;
        for error in errors {
            if outcome.summary.errors.len() < SAMPLES {
                outcome.summary.errors.push(error.to_string());
            }
            if let Some(writer) = self.writer.as_deref_mut() {
                writer.write(&error)?;
            }
        }
        self.bar.set_position(outcome.summary.rows);
        Ok(())
    }

    fn finish(self) -> Outcome {
        self.bar.finish_and_clear();
        let mut outcome = self.outcome;
        for (reason, count) in self.rejections {
            *outcome.summary.reasons.entry(reason).or_default() += count;
        }
        outcome
    }
}
