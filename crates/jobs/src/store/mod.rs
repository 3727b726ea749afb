//! What is kept of jobs and schedules.

pub mod claim;
pub mod decision;
pub mod job;
pub mod line;
pub mod schedule;
pub mod worker;

use db::Tx;
use kernel::Scope;

/// Held while jobs are made of schedules and while they are claimed, so that processes take turns.
const LOCK: i64 = 0x4a4f_4253_0000_0000;

/// Waits for the other processes of the workspace.
///
/// # Errors
/// As the database says.
pub fn take_turns(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<()> {
    tx.lock(LOCK | i64::from(scope.workspace.0))
}

/// The next number of a sequence, from 1. Transactions that ask take turns until they end, so that numbers
/// become visible in their order.
fn number(scope: &Scope, tx: &mut Tx<'_>, name: &str) -> db::Result<u64> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 1)
               on conflict (workspace_id, name) do update set value = counter.value + 1 returning value";
    let last = tx.query_one(sql, &[scope.workspace.into(), name.into()], |row| row.int(0))?;
    Ok(last.unwrap_or_default() as u64)
}

/// The latest number of a sequence.
fn number_last(scope: &Scope, tx: &mut Tx<'_>, name: &str) -> db::Result<u64> {
    let sql = "select value from counter where workspace_id = ?1 and name = ?2";
    let last = tx.query_one(sql, &[scope.workspace.into(), name.into()], |row| row.int(0))?;
    Ok(last.unwrap_or_default() as u64)
}

/// The sequence of jobs.
const JOBS: &str = "job";
/// The sequence of ends: of jobs that are over, and of times that were decided.
const ENDS: &str = "job_end";
