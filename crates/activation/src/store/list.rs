//! Lists that were sent to destinations, or are on their way.

use db::{Row, Tx};
use kernel::{Failure, Instant, Scope};

use super::destination::DestinationNo;
use crate::rules::settle::State;

/// A list of everybody in a ledger's subject, at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The job that sends it.
    pub job: u64,
    /// Of what.
    pub ledger: String,
    /// The place in the ledger it was taken at: who is on it is decided by that alone.
    pub seq: u64,
    /// Whether it is on its way, there, or given up.
    pub state: State,
    /// How often it was begun.
    pub attempts: u32,
    /// Parties on it.
    pub parties: u64,
    /// Parties that are not on it because nothing of them may leave.
    pub blocked: u64,
    /// When it was begun.
    pub began: Instant,
    /// When something was last done about it.
    pub last: Instant,
    /// What it is called at the destination; empty if it has no name.
    pub name: String,
    /// Why it is not there.
    pub reason: String,
}

const COLUMNS: &str =
    "job_no, ledger, seq, state, attempts, parties, blocked, began_us, last_us, name, reason";

/// Begins a list, or begins it again: then it is taken at the place it was taken at before.
///
/// # Errors
/// As the database says.
pub fn list_begin(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    new: &List,
) -> kernel::Result<List> {
    let sql =
        "insert into destination_list (workspace_id, destination_no, job_no, ledger, seq, state, attempts,
                   parties, blocked, began_us, last_us, name, reason)
               values (?1, ?2, ?3, ?4, ?5, 'waiting', 0, 0, 0, ?6, ?6, ?7, '')
               on conflict (workspace_id, destination_no, job_no) do nothing";
    let params = [
        scope.workspace.into(),
        destination.into(),
        (new.job as i64).into(),
        (&new.ledger).into(),
        (new.seq as i64).into(),
        new.began.into(),
        (&new.name).into(),
    ];
    tx.execute(sql, &params)?;
    let sql = "update destination_list set attempts = attempts + 1, state = 'waiting'
               where workspace_id = ?1 and destination_no = ?2 and job_no = ?3";
    let own = [scope.workspace.into(), destination.into(), (new.job as i64).into()];
    tx.execute(sql, &own)?;
    let sql = format!(
        "select {COLUMNS} from destination_list
         where workspace_id = ?1 and destination_no = ?2 and job_no = ?3"
    );
    let found = tx.query_one(&sql, &own, list)?;
    found.ok_or_else(|| Failure::internal("the list is not there"))
}

/// Keeps how a list does.
///
/// # Errors
/// As the database says.
pub fn list_put(scope: &Scope, tx: &mut Tx<'_>, destination: DestinationNo, list: &List) -> db::Result<()> {
    let sql = "update destination_list set state = ?4, parties = ?5, blocked = ?6, last_us = ?7, name = ?8,
                   reason = ?9
               where workspace_id = ?1 and destination_no = ?2 and job_no = ?3";
    let params = [
        scope.workspace.into(),
        destination.into(),
        (list.job as i64).into(),
        list.state.name().into(),
        (list.parties as i64).into(),
        (list.blocked as i64).into(),
        list.last.into(),
        (&list.name).into(),
        (&list.reason).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The lists of a destination made before a job, the latest first.
///
/// # Errors
/// As the database says.
pub fn list_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    before: u64,
    limit: usize,
) -> db::Result<Vec<List>> {
    let sql = format!(
        "select {COLUMNS} from destination_list
         where workspace_id = ?1 and destination_no = ?2 and job_no < ?3 order by job_no desc limit ?4"
    );
    let before = before.min(i64::MAX as u64) as i64;
    let params = [scope.workspace.into(), destination.into(), before.into(), (limit as i64).into()];
    tx.query(&sql, &params, list)
}

/// Forgets lists about which nothing was done since an instant.
///
/// # Errors
/// As the database says.
pub fn list_prune(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    before: Instant,
) -> db::Result<u64> {
    let sql = "delete from destination_list where workspace_id = ?1 and destination_no = ?2 and last_us < ?3";
    tx.execute(sql, &[scope.workspace.into(), destination.into(), before.into()])
}

fn list(row: &Row<'_>) -> db::Result<List> {
    Ok(List {
        job: row.int(0)? as u64,
        ledger: row.text(1)?.to_owned(),
        seq: row.int(2)? as u64,
        state: State::parse(row.text(3)?).ok_or_else(|| db::Error::Other("no such state".into()))?,
        attempts: row.int(4)? as u32,
        parties: row.int(5)? as u64,
        blocked: row.int(6)? as u64,
        began: row.instant(7)?,
        last: row.instant(8)?,
        name: row.text(9)?.to_owned(),
        reason: row.text(10)?.to_owned(),
    })
}
