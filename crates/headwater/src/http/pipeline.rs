//! How far the pipeline is, and what just went by.

use axum::Json;
use axum::extract::State;
use identity::store::node::party_count;
use intake::rules::frame::{Frame, Protocol};
use kernel::{Scope, WorkspaceNo};
use log::{Log, Offset};
use pipeline::Cursor;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};

use super::Server;
use crate::applier::RecentEvent;

/// Entries and bytes of backlog that are looked at to count the events in it.
const BACKLOG_ENTRIES_MAX: usize = 10_000;
const BACKLOG_BYTES_MAX: usize = 16 << 20;

/// Figures of a workspace's pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// Newest entry in the log (the sum over partitions).
    pub log_head: u64,
    /// Newest entry that is part of the state (the sum over partitions).
    pub applied: u64,
    /// Age of the oldest entry that is not applied yet, in milliseconds; 0 if everything is.
    pub lag_ms: i64,
    /// Events that were acknowledged, ever.
    pub accepted: u64,
    /// Events that are part of the state.
    pub processed: u64,
    /// Copies of events that were there already.
    pub deduplicated: u64,
    /// Events put aside with a reason.
    pub quarantined: u64,
    /// Parties known.
    pub parties: u64,
}

/// How far the pipeline is
#[utoipa::path(get, path = "/api/v1/pipeline", tag = "pipeline", operation_id = "pipeline_status",
    responses((status = 200, body = Status),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub async fn pipeline_status(State(server): State<Server>, Caller(scope): Caller) -> Answer<Status> {
    Ok(Json(web::blocking(move || status(&server, &scope)).await?))
}

/// Reads the figures.
///
/// # Errors
/// As the log or the database says.
pub fn status(server: &Server, scope: &Scope) -> kernel::Result<Status> {
    let open = server.runtime.open(scope.workspace)?;
    let pool = server.runtime.installation().pool(scope)?;
    let cursors = pool.read(|tx| Cursor::all(scope, tx))?;
    let mut status = Status::default();
    for (no, partition) in open.partitions.iter().enumerate() {
        let cursor = cursors.iter().find(|c| c.partition as usize == no);
        let applied = cursor.map_or(0, |c| c.offset);
        let counts = cursor.map_or_else(Default::default, |c| c.counts);
        let head = partition.log.poll()?.0;
        status.log_head += head;
        status.applied += applied;
        status.processed += counts.processed;
        status.deduplicated += counts.deduplicated;
        status.quarantined += counts.quarantined;
        if head > applied {
            let (events, oldest) = backlog(partition.log.as_ref(), applied)?;
            status.accepted += events;
            let now = server.runtime.installation().now();
            let age = oldest.map_or(0, |at| (now.0 - at.0).max(0) / 1_000);
            // Something waits, however briefly: 0 is kept for "nothing does".
            status.lag_ms = status.lag_ms.max(age.max(1));
        }
    }
    status.accepted += status.processed + status.deduplicated + status.quarantined;
    let batches = cursors.iter().map(|c| c.batch).sum();
    status.parties = parties(server, scope, batches, status.lag_ms > 0)?;
    Ok(status)
}

/// How long a count of parties is good enough while the pipeline is busy.
const COUNT_MICROS: i64 = 2 * kernel::time::SECOND;

/// A count of parties, with the batches it includes and when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    batches: u64,
    at: kernel::Instant,
    parties: u64,
}

/// Counting reads an index of every identifier, so it is only done again when something changed, and
/// while much is changing not more often than every two seconds.
fn parties(server: &Server, scope: &Scope, batches: u64, is_busy: bool) -> kernel::Result<u64> {
    let now = server.runtime.installation().now();
    let before = server.counted.lock().get(&scope.workspace).copied();
    if let Some(counted) = before
        && (counted.batches == batches || is_busy && now.0 - counted.at.0 < COUNT_MICROS)
    {
        return Ok(counted.parties);
    }
    let parties = server.runtime.installation().pool(scope)?.read(|tx| party_count(scope, tx))?;
    server.counted.lock().insert(scope.workspace, Counted { batches, at: now, parties });
    Ok(parties)
}

/// How many events wait, as far as it is worth counting, and since when the first does.
fn backlog(log: &dyn Log, applied: u64) -> kernel::Result<(u64, Option<kernel::Instant>)> {
    let entries = log.read(Offset(applied), BACKLOG_ENTRIES_MAX, BACKLOG_BYTES_MAX)?;
    let events = entries
        .iter()
        .filter_map(|entry| Frame::decode(&entry.body).ok())
        .filter(|frame| frame.protocol != Protocol::Command)
        .map(|frame| frame.events.len() as u64);
    Ok((events.sum(), entries.first().map(|entry| entry.received)))
}

/// The latest events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecentEvents {
    /// At most 200, without personal data.
    items: Vec<RecentEvent>,
}

/// The latest events that went through the pipeline of this process
#[utoipa::path(get, path = "/api/v1/events/recent", tag = "pipeline", operation_id = "events_recent",
    responses((status = 200, body = RecentEvents),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub async fn events_recent(State(server): State<Server>, Caller(scope): Caller) -> Answer<RecentEvents> {
    let no: WorkspaceNo = scope.workspace;
    let open = web::blocking(move || server.runtime.open(no)).await?;
    let items = open.recent.lock().iter().rev().cloned().collect();
    Ok(Json(RecentEvents { items }))
}
