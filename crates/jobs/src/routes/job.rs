//! `/api/v1/jobs`: what runs and what ran.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Body, Path, Query};

use super::Jobs;
use crate::order::order;
use crate::store::job::{self, Filter, Job, job_page};
use crate::store::line::{Line, line_page};
use crate::store::worker::worker_kinds;
use crate::work::Work;

/// Characters of an input. It names what to do it to, it does not bring it.
const INPUT_CHARS_MAX: usize = 16 << 10;
/// Why a job waits whose kind nobody runs.
pub(super) const NOBODY: &str =
    "no process that is running offers this kind of job; start one with the role `process`";
/// Lines that come with one job.
const LINES_SHOWN: usize = 100;

/// A job: work that takes longer than a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobItem {
    /// Its number.
    no: u64,
    /// Its kind.
    kind: String,
    /// What it is about.
    #[schema(value_type = Object)]
    input: Value,
    /// Where it is.
    state: job::State,
    /// The schedule that made it; `null` if somebody did.
    schedule: Option<String>,
    /// When that was due.
    due_at: Option<String>,
    /// Who made it, or the schedule.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When its latest attempt began.
    started_at: Option<String>,
    /// When it was over.
    finished_at: Option<String>,
    /// Attempts begun.
    attempt: u32,
    /// Attempts there may be.
    attempts_max: u32,
    /// Whether somebody asked to stop it.
    is_cancelling: bool,
    /// How far it is.
    progress: ProgressItem,
    /// Why it does not run yet, if it waits.
    waits_for: Option<String>,
    /// Its result; what that is depends on the kind.
    #[schema(value_type = Object)]
    result: Option<Value>,
    /// Why it is not done, or why the attempt before was not.
    problem: Option<String>,
}

/// How far a job is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProgressItem {
    /// How much of it is done.
    done: u64,
    /// Of how much; `null` if that is not known.
    total: Option<u64>,
    /// What it is at.
    text: String,
}

/// A line of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LineItem {
    /// Counts the lines, from 1.
    seq: u64,
    /// When.
    at: String,
    /// Whether something went wrong.
    is_problem: bool,
    /// What it said.
    text: String,
}

/// A job and what it said first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobWithLines {
    /// The job.
    #[serde(flatten)]
    job: JobItem,
    /// Its first 100 lines; `GET …/lines` has all.
    lines: Vec<LineItem>,
}

/// What can be run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KindItem {
    /// Its name.
    kind: String,
    /// What it does.
    about: String,
    /// What running it needs besides `job:write`.
    permission: String,
    /// How often it may be begun.
    attempts_max: u32,
}

/// A job to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJobBody {
    /// Its kind; `GET /api/v1/jobs/kinds` lists them.
    kind: String,
    /// What it is about.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    input: Value,
}

/// Which jobs to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobQuery {
    /// Only those in this state.
    state: Option<job::State>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Only those made by this schedule.
    schedule: Option<String>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl JobItem {
    /// A job as people see it; `offered` are the kinds that some process runs.
    pub(super) fn of(job: Job, offered: &BTreeSet<String>) -> Self {
        let is_stuck = job.state == job::State::Queued && !offered.contains(&job.kind);
        let waits_for = if is_stuck { NOBODY.to_owned() } else { job.waits_for };
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self {
            no: job.no,
            kind: job.kind,
            input: json(&job.input),
            state: job.state,
            schedule: job.schedule,
            due_at: job.due.map(|at| at.to_string()),
            actor: job.actor,
            created_at: job.created.to_string(),
            started_at: job.started.map(|at| at.to_string()),
            finished_at: job.finished.map(|at| at.to_string()),
            attempt: job.attempt,
            attempts_max: job.attempts_max,
            is_cancelling: job.state == job::State::Running && job.cancel.is_some(),
            progress: ProgressItem { done: job.done, total: job.total, text: job.progress },
            waits_for: (!waits_for.is_empty()).then_some(waits_for),
            result: job.result.as_deref().map(json),
            problem: job.problem,
        }
    }
}

impl From<Line> for LineItem {
    fn from(line: Line) -> Self {
        Self { seq: line.seq, at: line.at.to_string(), is_problem: line.is_problem, text: line.text }
    }
}

/// An input where none is given.
pub(super) fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// An input as it is kept, with its fields in order.
pub(super) fn kept(input: &Value) -> kernel::Result<Value> {
    let text = kernel::json::canonical(input);
    if text.len() > INPUT_CHARS_MAX {
        return Err(Failure::LimitExceeded { limit: "the bytes of an input", max: INPUT_CHARS_MAX as u64 });
    }
    serde_json::from_str(&text).map_err(Failure::internal)
}

/// Jobs, the latest first
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "job_list",
    params(JobQuery), responses((status = 200, body = Page<JobItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_list(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Query(query): Query<JobQuery>,
) -> Answer<Page<JobItem>> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    let before: u64 = query.cursor.as_deref().map_or(Ok(u64::MAX), decode_cursor)?;
    let filter = Filter { state: query.state, kind: query.kind, schedule: query.schedule };
    let now = state.installation.now();
    let read = state.read(&scope, move |scope, tx| {
        Ok((job_page(scope, tx, &filter, before, limit + 1)?, worker_kinds(scope, tx, now)?))
    });
    let (rows, offered) = read.await?;
    Ok(Json(page(rows, limit, |last| last.no, |job| JobItem::of(job, &offered))))
}

/// Run something now
///
/// It begins as soon as a process has room. A job of the same kind and key that is not over is a conflict.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", operation_id = "job_create",
    request_body = NewJobBody, responses((status = 200, body = JobItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_create(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Body(new): Body<NewJobBody>,
) -> Answer<JobItem> {
    let input = kept(&new.input)?;
    let work = Arc::clone(state.kinds.admit(&scope, &new.kind, &input)?);
    let now = state.installation.now();
    let made = state.write(&scope, move |scope, tx| {
        crate::store::take_turns(scope, tx)?;
        let made = order(scope, tx, work.as_ref(), &input, (None, now))?;
        Ok(JobItem::of(made, &worker_kinds(scope, tx, now)?))
    });
    Ok(Json(made.await?))
}

/// What can be run
#[utoipa::path(get, path = "/api/v1/jobs/kinds", tag = "jobs", operation_id = "job_kinds",
    responses((status = 200, body = Page<KindItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_kinds(State(state): State<Jobs>, Caller(_): Caller) -> Answer<Page<KindItem>> {
    let item = |work: &Arc<dyn Work>| KindItem {
        kind: work.kind().to_owned(),
        about: work.about().to_owned(),
        permission: work.permission().name().to_owned(),
        attempts_max: work.retries().attempts_max(),
    };
    Ok(Json(Page { items: state.kinds.iter().map(item).collect(), next: None }))
}

/// A job with what it said
#[utoipa::path(get, path = "/api/v1/jobs/{no}", tag = "jobs", operation_id = "job_fetch",
    params(("no" = u64, Path, description = "The job's number")),
    responses((status = 200, body = JobWithLines),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_fetch(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(no): Path<u64>,
) -> Answer<JobWithLines> {
    let now = state.installation.now();
    let read = state.read(&scope, move |scope, tx| {
        let job = JobItem::of(job::job_fetch(scope, tx, no)?, &worker_kinds(scope, tx, now)?);
        let lines = line_page(scope, tx, no, 0, LINES_SHOWN)?;
        Ok(JobWithLines { job, lines: lines.into_iter().map(Into::into).collect() })
    });
    Ok(Json(read.await?))
}

/// What a job said, in order
#[utoipa::path(get, path = "/api/v1/jobs/{no}/lines", tag = "jobs", operation_id = "job_lines",
    params(("no" = u64, Path, description = "The job's number"), PageQuery),
    responses((status = 200, body = Page<LineItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_lines(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(no): Path<u64>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<LineItem>> {
    let limit = query.limit();
    let after: u64 = query.cursor.as_deref().map_or(Ok(0), decode_cursor)?;
    let rows = state.read(&scope, move |scope, tx| {
        job::job_fetch(scope, tx, no)?;
        Ok(line_page(scope, tx, no, after, limit + 1)?)
    });
    Ok(Json(page(rows.await?, limit, |last| last.seq, Into::into)))
}

/// Stop a job
///
/// One that waits is over at once. One that runs is asked to stop, and dropped if it does not soon.
#[utoipa::path(post, path = "/api/v1/jobs/{no}/cancel", tag = "jobs", operation_id = "job_cancel",
    params(("no" = u64, Path, description = "The job's number")),
    responses((status = 200, body = JobItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn job_cancel(
    State(state): State<Jobs>,
    Caller(scope): Caller,
    Path(no): Path<u64>,
) -> Answer<JobItem> {
    let (kinds, now) = (state.kinds.clone(), state.installation.now());
    let cancelled = state.write(&scope, move |scope, tx| {
        let known = job::job_fetch(scope, tx, no)?;
        if let Some(work) = kinds.get(&known.kind) {
            scope.require(work.permission())?;
        }
        if known.state.is_over() {
            return Err(Failure::conflict(format!("the job is over: {}", known.state.name())));
        }
        job::job_cancel(scope, tx, no, now)?;
        Ok(JobItem::of(job::job_fetch(scope, tx, no)?, &worker_kinds(scope, tx, now)?))
    });
    Ok(Json(cancelled.await?))
}
