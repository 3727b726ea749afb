//! Why schedules ran or did not, and how their jobs ended, for those that wait for them.

use db::{Row, Tx};
use kernel::{Instant, Scope};

use super::{ENDS, number};
use crate::rules::decide::{Decision, End, Ended, Reason};

/// What was decided of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its place among ends.
    pub seq: u64,
    /// The time that was due.
    pub due: Instant,
    /// What was decided.
    pub reason: Reason,
    /// When.
    pub at: Instant,
    /// The job that was made.
    pub job: Option<u64>,
    /// The particulars, for people.
    pub detail: String,
}

/// Notes a decision; the same one about the same time is noted once.
///
/// # Errors
/// As the database says.
pub fn decision_add(
    scope: &Scope,
    tx: &mut Tx<'_>,
    schedule: &str,
    decision: &Decision,
    (at, job): (Instant, Option<u64>),
) -> db::Result<()> {
    let seq = number(scope, tx, ENDS)?;
    let sql = "insert into schedule_decision (workspace_id, schedule_id, due_us, reason, seq, at_us, job_no,
                   detail)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               on conflict (workspace_id, schedule_id, due_us, reason) do nothing";
    let params = [
        scope.workspace.into(),
        schedule.into(),
        decision.due.into(),
        decision.reason.name().into(),
        (seq as i64).into(),
        at.into(),
        job.map(|no| no as i64).into(),
        (&decision.detail).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Decisions about a schedule before one, the latest first.
///
/// # Errors
/// As the database says.
pub fn decision_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    schedule: &str,
    before: u64,
    limit: usize,
) -> db::Result<Vec<Decided>> {
    let sql = "select seq, due_us, reason, at_us, job_no, detail from schedule_decision
               where workspace_id = ?1 and schedule_id = ?2 and seq < ?3 order by seq desc limit ?4";
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    tx.query(sql, &[scope.workspace.into(), schedule.into(), before.into(), (limit as i64).into()], decided)
}

/// Whether a decision was noted already.
///
/// # Errors
/// As the database says.
pub fn decision_is_known(
    scope: &Scope,
    tx: &mut Tx<'_>,
    schedule: &str,
    decision: &Decision,
) -> db::Result<bool> {
    let sql = "select seq from schedule_decision
               where workspace_id = ?1 and schedule_id = ?2 and due_us = ?3 and reason = ?4";
    let params =
        [scope.workspace.into(), schedule.into(), decision.due.into(), decision.reason.name().into()];
    Ok(tx.query_one(sql, &params, |row| row.int(0))?.is_some())
}

/// Forgets decisions made before an instant.
///
/// # Errors
/// As the database says.
pub fn decision_forget(scope: &Scope, tx: &mut Tx<'_>, before: Instant) -> db::Result<u64> {
    let sql = "delete from schedule_decision where workspace_id = ?1 and at_us < ?2";
    tx.execute(sql, &[scope.workspace.into(), before.into()])
}

/// The latest end of a schedule after another end: of a job of it, or of a time that made none. Reasons to
/// wait are no ends.
///
/// # Errors
/// As the database says.
pub fn end_after(scope: &Scope, tx: &mut Tx<'_>, schedule: &str, seen: u64) -> db::Result<Option<End>> {
    let params = [scope.workspace.into(), schedule.into(), (seen as i64).into()];
    let sql = "select finished_no, finished_us, state, job_no from job
               where workspace_id = ?1 and schedule_id = ?2 and finished_no > ?3
               order by finished_no desc limit 1";
    let job = tx.query_one(sql, &params, |row| {
        let is_done = row.text(2)? == "succeeded";
        let how = if is_done { Ended::Succeeded } else { Ended::Failed(row.int(3)? as u64) };
        Ok(End { schedule: schedule.to_owned(), no: row.int(0)? as u64, at: row.instant(1)?, how })
    })?;
    let sql = "select seq, at_us, reason from schedule_decision
               where workspace_id = ?1 and schedule_id = ?2 and seq > ?3
                   and reason in ('paused', 'still_running', 'dependency_failed', 'dependency_skipped')
               order by seq desc limit 1";
    let skip = tx.query_one(sql, &params, |row| {
        let how = Ended::Skipped(reason(row.text(2)?)?);
        Ok(End { schedule: schedule.to_owned(), no: row.int(0)? as u64, at: row.instant(1)?, how })
    })?;
    Ok(job.into_iter().chain(skip).max_by_key(|end| end.no))
}

fn reason(name: &str) -> db::Result<Reason> {
    Reason::parse(name).ok_or_else(|| db::Error::Other(format!("no reason `{name}`")))
}

fn decided(row: &Row<'_>) -> db::Result<Decided> {
    Ok(Decided {
        seq: row.int(0)? as u64,
        due: row.instant(1)?,
        reason: reason(row.text(2)?)?,
        at: row.instant(3)?,
        job: row.int_opt(4)?.map(|no| no as u64),
        detail: row.text(5)?.to_owned(),
    })
}
