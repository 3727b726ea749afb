//! Whole lists: send one now, and see what became of those that were sent.

use axum::Json;
use axum::extract::State;
use jobs::order::order;
use jobs::store::job::{self, Job};
use jobs::store::take_turns;
use kernel::{Failure, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Body, Path, Query};
use workspace::store::audit::audit_append;

use super::{Destinations, stored};
use crate::list::input;
use crate::rules::settle::State as DeliveryState;
use crate::store::list::{List, list_page};

/// Of whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationListOf)]
pub(super) struct Of {
    /// The audience.
    audience: String,
}

/// A list that will be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DestinationListBegun)]
pub(super) struct Begun {
    /// The job that does it: `GET /api/v1/jobs/{no}` says how far it is, and `POST …/cancel` stops it.
    job: u64,
}

/// A list at a destination.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DestinationListItem)]
pub(super) struct ListItem {
    /// The job that sends it.
    job: u64,
    /// The ledger and its id: `audience:aud_…`.
    ledger: String,
    /// The place in the ledger at which it was taken: who is on it was in then.
    seq: u64,
    /// `waiting` (on its way, or tried again), `delivered` or `dead`.
    state: &'static str,
    /// How often it was begun.
    attempts: u32,
    /// Parties on it, once it is there.
    parties: u64,
    /// Parties that were in and are not on it, because nothing of them may leave.
    blocked: u64,
    /// What it is called at the destination, if it has a name there.
    name: Option<String>,
    /// When it was begun.
    began_at: String,
    /// When something was last done about it.
    at: String,
    /// Why it is not there.
    reason: Option<String>,
}

/// Send a whole list
///
/// Everybody who is in the audience now, as far as something of them may leave; who comes or goes while it
/// is sent does not change it. A list of the same audience that is on its way is a conflict. To send one
/// regularly, schedule a job of the kind `destination.list`.
#[utoipa::path(post, path = "/api/v1/destinations/{id}/lists", tag = "destinations",
    operation_id = "destination_list_send", params(("id" = String, Path, description = "The destination")),
    request_body = Of, responses((status = 200, body = Begun),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn list_send(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(of): Body<Of>,
) -> Answer<Begun> {
    let (installation, now) = (state.reader.installation().clone(), state.reader.installation().now());
    let begun = web::blocking(move || {
        installation.pool(&scope)?.write(|tx| {
            let destination = stored(&scope, tx, &id)?;
            if destination.is_archived || destination.is_paused {
                return Err(Failure::conflict("the destination is paused or put away"));
            }
            let target = &destination.definition.target;
            if !target.takes_lists() {
                let message = format!("a {} takes changes, not lists", target.kind());
                return Err(Failure::invalid("destination", message));
            }
            let ledger = state.ledgers.iter().find(|ledger| ledger.kind() == "audience");
            let subject =
                ledger.map(|ledger| ledger.subject(&scope, tx, &of.audience)).transpose()?.flatten();
            if subject.is_none_or(|subject| subject.is_archived) {
                let message = format!("there is no audience `{}`", of.audience);
                return Err(Failure::invalid("audience", message));
            }
            take_turns(&scope, tx)?;
            let made = order(&scope, tx, &*state.lists, &input(&id, &of.audience), (None, now))?;
            let detail = json!({ "audience": of.audience, "job": made.no }).to_string();
            audit_append(&scope, tx, now, "destination.list", &id, &detail)?;
            Ok(Begun { job: made.no })
        })
    });
    Ok(Json(begun.await?))
}

/// Lists that were sent to a destination, the latest first
///
/// They are kept for 30 days.
#[utoipa::path(get, path = "/api/v1/destinations/{id}/lists", tag = "destinations",
    operation_id = "destination_list_list",
    params(("id" = String, Path, description = "The destination"), PageQuery),
    responses((status = 200, body = Page<ListItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn list_list(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<ListItem>> {
    let limit = query.limit();
    let before: u64 = query.cursor.as_deref().map_or(Ok(u64::MAX), decode_cursor)?;
    let rows = state.reader.read(&scope, move |identity, tx| {
        let destination = stored(identity.scope, tx, &id)?;
        let lists = list_page(identity.scope, tx, destination.no, before, limit + 1)?;
        lists.into_iter().map(|list| with_job(identity.scope, tx, list)).collect::<kernel::Result<Vec<_>>>()
    });
    Ok(Json(page(rows.await?, limit, |(list, _)| list.job, item)))
}

/// A list with its job, which knows whether it is still tried; jobs that are over may be forgotten.
fn with_job(scope: &Scope, tx: &mut db::Tx<'_>, list: List) -> kernel::Result<(List, Option<Job>)> {
    match job::job_fetch(scope, tx, list.job) {
        Ok(job) => Ok((list, Some(job))),
        Err(Failure::NotFound { .. }) => Ok((list, None)),
        Err(failure) => Err(failure),
    }
}

fn item((list, job): (List, Option<Job>)) -> ListItem {
    let is_tried = job.as_ref().is_some_and(|job| !job.state.is_over());
    let state = match list.state {
        DeliveryState::Waiting if !is_tried => DeliveryState::Dead,
        state => state,
    };
    let problem = job.and_then(|job| job.problem).filter(|_| state != DeliveryState::Delivered);
    let reason = Some(list.reason).filter(|reason| !reason.is_empty());
    ListItem {
        job: list.job,
        ledger: list.ledger,
        seq: list.seq,
        state: state.name(),
        attempts: list.attempts,
        parties: list.parties,
        blocked: list.blocked,
        name: Some(list.name).filter(|name| !name.is_empty()),
        began_at: list.began.to_string(),
        at: list.last.to_string(),
        reason: problem.or(reason),
    }
}
