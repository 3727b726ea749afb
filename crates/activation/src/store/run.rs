//! Who serves a destination and how it does, and the fence that keeps a replaced one from recording.

use db::{Row, Tx};
use kernel::{Failure, Instant, Scope};

use super::destination::DestinationNo;
use crate::rules::settle::Health;

/// How a destination is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Raised by every takeover; whoever has an older one records nothing any more.
    pub epoch: u64,
    /// Who serves it.
    pub owner: String,
    /// Until when nobody else takes over.
    pub lease: Instant,
    /// How it does.
    pub health: Health,
    /// Changes it took.
    pub delivered: u64,
    /// Changes that must not leave.
    pub blocked: u64,
    /// Changes that were given up.
    pub dead: u64,
}

/// Who wants to serve a destination, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Which.
    pub destination: DestinationNo,
    /// Who.
    pub owner: &'a str,
    /// Now.
    pub now: Instant,
    /// Until when nobody else may.
    pub lease: Instant,
}

const COLUMNS: &str =
    "epoch, owner, lease_us, failures, retry_us, success_us, failure_us, failure, delivered,
                       blocked, dead";

/// How a destination is served; as new if nobody did yet.
///
/// # Errors
/// As the database says.
pub fn run_fetch(scope: &Scope, tx: &mut Tx<'_>, destination: DestinationNo) -> db::Result<Run> {
    let sql =
        format!("select {COLUMNS} from destination_run where workspace_id = ?1 and destination_no = ?2");
    let found = tx.query_one(&sql, &[scope.workspace.into(), destination.into()], run)?;
    Ok(found.unwrap_or_default())
}

/// Takes a destination over: whoever had it records nothing any more. `None` while another's lease lasts.
///
/// # Errors
/// As the database says.
pub fn run_claim(scope: &Scope, tx: &mut Tx<'_>, claim: &Claim<'_>) -> db::Result<Option<Run>> {
    let sql = "insert into destination_run (workspace_id, destination_no, epoch, owner, lease_us, failures,
                   retry_us, success_us, failure_us, failure, delivered, blocked, dead)
               values (?1, ?2, 0, '', 0, 0, 0, 0, 0, '', 0, 0, 0)
               on conflict (workspace_id, destination_no) do nothing";
    tx.execute(sql, &[scope.workspace.into(), claim.destination.into()])?;
    let sql = "update destination_run set epoch = epoch + 1, owner = ?3, lease_us = ?5
               where workspace_id = ?1 and destination_no = ?2 and (owner = ?3 or lease_us < ?4)";
    let params = [
        scope.workspace.into(),
        claim.destination.into(),
        claim.owner.into(),
        claim.now.into(),
        claim.lease.into(),
    ];
    if tx.execute(sql, &params)? == 0 {
        return Ok(None);
    }
    run_fetch(scope, tx, claim.destination).map(Some)
}

/// Makes sure that nobody took the destination over, and keeps it until `lease`. Holds others off until the
/// transaction ends.
///
/// # Errors
/// [`Failure::Conflict`] if somebody did.
pub fn run_fence(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    epoch: u64,
    lease: Instant,
) -> kernel::Result<()> {
    let sql = "update destination_run set lease_us = ?4
               where workspace_id = ?1 and destination_no = ?2 and epoch = ?3";
    let params = [scope.workspace.into(), destination.into(), (epoch as i64).into(), lease.into()];
    match tx.execute(sql, &params)? {
        1 => Ok(()),
        _ => Err(Failure::conflict("another process serves this destination")),
    }
}

/// Keeps how a destination does. The caller has fenced.
///
/// # Errors
/// As the database says.
pub fn run_put(scope: &Scope, tx: &mut Tx<'_>, destination: DestinationNo, run: &Run) -> db::Result<()> {
    let sql = "update destination_run set failures = ?3, retry_us = ?4, success_us = ?5, failure_us = ?6,
                   failure = ?7, delivered = ?8, blocked = ?9, dead = ?10
               where workspace_id = ?1 and destination_no = ?2";
    let params = [
        scope.workspace.into(),
        destination.into(),
        i64::from(run.health.failures).into(),
        run.health.retry.into(),
        run.health.success.into(),
        run.health.failure.into(),
        (&run.health.reason).into(),
        (run.delivered as i64).into(),
        (run.blocked as i64).into(),
        (run.dead as i64).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Lets a destination be tried at once, whatever failed before.
///
/// # Errors
/// As the database says.
pub fn run_wake(scope: &Scope, tx: &mut Tx<'_>, destination: DestinationNo) -> db::Result<()> {
    let sql = "update destination_run set retry_us = 0 where workspace_id = ?1 and destination_no = ?2";
    tx.execute(sql, &[scope.workspace.into(), destination.into()]).map(drop)
}

fn run(row: &Row<'_>) -> db::Result<Run> {
    Ok(Run {
        epoch: row.int(0)? as u64,
        owner: row.text(1)?.to_owned(),
        lease: row.instant(2)?,
        health: Health {
            failures: row.int(3)? as u32,
            retry: row.instant(4)?,
            success: row.instant(5)?,
            failure: row.instant(6)?,
            reason: row.text(7)?.to_owned(),
        },
        delivered: row.int(8)? as u64,
        blocked: row.int(9)? as u64,
        dead: row.int(10)? as u64,
    })
}
