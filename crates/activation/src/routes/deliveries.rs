//! What was sent to a destination, what was not and why, and dead letters that are to be tried again.

use axum::Json;
use axum::extract::State;
use kernel::{Failure, Instant, PartyId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Body, Path, Query};
use workspace::store::audit::audit_append;

use super::{Destinations, stored};
use crate::compose::key;
use crate::rules::settle::State as DeliveryState;
use crate::store::delivery::{Delivery, Position, delivery_page, delivery_revive};
use crate::store::run::run_wake;

/// What became of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryItem {
    /// The message's id, which the receiver sees too.
    message_id: String,
    /// The ledger and its id: `audience:aud_…`.
    ledger: String,
    /// The change's place in it.
    seq: u64,
    /// The party, by the id it had then.
    party: String,
    /// Whether the party entered; it left otherwise.
    entered: bool,
    /// `waiting`, `delivered`, `dead`, `blocked` or `skipped`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When something was last done about it.
    at: String,
    /// Not tried before.
    retry_at: Option<String>,
    /// The code of the last answer.
    code: Option<u16>,
    /// How long the last try took, in milliseconds.
    latency_ms: f64,
    /// Why it is where it is.
    reason: Option<String>,
}

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// Only changes in this state: `waiting`, `delivered`, `dead`, `blocked`, `skipped`.
    state: Option<String>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The log of a destination, the latest first
///
/// `delivered`, `blocked` and `skipped` are kept for 30 days, dead letters until they are replayed.
#[utoipa::path(get, path = "/api/v1/destinations/{id}/deliveries", tag = "destinations",
    operation_id = "delivery_list",
    params(("id" = String, Path, description = "The destination"), DeliveriesQuery),
    responses((status = 200, body = Page<DeliveryItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn delivery_list(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<DeliveriesQuery>,
) -> Answer<Page<DeliveryItem>> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    let latest = (i64::MAX, String::new(), 0);
    let (at, ledger, seq) = query.cursor.as_deref().map_or(Ok(latest), decode_cursor)?;
    let before: Position = (Instant(at), ledger, seq);
    let wanted = match query.state.as_deref() {
        None => None,
        Some(name) => Some(DeliveryState::parse(name).ok_or_else(|| {
            let names = DeliveryState::ALL.map(DeliveryState::name).join(", ");
            Failure::invalid("state", format!("one of {names}"))
        })?),
    };
    let secret = state.reader.installation().workspace(scope.workspace)?.secret;
    let own = id.clone();
    let rows = state.reader.read(&scope, move |identity, tx| {
        let destination = stored(identity.scope, tx, &own)?;
        Ok(delivery_page(identity.scope, tx, destination.no, wanted, &before, limit + 1)?)
    });
    let position = |last: &Delivery| (last.last.0, last.ledger.clone(), last.seq);
    Ok(Json(page(rows.await?, limit, position, |row| item(&secret, &id, row))))
}

fn item(secret: &[u8; 32], destination: &str, row: Delivery) -> DeliveryItem {
    let is_waiting = row.tries.state == DeliveryState::Waiting;
    DeliveryItem {
        message_id: key(secret, destination, &row.ledger, row.seq),
        party: PartyId(row.party).to_string(),
        seq: row.seq,
        entered: row.is_present,
        state: row.tries.state.name(),
        attempts: row.tries.attempts,
        at: row.last.to_string(),
        retry_at: (is_waiting && row.tries.retry > Instant(0)).then(|| row.tries.retry.to_string()),
        code: row.code,
        latency_ms: row.latency_us as f64 / 1_000.0,
        reason: Some(row.tries.reason).filter(|reason| !reason.is_empty()),
        ledger: row.ledger,
    }
}

/// Which dead letters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// One of this ledger; all if absent.
    ledger: Option<String>,
    /// The one at this place. Needed with `ledger`.
    seq: Option<u64>,
}

/// What will be tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    /// How many dead letters.
    replayed: u64,
}

/// Try dead letters again
///
/// One whose party has changed since, and whose later change was delivered, is skipped: the receiver knows
/// better already.
#[utoipa::path(post, path = "/api/v1/destinations/{id}/replay", tag = "destinations",
    operation_id = "delivery_replay", params(("id" = String, Path, description = "The destination")),
    request_body = Replay, responses((status = 200, body = Replayed),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn delivery_replay(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(replay): Body<Replay>,
) -> Answer<Replayed> {
    let one = match (replay.ledger, replay.seq) {
        (Some(ledger), Some(seq)) => Some((ledger, seq)),
        (None, None) => None,
        _ => return Err(Failure::invalid("seq", "give `ledger` and `seq`, or neither").into()),
    };
    let installation = state.reader.installation().clone();
    let replayed = web::blocking(move || {
        installation.pool(&scope)?.write(|tx| {
            let destination = stored(&scope, tx, &id)?;
            if destination.is_archived {
                return Err(Failure::conflict("the destination is put away"));
            }
            let of = one.as_ref().map(|(ledger, seq)| (ledger.as_str(), *seq));
            let replayed = delivery_revive(&scope, tx, destination.no, of)?;
            if one.is_some() && replayed == 0 {
                return Err(Failure::not_found("dead letter"));
            }
            run_wake(&scope, tx, destination.no)?;
            let detail = json!({ "replayed": replayed, "one": one }).to_string();
            audit_append(&scope, tx, installation.now(), "destination.replay", &id, &detail)?;
            Ok(replayed)
        })
    });
    Ok(Json(Replayed { replayed: replayed.await? }))
}
