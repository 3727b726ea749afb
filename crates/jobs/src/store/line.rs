//! What jobs say while they run.

use db::Tx;
use kernel::{Instant, Scope};

/// Lines kept of one job. Later ones are dropped: whatever repeats itself so often is said already.
pub const LINES_MAX: u64 = 1_000;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counts the lines of its job, from 1.
    pub seq: u64,
    /// When it was said.
    pub at: Instant,
    /// Whether it is something that went wrong.
    pub is_problem: bool,
    /// The line.
    pub text: String,
}

/// Adds a line to a job.
///
/// # Errors
/// As the database says.
pub fn line_add(
    scope: &Scope,
    tx: &mut Tx<'_>,
    job: u64,
    (at, is_problem, text): (Instant, bool, &str),
) -> db::Result<()> {
    let sql = "select max(seq) from job_line where workspace_id = ?1 and job_no = ?2";
    let last = tx.query_one(sql, &[scope.workspace.into(), (job as i64).into()], |row| row.int_opt(0))?;
    let last = last.flatten().unwrap_or_default();
    if last >= LINES_MAX as i64 {
        return Ok(());
    }
    let sql = "insert into job_line (workspace_id, job_no, seq, at_us, is_problem, line)
               values (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = [
        scope.workspace.into(),
        (job as i64).into(),
        (last + 1).into(),
        at.into(),
        i64::from(is_problem).into(),
        text.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The lines of a job after one, in order.
///
/// # Errors
/// As the database says.
pub fn line_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    job: u64,
    after: u64,
    limit: usize,
) -> db::Result<Vec<Line>> {
    let sql = "select seq, at_us, is_problem, line from job_line
               where workspace_id = ?1 and job_no = ?2 and seq > ?3 order by seq limit ?4";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let params = [scope.workspace.into(), (job as i64).into(), after.into(), (limit as i64).into()];
    tx.query(sql, &params, |row| {
        Ok(Line {
            seq: row.int(0)? as u64,
            at: row.instant(1)?,
            is_problem: row.int(2)? != 0,
            text: row.text(3)?.to_owned(),
        })
    })
}
