//! A signed message of no consequence, to see whether a destination is there.

use axum::Json;
use axum::extract::State;
use channels::{Message, Outcome, Topic};
use kernel::Failure;
use kernel::id::base32;
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Path;

use super::{Destinations, stored};
use crate::open::{Opener, secrets};
use crate::seal::Sealer;

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    /// Whether the destination took it.
    delivered: bool,
    /// The code of its answer.
    code: Option<u16>,
    /// How long it took, in milliseconds.
    latency_ms: f64,
    /// Why it did not.
    reason: Option<String>,
    /// The message's id, which the receiver sees too.
    message_id: String,
}

/// Send a test message
///
/// Its type is `test`, it tells of nobody, and it is signed like any other.
#[utoipa::path(post, path = "/api/v1/destinations/{id}/test", tag = "destinations",
    operation_id = "destination_test", params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = Tested),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_test(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<Tested> {
    let installation = state.reader.installation().clone();
    let workspace = installation.workspace(scope.workspace)?;
    let (guard, now) = (state.guard.clone(), installation.now());
    let way = state
        .reader
        .read(&scope, move |identity, tx| {
            let destination = stored(identity.scope, tx, &id)?;
            if destination.is_archived {
                return Err(Failure::conflict("the destination is put away"));
            }
            let sealer = Sealer::new(workspace.no, &workspace.secret);
            let definition = &destination.definition;
            let opened = secrets(identity.scope, tx, &sealer, &definition.target, now)?;
            let (guard, workspace) = (&guard, workspace.no);
            Opener { guard, workspace, definition, secrets: &opened }.open()
        })
        .await?;
    let topic = Topic { kind: "test".to_owned(), id: String::new(), name: String::new() };
    let message = Message {
        key: format!("msg_{}", base32(&installation.ids().fresh())),
        event: "test".to_owned(),
        party: String::new(),
        topic,
        is_present: true,
        seq: 0,
        at: now,
        fields: Map::new(),
    };
    let attempts = way.channel().send(now, std::slice::from_ref(&message)).await;
    let attempt = attempts.into_iter().next().ok_or_else(|| Failure::internal("no answer"))?;
    let reason = match attempt.outcome {
        Outcome::Delivered => None,
        Outcome::Later { reason, .. } | Outcome::Refused { reason } => Some(reason),
        Outcome::Untried => Some("not tried".to_owned()),
    };
    Ok(Json(Tested {
        delivered: reason.is_none(),
        code: attempt.code,
        latency_ms: attempt.latency_us as f64 / 1_000.0,
        reason,
        message_id: message.key,
    }))
}
