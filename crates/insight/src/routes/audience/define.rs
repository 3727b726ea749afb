//! Defining audiences: checked here, decided by the pipeline, answered once it has.

use axum::Json;
use axum::extract::State;
use criteria::Rule;
use criteria::cycle::Reference;
use jobs::rules::cadence::When;
use kernel::{Failure, Scope};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::{AudienceItem, Audiences, check, stored};
use crate::commands::{AUDIENCE_ARCHIVE, AUDIENCE_PUT, Archive, Put, audience_id};
use crate::live::Catalogue;
use crate::store::audience::{Audience, Mode, audience_by_id};

/// Audiences of a workspace. Every one is asked of every fact.
const AUDIENCES_MAX: usize = 1_000;
/// Characters of an id, which its schedule has too.
const ID_CHARS_MAX: usize = 64;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// What an audience shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    /// For a new one: the id it shall have, 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_`; one of its own if absent.
    id: Option<String>,
    /// What people call it.
    name: String,
    /// Who is in it; see the rule language.
    #[schema(value_type = Object)]
    rule: Box<RawValue>,
    /// When it is looked at again. `live` for a new one, unchanged for another definition, if absent.
    mode: Option<Mode>,
    /// With the mode `scheduled`: when everybody is looked at again. That makes a schedule with the audience's
    /// id. As it was if absent.
    schedule: Option<When>,
}

impl Definition {
    /// Its schedule in the workspace's time zone, if it has one and the mode goes with it.
    fn schedule(&self, state: &Audiences, scope: &Scope, mode: Mode) -> kernel::Result<Option<When>> {
        let Some(when) = self.schedule.clone() else { return Ok(None) };
        if mode != Mode::Scheduled {
            return Err(Failure::invalid("schedule", "goes with the mode `scheduled` only"));
        }
        let when = when.in_zone(&state.reader.installation().workspace(scope.workspace)?.time_zone);
        when.read().map(|_| Some(when))
    }

    /// The id it shall have, if that can be one.
    fn id(&self) -> kernel::Result<Option<String>> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        match &self.id {
            Some(id) if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(is_plain) => {
                Err(Failure::invalid("id", format!("1 to {ID_CHARS_MAX} of `a`–`z`, `0`–`9`, `-`, `_`")))
            }
            id => Ok(id.clone()),
        }
    }

    fn name(&self) -> kernel::Result<String> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
            return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters without NUL")));
        }
        Ok(name.to_owned())
    }
}

/// Define an audience
///
/// It is filled in the background: `is_filled` says when everybody was looked at.
#[utoipa::path(post, path = "/api/v1/audiences", tag = "audiences", operation_id = "audience_create",
    request_body = Definition, responses((status = 200, body = AudienceItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_create(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Body(definition): Body<Definition>,
) -> Answer<AudienceItem> {
    let (name, rule) = (definition.name()?, check::read(&definition.rule)?);
    let mode = definition.mode.unwrap_or(Mode::Live);
    let schedule = definition.schedule(&state, &scope, mode)?;
    let new_id = definition.id()?;
    let wanted = new_id.clone();
    let put = Put { audience: None, new_id: new_id.clone(), name, mode, rule: carried(&rule)?, schedule };
    state
        .reader
        .read(&scope, move |identity, tx| {
            if let Some(id) = &wanted
                && audience_by_id(identity.scope, tx, id)?.is_some()
            {
                return Err(Failure::conflict(format!("there is, or was, an audience `{id}`")));
            }
            let catalogue = Catalogue::read(identity.scope, tx)?;
            if catalogue.audiences().count() >= AUDIENCES_MAX {
                return Err(Failure::LimitExceeded {
                    limit: "the number of audiences",
                    max: AUDIENCES_MAX as u64,
                });
            }
            check::check(identity.scope, tx, &rule, None, &catalogue)
        })
        .await?;
    let command = state.commands.submit(&scope, AUDIENCE_PUT, json(&put)?).await?;
    let secret = state.reader.installation().workspace(scope.workspace)?.secret;
    let id = new_id.unwrap_or_else(|| audience_id(&secret, &command));
    let made = state.audience(&scope, id).await?;
    Ok(Json(made.into()))
}

/// Define an audience otherwise
///
/// Its version grows. With another rule or mode, everybody is looked at again.
#[utoipa::path(put, path = "/api/v1/audiences/{id}", tag = "audiences", operation_id = "audience_put",
    params(("id" = String, Path, description = "The audience")), request_body = Definition,
    responses((status = 200, body = AudienceItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_put(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(definition): Body<Definition>,
) -> Answer<AudienceItem> {
    let (name, rule) = (definition.name()?, check::read(&definition.rule)?);
    let (own, put_rule) = (id.clone(), carried(&rule)?);
    let known = state
        .reader
        .read(&scope, move |identity, tx| {
            let known = present(identity.scope, tx, &own)?;
            let catalogue = Catalogue::read(identity.scope, tx)?;
            check::check(identity.scope, tx, &rule, Some(&own), &catalogue)?;
            Ok(known)
        })
        .await?;
    let mode = definition.mode.unwrap_or(known.mode);
    let schedule = definition.schedule(&state, &scope, mode)?;
    if definition.id.as_ref().is_some_and(|other| *other != id) {
        return Err(Failure::invalid("id", "the id of an audience stays").into());
    }
    let put = Put { audience: Some(id.clone()), new_id: None, name, mode, rule: put_rule, schedule };
    state.commands.submit(&scope, AUDIENCE_PUT, json(&put)?).await?;
    let now = applied(&state, &scope, id, |now| !now.is_archived && now.version > known.version).await?;
    Ok(Json(now.into()))
}

/// Put an audience away
///
/// Everybody leaves it, and nothing enters any more. Its changes and versions stay readable.
#[utoipa::path(delete, path = "/api/v1/audiences/{id}", tag = "audiences",
    operation_id = "audience_archive", params(("id" = String, Path, description = "The audience")),
    responses((status = 200, body = AudienceItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_archive(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<AudienceItem> {
    let own = id.clone();
    state
        .reader
        .read(&scope, move |identity, tx| {
            present(identity.scope, tx, &own)?;
            let users = Catalogue::read(identity.scope, tx)?.users(&Reference::Audience(own.clone()));
            if users.is_empty() {
                return Ok(());
            }
            let message = format!("it is asked for by {}; change their rules first", users.join(", "));
            Err(Failure::conflict(message))
        })
        .await?;
    let archive = Archive { audience: id.clone() };
    state.commands.submit(&scope, AUDIENCE_ARCHIVE, json(&archive)?).await?;
    Ok(Json(applied(&state, &scope, id, |now| now.is_archived).await?.into()))
}

/// An audience that can still be changed.
fn present(scope: &Scope, tx: &mut db::Tx<'_>, id: &str) -> kernel::Result<Audience> {
    let known = stored(scope, tx, id)?;
    if known.is_archived {
        return Err(Failure::conflict("the audience is put away; define a new one"));
    }
    Ok(known)
}

/// Reads an audience after a command. The pipeline leaves out a command that others have made senseless
/// since it was checked.
async fn applied(
    state: &Audiences,
    scope: &Scope,
    id: String,
    is_done: impl FnOnce(&Audience) -> bool,
) -> Result<Audience, web::Problem> {
    let now = state.audience(scope, id).await?;
    if is_done(&now) {
        return Ok(now);
    }
    Err(Failure::conflict("somebody else changed the audience meanwhile; look at it and try again").into())
}

fn carried(rule: &Rule) -> kernel::Result<serde_json::Value> {
    serde_json::from_str(&rule.to_json()).map_err(Failure::internal)
}

fn json(body: &impl serde::Serialize) -> kernel::Result<serde_json::Value> {
    serde_json::to_value(body).map_err(Failure::internal)
}
