//! Jobs: made, looked at, cancelled, forgotten. How one is run is in [`super::claim`].

use db::{Row, Tx, Value};
use kernel::{Failure, Instant, Scope};

use super::{ENDS, JOBS, number};

/// Jobs that may wait in a workspace. More are a schedule or script gone wild.
pub const QUEUED_MAX: u64 = 1_000;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn, or for another attempt.
    Queued,
    /// A process does it.
    Running,
    /// Done; there is a result.
    Succeeded,
    /// Not done; the problem says why.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

impl State {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Queued, "queued"),
        (Self::Running, "running"),
        (Self::Succeeded, "succeeded"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> db::Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(state, _)| *state).ok_or_else(|| db::Error::Other(format!("no state `{name}`")))
    }

    /// Whether nothing happens to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number, in the order jobs are made, from 1.
    pub no: u64,
    /// Its kind.
    pub kind: String,
    /// Of jobs of this kind with this key one runs at a time.
    pub key: String,
    /// What it is about, as JSON.
    pub input: String,
    /// The schedule that made it.
    pub schedule: Option<String>,
    /// When that was due.
    pub due: Option<Instant>,
    /// Who made it.
    pub actor: String,
    /// Where it is.
    pub state: State,
    /// When it was made.
    pub created: Instant,
    /// Not to be begun before.
    pub ready: Instant,
    /// When its latest attempt began.
    pub started: Option<Instant>,
    /// When it was over.
    pub finished: Option<Instant>,
    /// Attempts begun.
    pub attempt: u32,
    /// Attempts there may be.
    pub attempts_max: u32,
    /// Counts the claims: what a process writes names the epoch it claimed.
    pub epoch: u64,
    /// The process that claimed it last.
    pub owner: String,
    /// Until when that process is believed to be alive.
    pub lease: Instant,
    /// When its present attempt has failed.
    pub deadline: Option<Instant>,
    /// When somebody asked to stop it.
    pub cancel: Option<Instant>,
    /// How much of it is done.
    pub done: u64,
    /// Of how much, if that is known.
    pub total: Option<u64>,
    /// What it is at, for people.
    pub progress: String,
    /// What it waits for, for people; empty if for nothing.
    pub waits_for: String,
    /// Its result, as JSON.
    pub result: Option<String>,
    /// Why it is not done.
    pub problem: Option<String>,
}

/// A job to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its key among jobs of the kind.
    pub key: &'a str,
    /// Its input, as JSON.
    pub input: &'a str,
    /// Attempts there may be.
    pub attempts_max: u32,
    /// The schedule that makes it, and when that was due.
    pub schedule: Option<(&'a str, Instant)>,
    /// Who makes it.
    pub actor: &'a str,
    /// Now.
    pub now: Instant,
}

const COLUMNS: &str = "job_no, kind, job_key, input, schedule_id, due_us, actor, state, created_us, ready_us,
                       started_us, finished_us, attempt, attempts_max, epoch, owner, lease_us, deadline_us,
                       cancel_us, done, total, progress, waits_for, result, problem";

/// Makes a job and returns its number.
///
/// # Errors
/// [`Failure::LimitExceeded`] if [`QUEUED_MAX`] wait; else as the database says.
pub fn job_create(scope: &Scope, tx: &mut Tx<'_>, new: &NewJob<'_>) -> kernel::Result<u64> {
    if job_queued_count(scope, tx)? >= QUEUED_MAX {
        return Err(Failure::LimitExceeded { limit: "the number of waiting jobs", max: QUEUED_MAX });
    }
    let no = number(scope, tx, JOBS)?;
    let sql =
        "insert into job (workspace_id, job_no, kind, job_key, input, schedule_id, due_us, actor, state,
                   created_us, ready_us, attempt, attempts_max, epoch, owner, lease_us, done, progress,
                   waits_for)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?9, 0, ?10, 0, '', 0, 0, '', '')";
    let params = [
        scope.workspace.into(),
        (no as i64).into(),
        new.kind.into(),
        new.key.into(),
        new.input.into(),
        new.schedule.map(|(id, _)| id).into(),
        new.schedule.map(|(_, due)| due).into(),
        new.actor.into(),
        new.now.into(),
        new.attempts_max.into(),
    ];
    tx.execute(sql, &params)?;
    Ok(no)
}

/// How many wait.
///
/// # Errors
/// As the database says.
pub fn job_queued_count(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<u64> {
    let sql = "select count(*) from job where workspace_id = ?1 and state = 'queued'";
    let count = tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?;
    Ok(count.unwrap_or_default() as u64)
}

/// A job.
///
/// # Errors
/// [`Failure::NotFound`] if there is none of this number.
pub fn job_fetch(scope: &Scope, tx: &mut Tx<'_>, no: u64) -> kernel::Result<Job> {
    let sql = format!("select {COLUMNS} from job where workspace_id = ?1 and job_no = ?2");
    let found = tx.query_one(&sql, &[scope.workspace.into(), (no as i64).into()], job)?;
    found.ok_or_else(|| Failure::not_found("job"))
}

/// The jobs in a state, oldest first.
///
/// # Errors
/// As the database says.
pub fn job_in_state(scope: &Scope, tx: &mut Tx<'_>, state: State, limit: usize) -> db::Result<Vec<Job>> {
    let sql =
        format!("select {COLUMNS} from job where workspace_id = ?1 and state = ?2 order by job_no limit ?3");
    tx.query(&sql, &[scope.workspace.into(), state.name().into(), (limit as i64).into()], job)
}

/// A job of this kind and key that is not over, the oldest.
///
/// # Errors
/// As the database says.
pub fn job_busy(scope: &Scope, tx: &mut Tx<'_>, kind: &str, key: &str) -> db::Result<Option<u64>> {
    let sql = "select min(job_no) from job where workspace_id = ?1 and kind = ?2 and job_key = ?3
               and state in ('queued', 'running')";
    let found =
        tx.query_one(sql, &[scope.workspace.into(), kind.into(), key.into()], |row| row.int_opt(0))?;
    Ok(found.flatten().map(|no| no as u64))
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only made by this schedule.
    pub schedule: Option<String>,
}

/// Jobs with numbers below `before`, the latest first.
///
/// # Errors
/// As the database says.
pub fn job_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    filter: &Filter,
    before: u64,
    limit: usize,
) -> db::Result<Vec<Job>> {
    let mut sql = format!("select {COLUMNS} from job where workspace_id = ?1 and job_no < ?2");
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let mut params: Vec<Value<'_>> = vec![scope.workspace.into(), before.into()];
    let state = filter.state.map(|state| state.name().to_owned());
    let columns = [("state", &state), ("kind", &filter.kind), ("schedule_id", &filter.schedule)];
    for (column, wanted) in columns {
        if let Some(wanted) = wanted {
            params.push(wanted.into());
            sql.push_str(&format!(" and {column} = ?{}", params.len()));
        }
    }
    params.push((limit as i64).into());
    sql.push_str(&format!(" order by job_no desc limit ?{}", params.len()));
    tx.query(&sql, &params, job)
}

/// Asks to stop a job: one that waits is over at once, one that runs learns of it soon. Whether anything
/// changed: nothing does when it is over.
///
/// # Errors
/// As the database says.
pub fn job_cancel(scope: &Scope, tx: &mut Tx<'_>, no: u64, now: Instant) -> db::Result<bool> {
    let end = number(scope, tx, ENDS)?;
    let sql = "update job set state = 'cancelled', cancel_us = ?3, finished_us = ?3, finished_no = ?4,
                   waits_for = '', problem = 'cancelled while it waited'
               where workspace_id = ?1 and job_no = ?2 and state = 'queued'";
    let params = [scope.workspace.into(), (no as i64).into(), now.into(), (end as i64).into()];
    if tx.execute(sql, &params)? > 0 {
        return Ok(true);
    }
    let sql = "update job set cancel_us = ?3
               where workspace_id = ?1 and job_no = ?2 and state = 'running' and cancel_us is null";
    Ok(tx.execute(sql, &[scope.workspace.into(), (no as i64).into(), now.into()])? > 0)
}

/// Forgets at most `limit` jobs that were over before an instant, with what they said. Returns how many.
///
/// # Errors
/// As the database says.
pub fn job_forget(scope: &Scope, tx: &mut Tx<'_>, before: Instant, limit: usize) -> db::Result<u64> {
    let sql = "select job_no from job where workspace_id = ?1 and finished_us < ?2
               order by finished_us limit ?3";
    let params = [scope.workspace.into(), before.into(), (limit as i64).into()];
    let old = tx.query(sql, &params, |row| row.int(0))?;
    for no in &old {
        let params = [scope.workspace.into(), (*no).into()];
        tx.execute("delete from job_line where workspace_id = ?1 and job_no = ?2", &params)?;
        tx.execute("delete from job where workspace_id = ?1 and job_no = ?2", &params)?;
    }
    Ok(old.len() as u64)
}

/// The end of the `keep`th latest job that is over, if there are that many.
///
/// # Errors
/// As the database says.
pub fn job_kept_since(scope: &Scope, tx: &mut Tx<'_>, keep: usize) -> db::Result<Option<Instant>> {
    let sql = "select finished_us from job where workspace_id = ?1 and finished_us is not null
               order by finished_us desc limit 1 offset ?2";
    tx.query_one(sql, &[scope.workspace.into(), (keep as i64 - 1).into()], |row| row.instant(0))
}

fn job(row: &Row<'_>) -> db::Result<Job> {
    let instant = |i| Ok::<_, db::Error>(row.int_opt(i)?.map(Instant));
    let text = |i| Ok::<_, db::Error>(row.text_opt(i)?.map(str::to_owned));
    Ok(Job {
        no: row.int(0)? as u64,
        kind: row.text(1)?.to_owned(),
        key: row.text(2)?.to_owned(),
        input: row.text(3)?.to_owned(),
        schedule: text(4)?,
        due: instant(5)?,
        actor: row.text(6)?.to_owned(),
        state: State::parse(row.text(7)?)?,
        created: row.instant(8)?,
        ready: row.instant(9)?,
        started: instant(10)?,
        finished: instant(11)?,
        attempt: row.int(12)? as u32,
        attempts_max: row.int(13)? as u32,
        epoch: row.int(14)? as u64,
        owner: row.text(15)?.to_owned(),
        lease: row.instant(16)?,
        deadline: instant(17)?,
        cancel: instant(18)?,
        done: row.int(19)? as u64,
        total: row.int_opt(20)?.map(|total| total as u64),
        progress: row.text(21)?.to_owned(),
        waits_for: row.text(22)?.to_owned(),
        result: text(23)?,
        problem: text(24)?,
    })
}
