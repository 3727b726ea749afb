//! Defining destinations: checked here, decided by the pipeline, answered once it has.

use axum::Json;
use axum::extract::State;
use db::Tx;
use kernel::scope::Permission;
use kernel::{Failure, Scope};
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::{DestinationItem, Destinations, stored};
use crate::commands::{
    Archive, DESTINATION_ARCHIVE, DESTINATION_PAUSE, DESTINATION_PUT, Pause, Put, destination_id,
};
use crate::dispatch::DESTINATIONS_MAX;
use crate::open::{Opener, secrets};
use crate::rules::definition::{Definition, check_id};
use crate::seal::Sealer;
use crate::store::destination::{Destination, destination_by_id, destination_count};

/// Define a destination
///
/// It follows its ledgers from their beginning. Personal data need the permission `personal:read` too.
#[utoipa::path(post, path = "/api/v1/destinations", tag = "destinations",
    operation_id = "destination_create", request_body = Definition,
    responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_create(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Body(definition): Body<Definition>,
) -> Answer<DestinationItem> {
    check(&state, &scope, &definition, room).await?;
    let put = Put { destination: None, definition };
    let command = state.commands.submit(&scope, DESTINATION_PUT, json(&put)?).await?;
    let secret = state.reader.installation().workspace(scope.workspace)?.secret;
    Ok(Json(state.destination(&scope, destination_id(&secret, &command)).await?))
}

/// Define a destination otherwise, or one under an id of your own
///
/// What it followed before it follows from where it is; what is new, from its beginning. One that was put
/// away goes on.
#[utoipa::path(put, path = "/api/v1/destinations/{id}", tag = "destinations",
    operation_id = "destination_put", params(("id" = String, Path, description = "The destination")),
    request_body = Definition, responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_put(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(definition): Body<Definition>,
) -> Answer<DestinationItem> {
    let own = id.clone();
    check(&state, &scope, &definition, move |scope, tx| {
        if destination_by_id(scope, tx, &own)?.is_some_and(|known| !known.is_archived) {
            return Ok(());
        }
        check_id(&own)?;
        room(scope, tx)
    })
    .await?;
    let put = Put { destination: Some(id.clone()), definition: definition.clone() };
    state.commands.submit(&scope, DESTINATION_PUT, json(&put)?).await?;
    applied(&state, &scope, id, |now| !now.is_archived && now.definition == definition).await
}

/// Put a destination away
///
/// Nothing is sent there any more. Its log stays readable.
#[utoipa::path(delete, path = "/api/v1/destinations/{id}", tag = "destinations",
    operation_id = "destination_archive", params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_archive(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<DestinationItem> {
    ask_present(&state, &scope, id.clone()).await?;
    let archive = Archive { destination: id.clone() };
    state.commands.submit(&scope, DESTINATION_ARCHIVE, json(&archive)?).await?;
    applied(&state, &scope, id, |now| now.is_archived).await
}

/// Stop a destination for a while
///
/// What happens meanwhile is sent when it goes on.
#[utoipa::path(post, path = "/api/v1/destinations/{id}/pause", tag = "destinations",
    operation_id = "destination_pause", params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_pause(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<DestinationItem> {
    pause(&state, &scope, id, true).await
}

/// Let a destination go on
#[utoipa::path(post, path = "/api/v1/destinations/{id}/resume", tag = "destinations",
    operation_id = "destination_resume", params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn destination_resume(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<DestinationItem> {
    pause(&state, &scope, id, false).await
}

async fn pause(state: &Destinations, scope: &Scope, id: String, is_paused: bool) -> Answer<DestinationItem> {
    ask_present(state, scope, id.clone()).await?;
    let body = Pause { destination: id.clone(), is_paused };
    state.commands.submit(scope, DESTINATION_PAUSE, json(&body)?).await?;
    applied(state, scope, id, |now| !now.is_archived && (now.status.state == "paused") == is_paused).await
}

/// Refuses one more than there may be.
fn room(scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<()> {
    if destination_count(scope, tx)? < DESTINATIONS_MAX as u64 {
        return Ok(());
    }
    Err(Failure::LimitExceeded { limit: "the number of destinations", max: DESTINATIONS_MAX as u64 })
}

/// Refuses a definition that cannot work in this workspace, or that its actor may not give.
async fn check(
    state: &Destinations,
    scope: &Scope,
    definition: &Definition,
    more: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<()> + Send + 'static,
) -> Result<(), web::Problem> {
    definition.check()?;
    if definition.sends_personal {
        scope.require(Permission::PersonalRead)?;
    }
    let workspace = state.reader.installation().workspace(scope.workspace)?;
    let (guard, ledgers) = (state.guard.clone(), state.ledgers.clone());
    let (definition, now) = (definition.clone(), state.reader.installation().now());
    let checked = state.reader.read(scope, move |identity, tx| {
        more(identity.scope, tx)?;
        for follow in &definition.follows {
            let ledger = ledgers.iter().find(|ledger| ledger.kind() == follow.ledger);
            let kinds: Vec<&str> = ledgers.iter().map(|ledger| ledger.kind()).collect();
            let unknown = || Failure::invalid("follows", format!("`ledger` is one of {}", kinds.join(", ")));
            let subject = ledger.ok_or_else(unknown)?.subject(identity.scope, tx, &follow.id)?;
            if subject.is_none_or(|subject| subject.is_archived) {
                let message = format!("there is no {} `{}`", follow.ledger, follow.id);
                return Err(Failure::invalid("follows", message));
            }
        }
        let sealer = Sealer::new(workspace.no, &workspace.secret);
        let opened = secrets(identity.scope, tx, &sealer, &definition.target, now)?;
        let (guard, workspace) = (&guard, workspace.no);
        Opener { guard, workspace, definition: &definition, secrets: &opened }.open().map(drop)
    });
    checked.await
}

async fn ask_present(state: &Destinations, scope: &Scope, id: String) -> Result<(), web::Problem> {
    state.reader.read(scope, move |identity, tx| present(identity.scope, tx, &id).map(drop)).await
}

/// A destination that can still be changed.
fn present(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Destination> {
    let known = stored(scope, tx, id)?;
    if known.is_archived {
        return Err(Failure::conflict("the destination is put away; define a new one"));
    }
    Ok(known)
}

/// Reads a destination after a command. The pipeline leaves out a command that others have made senseless
/// since it was checked.
async fn applied(
    state: &Destinations,
    scope: &Scope,
    id: String,
    is_done: impl FnOnce(&DestinationItem) -> bool,
) -> Answer<DestinationItem> {
    let now = state.destination(scope, id).await?;
    if is_done(&now) {
        return Ok(Json(now));
    }
    Err(Failure::conflict("somebody else changed the destination meanwhile; look at it and try again").into())
}

fn json(body: &impl serde::Serialize) -> kernel::Result<serde_json::Value> {
    serde_json::to_value(body).map_err(Failure::internal)
}
