//! Sending what was put aside through the pipeline again.
//!
//! An event is marked as replayed before it lands, because the pipeline may refuse it again, and its word
//! (`open`, with the new reason) must be the last. If landing fails the mark is taken back. If the process
//! dies in between, the event is marked and not in the log: replaying a replayed event is allowed, and
//! costs nothing, because its message id tells the pipeline whether it has it.

use axum::Json;
use axum::extract::State;
use futures_util::future::join_all;
use kernel::id::base32;
use kernel::{Failure, Instant, Key, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use web::{Answer, Caller, Problem, ProblemDocument};
use workspace::routes::request::{Body, Path};
use workspace::store::audit::audit_append;

use super::Manage;
use super::quarantine::{DISCARDED, OPEN, Place, QuarantinedEvent, REPLAYED, START, key};
use crate::ports::Source;
use crate::rules::frame::Frame;
use crate::rules::open::Event;
use crate::rules::record;
use crate::store::quarantine::{self as store, Filter, Quarantined};

/// Events of one request to replay many, unless it says otherwise.
const REPLAY_DEFAULT: u32 = 1_000;
/// And at most: they are answered for within one request.
const REPLAY_MAX: u32 = 10_000;
/// Events marked in one transaction and landed together.
const CHUNK: usize = 200;

/// How to replay an event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// The event as it should have been sent; as it was sent if absent.
    #[schema(value_type = Option<Object>)]
    event: Option<Box<RawValue>>,
}

/// Replay an event, corrected or not
///
/// It goes through the pipeline as if it had been received when it first was. If the pipeline refuses it
/// again, it is open again, with the new reason.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/replay", tag = "quarantine",
    operation_id = "quarantine_replay", params(("id" = String, Path, description = "The event's id")),
    request_body(content = Option<Replay>), responses((status = 200, body = QuarantinedEvent),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_replay(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(replay): Body<Replay>,
) -> Answer<QuarantinedEvent> {
    let id = key(&id)?;
    let shared = (manage.clone(), scope.clone());
    let item = to_the_end(async move {
        let (manage, scope) = shared;
        let at = manage.installation.now();
        let mark = move |scope: &Scope, tx: &mut db::Tx<'_>| mark_one(scope, tx, &id, replay.event, at);
        let item = manage.write(&scope, mark).await?;
        land(&manage, &scope, std::slice::from_ref(&item)).await?;
        Ok(item)
    });
    Ok(Json(QuarantinedEvent::of(&manage.installation, &scope, item.await?)))
}

/// Which events to replay: the oldest open ones that fit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayMany {
    /// Only of this class.
    class: Option<String>,
    /// Only with this offending field.
    field: Option<String>,
    /// At most so many: 1000 if absent, 10000 at most.
    #[schema(minimum = 1, maximum = 10_000)]
    limit: Option<u32>,
}

/// What a replay of many did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplayedMany {
    /// How many events were sent through the pipeline again.
    replayed: usize,
}

/// Replay open events, oldest first
///
/// After an error, those that were not replayed are still open: repeat the request.
#[utoipa::path(post, path = "/api/v1/quarantine/replay", tag = "quarantine",
    operation_id = "quarantine_replay_many", request_body(content = Option<ReplayMany>),
    responses((status = 200, body = ReplayedMany),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_replay_many(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Body(wanted): Body<ReplayMany>,
) -> Answer<ReplayedMany> {
    let limit = wanted.limit.unwrap_or(REPLAY_DEFAULT);
    if !(1..=REPLAY_MAX).contains(&limit) {
        return Err(Failure::invalid("limit", format!("1 to {REPLAY_MAX}")).into());
    }
    let work = replay_many(manage, scope, wanted.class, wanted.field, limit as usize);
    Ok(Json(ReplayedMany { replayed: to_the_end(work).await? }))
}

async fn replay_many(
    manage: Manage,
    scope: Scope,
    class: Option<String>,
    field: Option<String>,
    limit: usize,
) -> Result<usize, Problem> {
    // Only ever forward: what the pipeline refuses meanwhile opens again behind us.
    let mut after = START;
    let mut replayed = 0;
    while replayed < limit {
        let at = manage.installation.now();
        let (class, field, size) = (class.clone(), field.clone(), CHUNK.min(limit - replayed));
        let mark = move |scope: &Scope, tx: &mut db::Tx<'_>| {
            let filter = Filter { state: OPEN, class: class.as_deref(), field: field.as_deref() };
            let found = store::quarantine_search(scope, tx, filter, after, size)?;
            mark_many(scope, tx, filter, found, at)
        };
        let (last, items) = manage.write(&scope, mark).await?;
        land(&manage, &scope, &items).await?;
        replayed += items.len();
        let Some(last) = last else { break };
        after = last;
    }
    Ok(replayed)
}

/// Marks one event, and puts its correction into its frame.
fn mark_one(
    scope: &Scope,
    tx: &mut db::Tx<'_>,
    id: &Key,
    correction: Option<Box<RawValue>>,
    at: Instant,
) -> kernel::Result<Quarantined> {
    let mut item = store::quarantine_fetch(scope, tx, id)?;
    match &*item.state {
        DISCARDED => return Err(Failure::conflict("the event was discarded")),
        // Corrected to another person it could land in another partition, where its id is not known.
        REPLAYED if correction.is_some() => {
            return Err(Failure::conflict("the event was replayed; only an open one can be corrected"));
        }
        _ => {}
    }
    let frame = Frame::decode(&item.frame).map_err(Failure::internal)?;
    if let Some(event) = &correction {
        item.frame = corrected(frame, event)?;
    }
    let detail = json!({ "class": item.class, "field": item.field, "is_corrected": correction.is_some() });
    audit_append(scope, tx, at, "quarantine.replay", &base32(&id.0), &detail.to_string())?;
    store::quarantine_mark(scope, tx, id, REPLAYED)?;
    Ok(Quarantined { state: REPLAYED.to_owned(), ..item })
}

/// The frame with another event in it, which has everything a decoder asks for.
fn corrected(frame: Frame<'_>, event: &RawValue) -> kernel::Result<Vec<u8>> {
    let frame = Frame { events: vec![event.get().as_bytes()], ..frame };
    record::decode(&frame, 0).map_err(|reject| {
        let field = reject.field.map_or_else(|| "event".to_owned(), |field| format!("event.{field}"));
        Failure::invalid(field, reject.reason)
    })?;
    Ok(frame.encode())
}

/// Marks events; also says where the next ones begin, if there were any. A frame that cannot be read
/// would only be lost in the log, so its event stays open.
fn mark_many(
    scope: &Scope,
    tx: &mut db::Tx<'_>,
    filter: Filter<'_>,
    found: Vec<Quarantined>,
    at: Instant,
) -> kernel::Result<(Option<Place>, Vec<Quarantined>)> {
    let last = found.last().map(|item| (item.received, item.id));
    let items: Vec<_> = found.into_iter().filter(|item| Frame::decode(&item.frame).is_ok()).collect();
    if !items.is_empty() {
        let detail = json!({ "class": filter.class, "field": filter.field, "count": items.len() });
        audit_append(scope, tx, at, "quarantine.replay", "", &detail.to_string())?;
    }
    for item in &items {
        store::quarantine_mark(scope, tx, &item.id, REPLAYED)?;
    }
    Ok((last, items))
}

/// Lands the frames of marked events, each with the others of its person. Those that do not land are open
/// again.
async fn land(manage: &Manage, scope: &Scope, items: &[Quarantined]) -> Result<(), Problem> {
    let landed = join_all(items.iter().map(|item| land_one(manage, scope, item))).await;
    let mut failed = Vec::new();
    let mut failure = None;
    for (item, result) in items.iter().zip(landed) {
        if let Err(error) = result {
            failed.push(item.id);
            failure = Some(error);
        }
    }
    let Some(failure) = failure else { return Ok(()) };
    let at = manage.installation.now();
    let reopen = move |scope: &Scope, tx: &mut db::Tx<'_>| {
        let detail = json!({ "count": failed.len() }).to_string();
        audit_append(scope, tx, at, "quarantine.replay.failed", "", &detail)?;
        Ok(failed.iter().try_for_each(|id| store::quarantine_mark(scope, tx, id, OPEN))?)
    };
    manage.write(scope, reopen).await?;
    Err(failure.into())
}

async fn land_one(manage: &Manage, scope: &Scope, item: &Quarantined) -> kernel::Result<()> {
    let source = source(manage, scope, item);
    let person = Frame::decode(&item.frame)
        .map_err(Failure::internal)?
        .events
        .first()
        .map_or(0, |event| Event::alone(event).person);
    let partitions = u64::from(manage.land.partitions(&source).max(1));
    manage.land.land(&source, person % partitions, item.frame.clone()).await
}

/// The sender as a port. One that was made a moment ago in another process is not known here yet, but its
/// number is.
fn source(manage: &Manage, scope: &Scope, item: &Quarantined) -> Source {
    let known = manage.installation.sources(scope).into_iter().find(|source| source.no == item.source);
    Source {
        workspace: scope.workspace,
        no: item.source,
        id: known.map_or_else(String::new, |source| source.id.clone()),
        is_enabled: true,
        allowed_origins: Vec::new(),
        events_per_second: 0,
    }
}

/// Runs work that must not stop half-way because the client has gone away.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(Failure::internal)?
}
