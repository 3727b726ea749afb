//! Defining schedules: checked here, decided by the pipeline, answered once it has.

use axum::Json;
use axum::extract::State;
use kernel::{Failure, Scope};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, Problem, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::Jobs;
use super::job::{JobItem, kept, nothing};
use super::schedule::{ScheduleItem, stored};
use crate::commands::{Pause, Put, Remove, SCHEDULE_PAUSE, SCHEDULE_PUT, SCHEDULE_REMOVE, check, no_user};
use crate::order::order;
use crate::rules::cadence::When;
use crate::store::schedule::{schedule_all, schedule_by_id};
use crate::store::worker::worker_kinds;

/// Schedules of a workspace. All are looked at in every turn.
const SCHEDULES_MAX: usize = 1_000;
/// Characters of an id.
const ID_CHARS_MAX: usize = 64;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// What a schedule shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Definition {
    /// What people call it; its id if absent.
    name: Option<String>,
    /// The kind of its jobs; `GET /api/v1/jobs/kinds` lists them.
    kind: String,
    /// Their input.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    input: Value,
    /// When it is due.
    when: When,
    /// Whether it is stopped. As it was if absent.
    is_paused: Option<bool>,
}

/// Define a schedule, new or otherwise
///
/// What was due before the definition is not made up for.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "jobs", operation_id = "schedule_put",
    params(("id" = String, Path, description = "The schedule: 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_`")),
    request_body = Definition, responses((status = 200, body = ScheduleItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_put(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(definition): Body<Definition>,
) -> Answer<ScheduleItem> {
    check_id(&id)?;
    let input = kept(&definition.input)?;
    state.kinds.admit(&scope, &definition.kind, &input)?;
    let zone = state.installation.workspace(scope.workspace)?.time_zone.clone();
    let mut put = Put {
        name: name(&id, definition.name.as_deref())?,
        schedule: id.clone(),
        kind: definition.kind,
        input,
        when: definition.when.in_zone(&zone),
        is_paused: definition.is_paused.unwrap_or_default(),
    };
    let keeps_paused = definition.is_paused.is_none();
    let (put, version) = state
        .read(&scope, move |scope, tx| {
            let all = schedule_all(scope, tx)?;
            check(&put, &all)?;
            let known = all.iter().find(|schedule| schedule.id == put.schedule);
            if known.is_none() && all.len() >= SCHEDULES_MAX {
                return Err(Failure::LimitExceeded {
                    limit: "the number of schedules",
                    max: SCHEDULES_MAX as u64,
                });
            }
            put.is_paused |= keeps_paused && known.is_some_and(|known| known.is_paused);
            let version = known.map_or(0, |known| known.version);
            Ok((put, version))
        })
        .await?;
    state.commands.submit(&scope, SCHEDULE_PUT, json(&put)?).await?;
    let put = state.read(&scope, move |scope, tx| stored(scope, tx, &id)).await?;
    applied(put.version > version)?;
    Ok(Json(ScheduleItem::of(put, state.installation.now())))
}

/// Remove a schedule
///
/// Its jobs stay. A schedule that others wait for is a conflict.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}", tag = "jobs", operation_id = "schedule_remove",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, body = ScheduleItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_remove(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<ScheduleItem> {
    let own = id.clone();
    let known = state
        .read(&scope, move |scope, tx| {
            let known = stored(scope, tx, &own)?;
            no_user(&own, &schedule_all(scope, tx)?)?;
            Ok(known)
        })
        .await?;
    permitted(&state, &scope, &known.kind)?;
    state.commands.submit(&scope, SCHEDULE_REMOVE, json(&Remove { schedule: id.clone() })?).await?;
    let left = state.read(&scope, move |scope, tx| Ok(schedule_by_id(scope, tx, &id)?)).await?;
    applied(left.is_none())?;
    Ok(Json(ScheduleItem::of(known, state.installation.now())))
}

/// Stop a schedule
///
/// What is due until it goes on is not made up for.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/pause", tag = "jobs", operation_id = "schedule_pause",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, body = ScheduleItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_pause(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<ScheduleItem> {
    set_paused(&state, &scope, id, true).await
}

/// Let a schedule go on
#[utoipa::path(post, path = "/api/v1/schedules/{id}/resume", tag = "jobs", operation_id = "schedule_resume",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, body = ScheduleItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_resume(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<ScheduleItem> {
    set_paused(&state, &scope, id, false).await
}

/// Run what a schedule runs, now
///
/// Also while it is paused. Schedules that wait for this one follow as if it had been due.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/run", tag = "jobs", operation_id = "schedule_run",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, body = JobItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_run(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<JobItem> {
    let (kinds, now) = (state.kinds.clone(), state.installation.now());
    let made = state.write(&scope, move |scope, tx| {
        let schedule = stored(scope, tx, &id)?;
        let input = serde_json::from_str(&schedule.input).map_err(Failure::internal)?;
        let work = kinds.admit(scope, &schedule.kind, &input)?;
        crate::store::take_turns(scope, tx)?;
        let made = order(scope, tx, work.as_ref(), &input, (Some(&id), now))?;
        Ok(JobItem::of(made, &worker_kinds(scope, tx, now)?))
    });
    Ok(Json(made.await?))
}

async fn set_paused(state: &Jobs, scope: &Scope, id: String, is_paused: bool) -> Answer<ScheduleItem> {
    let own = id.clone();
    let known = state.read(scope, move |scope, tx| stored(scope, tx, &own)).await?;
    permitted(state, scope, &known.kind)?;
    let now = state.installation.now();
    if known.is_paused == is_paused {
        return Ok(Json(ScheduleItem::of(known, now)));
    }
    let pause = Pause { schedule: id.clone(), is_paused };
    state.commands.submit(scope, SCHEDULE_PAUSE, json(&pause)?).await?;
    let set = state.read(scope, move |scope, tx| stored(scope, tx, &id)).await?;
    applied(set.is_paused == is_paused)?;
    Ok(Json(ScheduleItem::of(set, now)))
}

/// Whoever may not run a kind may not stop it from running either.
fn permitted(state: &Jobs, scope: &Scope, kind: &str) -> kernel::Result<()> {
    state.kinds.get(kind).map_or(Ok(()), |work| scope.require(work.permission()))
}

fn check_id(id: &str) -> kernel::Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(is_plain) {
        let message = format!("1 to {ID_CHARS_MAX} of `a`–`z`, `0`–`9`, `-`, `_`");
        return Err(Failure::invalid("id", message));
    }
    Ok(())
}

fn name(id: &str, name: Option<&str>) -> kernel::Result<String> {
    let name = name.unwrap_or(id).trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
        return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters without NUL")));
    }
    Ok(name.to_owned())
}

/// The pipeline leaves out a command that others have made senseless since it was checked.
fn applied(is_done: bool) -> Result<(), Problem> {
    if is_done {
        return Ok(());
    }
    Err(Failure::conflict("somebody else changed the schedules meanwhile; look at them and try again").into())
}

fn json(body: &impl serde::Serialize) -> kernel::Result<Value> {
    serde_json::to_value(body).map_err(Failure::internal)
}
