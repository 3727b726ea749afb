//! `/api/v1/quarantine`: events that were put aside. What they say is personal data, and so is the reason,
//! which may repeat it.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use kernel::id::{base32, unbase32};
use kernel::scope::Permission;
use kernel::{Failure, Instant, Key, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::Installation;
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};
use workspace::store::audit::audit_append;

use super::Manage;
use super::object::raw;
use crate::rules::frame::Frame;
use crate::store::quarantine::{self as store, Filter, Quarantined};

/// Waits for a decision.
pub(super) const OPEN: &str = "open";
/// Was sent through the pipeline again; is open again if that refused it.
pub(super) const REPLAYED: &str = "replayed";
/// Is not wanted.
pub(super) const DISCARDED: &str = "discarded";

/// An event that was put aside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantinedEvent {
    /// Its id.
    id: String,
    /// The source that sent it.
    source: String,
    /// What kind of trouble: `parse`, `schema`, `size`, `time`, `plan`, `identity` or `poison`.
    class: String,
    /// The offending field, or empty.
    field: String,
    /// What is wrong; `null` without the permission `personal:read`.
    reason: Option<String>,
    /// Its name, as far as it could be read.
    event: String,
    /// When it was received.
    received_at: String,
    /// `open`, `replayed` or `discarded`.
    state: String,
}

/// An event that was put aside, with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantinedBody {
    /// The event.
    #[serde(flatten)]
    event: QuarantinedEvent,
    /// What was sent, a string if it is not JSON; `null` without the permission `personal:read`.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

impl QuarantinedEvent {
    /// What the caller may see of an event.
    pub(super) fn of(installation: &Installation, scope: &Scope, item: Quarantined) -> Self {
        let known = installation.sources(scope).into_iter().find(|source| source.no == item.source);
        Self {
            id: base32(&item.id.0),
            source: known.map_or_else(|| item.source.0.to_string(), |source| source.id.clone()),
            class: item.class,
            field: item.field,
            reason: scope.permissions.has(Permission::PersonalRead).then_some(item.reason),
            event: item.event,
            received_at: item.received.to_string(),
            state: item.state,
        }
    }
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QuarantineQuery {
    /// `open` unless `replayed` or `discarded` is asked for.
    state: Option<String>,
    /// Only of this class.
    class: Option<String>,
}

/// Events that were put aside, oldest first
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", operation_id = "quarantine_list",
    params(QuarantineQuery, PageQuery), responses((status = 200, body = Page<QuarantinedEvent>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_list(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Query(wanted): Query<QuarantineQuery>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<QuarantinedEvent>> {
    let state = wanted.state.map_or(Cow::Borrowed(OPEN), Cow::Owned);
    if ![OPEN, REPLAYED, DISCARDED].contains(&&*state) {
        return Err(Failure::invalid("state", "one of `open`, `replayed`, `discarded`").into());
    }
    let limit = query.limit();
    let after = query.cursor.as_deref().map_or(Ok(START), position)?;
    let read = move |scope: &Scope, tx: &mut db::Tx<'_>| {
        let filter = Filter { state: &state, class: wanted.class.as_deref(), field: None };
        Ok(store::quarantine_search(scope, tx, filter, after, limit + 1)?)
    };
    let rows = manage.read(&scope, read).await?;
    let item = |row| QuarantinedEvent::of(&manage.installation, &scope, row);
    Ok(Json(page(rows, limit, |last| (last.received.0, base32(&last.id.0)), item)))
}

/// A place in the list: everything received later comes next.
pub(super) type Place = (Instant, Key);

/// Before the first event.
pub(super) const START: Place = (Instant(i64::MIN), Key([0; 16]));

fn position(cursor: &str) -> kernel::Result<Place> {
    let (received, id): (i64, String) = decode_cursor(cursor)?;
    let id = unbase32(&id).ok_or_else(|| Failure::invalid("cursor", "not a cursor of this list"))?;
    Ok((Instant(received), Key(id)))
}

/// How many events are in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantineSummary {
    /// Those that wait for a decision.
    open: u64,
    /// By class and state.
    items: Vec<QuarantineCount>,
}

/// Events of one class and state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantineCount {
    /// The class.
    class: String,
    /// The state.
    state: String,
    /// How many.
    count: u64,
}

/// How many events are in quarantine
#[utoipa::path(get, path = "/api/v1/quarantine/summary", tag = "quarantine",
    operation_id = "quarantine_summary", responses((status = 200, body = QuarantineSummary),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_summary(
    State(manage): State<Manage>,
    Caller(scope): Caller,
) -> Answer<QuarantineSummary> {
    let rows = manage.read(&scope, |scope, tx| Ok(store::quarantine_summary(scope, tx)?)).await?;
    let open = rows.iter().filter(|(_, state, _)| state == OPEN).map(|(_, _, count)| count).sum();
    let count = |(class, state, count)| QuarantineCount { class, state, count };
    Ok(Json(QuarantineSummary { open, items: rows.into_iter().map(count).collect() }))
}

/// An event that was put aside
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "quarantine", operation_id = "quarantine_fetch",
    params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, body = QuarantinedBody),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_fetch(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<QuarantinedBody> {
    let id = key(&id)?;
    let item = manage.read(&scope, move |scope, tx| store::quarantine_fetch(scope, tx, &id)).await?;
    let body = match scope.permissions.has(Permission::PersonalRead) {
        true => body(&item.frame)?,
        false => None,
    };
    Ok(Json(QuarantinedBody { event: QuarantinedEvent::of(&manage.installation, &scope, item), body }))
}

fn body(frame: &[u8]) -> kernel::Result<Option<Box<RawValue>>> {
    let frame = Frame::decode(frame).map_err(Failure::internal)?;
    let text = frame.events.first().map(|event| String::from_utf8_lossy(event).into_owned());
    text.map(raw).transpose()
}

/// Discard an event
///
/// It stays in the list of discarded ones and counts nowhere.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/discard", tag = "quarantine",
    operation_id = "quarantine_discard", params(("id" = String, Path, description = "The event's id")),
    responses((status = 200, body = QuarantinedEvent),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn quarantine_discard(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<QuarantinedEvent> {
    let (id, at) = (key(&id)?, manage.installation.now());
    let discard = move |scope: &Scope, tx: &mut db::Tx<'_>| {
        let item = store::quarantine_fetch(scope, tx, &id)?;
        match &*item.state {
            DISCARDED => return Ok(item),
            OPEN => {}
            _ => return Err(Failure::conflict("the event was replayed; it is not in quarantine any more")),
        }
        let detail = json!({ "class": item.class, "field": item.field }).to_string();
        audit_append(scope, tx, at, "quarantine.discard", &base32(&id.0), &detail)?;
        store::quarantine_mark(scope, tx, &id, DISCARDED)?;
        Ok(Quarantined { state: DISCARDED.to_owned(), ..item })
    };
    let item = manage.write(&scope, discard).await?;
    Ok(Json(QuarantinedEvent::of(&manage.installation, &scope, item)))
}

/// Reads the id of a path: what is none does not exist.
pub(super) fn key(text: &str) -> kernel::Result<Key> {
    unbase32(text).map(Key).ok_or_else(|| Failure::not_found("quarantined event"))
}
