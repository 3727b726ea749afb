//! Makes a job of work that was admitted.

use db::Tx;
use kernel::{Failure, Instant, Scope};
use serde_json::Value;

use crate::store::job::{Job, NewJob, job_busy, job_create, job_fetch};
use crate::work::Work;

/// Makes a job, on behalf of a schedule if one is named, unless one that does the same waits or runs. The
/// caller has taken turns ([`crate::store::take_turns`]).
///
/// # Errors
/// [`Failure::Conflict`] that names the other job; else as the database says.
pub fn order(
    scope: &Scope,
    tx: &mut Tx<'_>,
    work: &dyn Work,
    input: &Value,
    (schedule, now): (Option<&str>, Instant),
) -> kernel::Result<Job> {
    let key = work.key(input);
    if let Some(busy) = job_busy(scope, tx, work.kind(), &key)? {
        return Err(Failure::conflict(format!("job {busy} does the same and is not over")));
    }
    let new = NewJob {
        kind: work.kind(),
        key: &key,
        input: &input.to_string(),
        attempts_max: work.retries().attempts_max(),
        schedule: schedule.map(|id| (id, now)),
        actor: &scope.actor,
        now,
    };
    let no = job_create(scope, tx, &new)?;
    job_fetch(scope, tx, no)
}
