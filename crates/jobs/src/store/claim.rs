//! The life of a job in a process: claimed, prolonged, given back, ended.
//!
//! Every statement after the claim names the epoch of the claim and changes a row only while the job still
//! runs under it. So a process that was silent for longer than its lease changes nothing more, whatever it
//! still believes.

use db::Tx;
use kernel::{Failure, Instant, Scope};

use super::job::{Job, State};
use super::{ENDS, number};

/// A job and the claim under which a process does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The job.
    pub no: u64,
    /// The claim.
    pub epoch: u64,
}

/// Who claims, until when, and for how long the attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// A name for this process.
    pub owner: &'a str,
    /// Now.
    pub now: Instant,
    /// Until when nobody else may take it over.
    pub lease: Instant,
    /// When the attempt has failed.
    pub deadline: Instant,
    /// Attempts there may be, as this process knows the kind.
    pub attempts_max: u32,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much of it is done.
    pub done: u64,
    /// Of how much, if that is known.
    pub total: Option<u64>,
    /// What it is at, for people.
    pub text: String,
}

/// Takes a job that waits. `None` if it does not wait any more.
///
/// # Errors
/// As the database says; a constraint if another of its kind and key runs.
pub fn job_claim(scope: &Scope, tx: &mut Tx<'_>, job: &Job, claim: &Claim<'_>) -> db::Result<Option<Held>> {
    let sql = "update job set state = 'running', epoch = epoch + 1, attempt = attempt + 1, owner = ?3,
                   lease_us = ?4, started_us = ?5, deadline_us = ?6, attempts_max = ?7, waits_for = '',
                   done = 0, total = null, progress = ''
               where workspace_id = ?1 and job_no = ?2 and state = 'queued' and epoch = ?8";
    let params = [
        scope.workspace.into(),
        (job.no as i64).into(),
        claim.owner.into(),
        claim.lease.into(),
        claim.now.into(),
        claim.deadline.into(),
        claim.attempts_max.into(),
        (job.epoch as i64).into(),
    ];
    let is_mine = tx.execute(sql, &params)? == 1;
    Ok(is_mine.then_some(Held { no: job.no, epoch: job.epoch + 1 }))
}

/// Prolongs the lease and says how far the job is. Returns when somebody asked to stop it, if so.
///
/// # Errors
/// [`Failure::Conflict`] if another process took the job over.
pub fn job_beat(
    scope: &Scope,
    tx: &mut Tx<'_>,
    held: Held,
    lease: Instant,
    progress: &Progress,
) -> kernel::Result<Option<Instant>> {
    let sql = "update job set lease_us = ?4, done = ?5, total = ?6, progress = ?7
               where workspace_id = ?1 and job_no = ?2 and epoch = ?3 and state = 'running'
               returning cancel_us";
    let params = [
        scope.workspace.into(),
        (held.no as i64).into(),
        (held.epoch as i64).into(),
        lease.into(),
        (progress.done as i64).into(),
        progress.total.map(|total| total as i64).into(),
        (&progress.text).into(),
    ];
    let beaten = tx.query_one(sql, &params, |row| row.int_opt(0))?.ok_or_else(replaced)?;
    Ok(beaten.map(Instant))
}

/// Holds the job until the transaction ends, so that what is done in it is done while it is this process's.
///
/// # Errors
/// [`Failure::Conflict`] if another process took the job over.
pub fn job_hold(scope: &Scope, tx: &mut Tx<'_>, held: Held) -> kernel::Result<()> {
    let sql = "update job set lease_us = lease_us
               where workspace_id = ?1 and job_no = ?2 and epoch = ?3 and state = 'running'";
    let params = [scope.workspace.into(), (held.no as i64).into(), (held.epoch as i64).into()];
    if tx.execute(sql, &params)? == 1 { Ok(()) } else { Err(replaced()) }
}

/// The end of a job.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// How; a state that is over.
    pub state: State,
    /// Its result, as JSON.
    pub result: Option<&'a str>,
    /// Why it is not done.
    pub problem: Option<&'a str>,
    /// Now.
    pub now: Instant,
}

/// Ends a job.
///
/// # Errors
/// [`Failure::Conflict`] if another process took the job over.
pub fn job_end(scope: &Scope, tx: &mut Tx<'_>, held: Held, end: &End<'_>) -> kernel::Result<()> {
    let no = number(scope, tx, ENDS)?;
    let sql = "update job set state = ?4, result = ?5, problem = ?6, finished_us = ?7, finished_no = ?8,
                   deadline_us = null
               where workspace_id = ?1 and job_no = ?2 and epoch = ?3 and state = 'running'";
    let params = [
        scope.workspace.into(),
        (held.no as i64).into(),
        (held.epoch as i64).into(),
        end.state.name().into(),
        end.result.into(),
        end.problem.into(),
        end.now.into(),
        (no as i64).into(),
    ];
    if tx.execute(sql, &params)? == 1 { Ok(()) } else { Err(replaced()) }
}

/// Lets a job wait for another attempt, not before `ready`. `counts` is whether this one was an attempt.
///
/// # Errors
/// [`Failure::Conflict`] if another process took the job over.
pub fn job_requeue(
    scope: &Scope,
    tx: &mut Tx<'_>,
    held: Held,
    (ready, counts): (Instant, bool),
    problem: &str,
) -> kernel::Result<()> {
    let sql = "update job set state = 'queued', ready_us = ?4, problem = ?5, deadline_us = null,
                   attempt = attempt - ?6
               where workspace_id = ?1 and job_no = ?2 and epoch = ?3 and state = 'running'";
    let params = [
        scope.workspace.into(),
        (held.no as i64).into(),
        (held.epoch as i64).into(),
        ready.into(),
        problem.into(),
        i64::from(!counts).into(),
    ];
    if tx.execute(sql, &params)? == 1 { Ok(()) } else { Err(replaced()) }
}

/// Notes what a waiting job waits for.
///
/// # Errors
/// As the database says.
pub fn job_wait(scope: &Scope, tx: &mut Tx<'_>, job: &Job, waits_for: &str) -> db::Result<()> {
    if job.waits_for == waits_for {
        return Ok(());
    }
    let sql = "update job set waits_for = ?3 where workspace_id = ?1 and job_no = ?2 and state = 'queued'";
    tx.execute(sql, &[scope.workspace.into(), (job.no as i64).into(), waits_for.into()]).map(drop)
}

fn replaced() -> Failure {
    Failure::conflict("another process took this job over")
}
