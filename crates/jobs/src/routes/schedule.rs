//! `/api/v1/schedules`: what will run by itself, when, and why it did not.

use axum::Json;
use axum::extract::State;
use db::Tx;
use kernel::{Failure, Instant, Scope};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use super::Jobs;
use super::job::NOBODY;
use crate::rules::cadence::When;
use crate::store::decision::{Decided, decision_page};
use crate::store::job::job_busy;
use crate::store::schedule::{Schedule, schedule_all, schedule_by_id};
use crate::store::worker::worker_kinds;
use crate::work::Kinds;

/// Times to come that are shown.
const NEXT_SHOWN: usize = 5;
/// Decisions that come with one schedule.
const DECISIONS_SHOWN: usize = 10;

/// A schedule: makes jobs of one kind and input.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleItem {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// The kind of its jobs.
    kind: String,
    /// Their input.
    #[schema(value_type = Object)]
    input: Value,
    /// When it is due.
    when: When,
    /// The same for people to read.
    text: String,
    /// Whether people stopped it.
    is_paused: bool,
    /// The next five times it is due by itself; none after other schedules, or while it is paused.
    next_at: Vec<String>,
    /// Counts its definitions, from 1.
    version: u32,
    /// Who defined it last.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When it was last defined, paused or resumed.
    changed_at: String,
}

/// A schedule, why it does not run right now, and what was decided of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleWithWhy {
    /// The schedule.
    #[serde(flatten)]
    schedule: ScheduleItem,
    /// What it waits for now.
    why: String,
    /// The latest ten decisions; `GET …/decisions` has all.
    decisions: Vec<DecisionItem>,
}

/// Why a schedule ran or did not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionItem {
    /// The time that was due; the first one if several were missed.
    due_at: String,
    /// `started`, `paused`, `still_running`, `dependency_failed`, `dependency_skipped`, `no_worker` or `quota`.
    reason: String,
    /// When that was decided.
    at: String,
    /// The job that was made.
    job: Option<u64>,
    /// The particulars.
    detail: String,
}

impl ScheduleItem {
    pub(super) fn of(schedule: Schedule, now: Instant) -> Self {
        let cadence = schedule.when.read().ok().filter(|_| !schedule.is_paused);
        let next = cadence.map(|cadence| cadence.times(now, NEXT_SHOWN)).unwrap_or_default();
        Self {
            text: schedule.when.to_string(),
            id: schedule.id,
            name: schedule.name,
            kind: schedule.kind,
            input: serde_json::from_str(&schedule.input).unwrap_or_default(),
            when: schedule.when,
            is_paused: schedule.is_paused,
            next_at: next.iter().map(Instant::to_string).collect(),
            version: schedule.version,
            actor: schedule.actor,
            created_at: schedule.created.to_string(),
            changed_at: schedule.changed.to_string(),
        }
    }
}

impl From<Decided> for DecisionItem {
    fn from(decided: Decided) -> Self {
        Self {
            due_at: decided.due.to_string(),
            reason: decided.reason.name().to_owned(),
            at: decided.at.to_string(),
            job: decided.job,
            detail: decided.detail,
        }
    }
}

/// Schedules, by id
#[utoipa::path(get, path = "/api/v1/schedules", tag = "jobs", operation_id = "schedule_list",
    params(PageQuery), responses((status = 200, body = Page<ScheduleItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_list(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<ScheduleItem>> {
    let limit = query.limit();
    let after: String = query.cursor.as_deref().map_or(Ok(String::new()), decode_cursor)?;
    let mut rows = state.read(&scope, |scope, tx| Ok(schedule_all(scope, tx)?)).await?;
    rows.retain(|schedule| schedule.id > after);
    rows.truncate(limit + 1);
    let now = state.installation.now();
    Ok(Json(page(rows, limit, |last| last.id.clone(), |row| ScheduleItem::of(row, now))))
}

/// A schedule, when it is due, and why it ran or did not
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "jobs", operation_id = "schedule_fetch",
    params(("id" = String, Path, description = "The schedule")),
    responses((status = 200, body = ScheduleWithWhy),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_fetch(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<ScheduleWithWhy> {
    let (kinds, now) = (state.kinds.clone(), state.installation.now());
    let read = state.read(&scope, move |scope, tx| {
        let schedule = stored(scope, tx, &id)?;
        let why = why(scope, tx, &schedule, &kinds, now)?;
        let decisions = decision_page(scope, tx, &id, u64::MAX, DECISIONS_SHOWN)?;
        let decisions = decisions.into_iter().map(Into::into).collect();
        Ok(ScheduleWithWhy { schedule: ScheduleItem::of(schedule, now), why, decisions })
    });
    Ok(Json(read.await?))
}

/// Why a schedule ran or did not, the latest first
///
/// Each reason is kept once for each time that was due, for 30 days.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/decisions", tag = "jobs",
    operation_id = "schedule_decisions",
    params(("id" = String, Path, description = "The schedule"), PageQuery),
    responses((status = 200, body = Page<DecisionItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn schedule_decisions(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<DecisionItem>> {
    let limit = query.limit();
    let before: u64 = query.cursor.as_deref().map_or(Ok(u64::MAX), decode_cursor)?;
    let rows = state.read(&scope, move |scope, tx| {
        stored(scope, tx, &id)?;
        Ok(decision_page(scope, tx, &id, before, limit + 1)?)
    });
    Ok(Json(page(rows.await?, limit, |last| last.seq, Into::into)))
}

/// What a schedule waits for now.
fn why(
    scope: &Scope,
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    kinds: &Kinds,
    now: Instant,
) -> kernel::Result<String> {
    if schedule.is_paused {
        return Ok("it is paused".to_owned());
    }
    let input = serde_json::from_str(&schedule.input).map_err(Failure::internal)?;
    if let Some(work) = kinds.get(&schedule.kind)
        && let Some(job) = job_busy(scope, tx, &schedule.kind, &work.key(&input))?
    {
        return Ok(format!("job {job} is not over; see what that waits for"));
    }
    if !worker_kinds(scope, tx, now)?.contains(&schedule.kind) {
        return Ok(NOBODY.to_owned());
    }
    let cadence = schedule.when.read()?;
    Ok(match cadence.next(schedule.considered) {
        Some(due) if due > now => format!("it is not due before {due}"),
        Some(due) => format!("it has been due since {due} and is looked at within seconds"),
        None if cadence.upstream().is_empty() => "no time matches its cron text".to_owned(),
        None => format!("it waits until each of these has run again: {}", cadence.upstream().join(", ")),
    })
}

pub(super) fn stored(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Schedule> {
    schedule_by_id(scope, tx, id)?.ok_or_else(|| Failure::not_found("schedule"))
}
