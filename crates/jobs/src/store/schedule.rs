//! Schedules as they are defined, and how far each was looked at.

use db::{Row, Tx};
use kernel::{Instant, Scope};

use super::{ENDS, number_last};
use crate::rules::cadence::When;

/// A schedule: makes jobs of one kind and input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its id, which whoever defines it chooses.
    pub id: String,
    /// Counts its definitions, from 1.
    pub version: u32,
    /// What people call it.
    pub name: String,
    /// The kind of its jobs.
    pub kind: String,
    /// Their input, as JSON.
    pub input: String,
    /// When it is due.
    pub when: When,
    /// Whether people stopped it.
    pub is_paused: bool,
    /// Who defined it last.
    pub actor: String,
    /// When it was made.
    pub created: Instant,
    /// When it was last defined, paused or resumed.
    pub changed: Instant,
    /// Everything due until then has been decided.
    pub considered: Instant,
    /// The latest end of an upstream schedule that was taken into account.
    pub seen: u64,
}

const COLUMNS: &str =
    "schedule_id, version, name, kind, input, cadence, is_paused, actor, created_us, changed_us,
     considered_us, seen_no";

/// All schedules, by id.
///
/// # Errors
/// As the database says.
pub fn schedule_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Schedule>> {
    let sql = format!("select {COLUMNS} from schedule where workspace_id = ?1 order by schedule_id");
    tx.query(&sql, &[scope.workspace.into()], schedule)
}

/// The schedule of an id.
///
/// # Errors
/// As the database says.
pub fn schedule_by_id(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> db::Result<Option<Schedule>> {
    let sql = format!("select {COLUMNS} from schedule where workspace_id = ?1 and schedule_id = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), id.into()], schedule)
}

/// Writes a schedule, new or changed.
///
/// # Errors
/// As the database says.
pub fn schedule_put(scope: &Scope, tx: &mut Tx<'_>, schedule: &Schedule) -> db::Result<()> {
    let sql =
        "insert into schedule (workspace_id, schedule_id, version, name, kind, input, cadence, is_paused,
                   actor, created_us, changed_us, considered_us, seen_no)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
               on conflict (workspace_id, schedule_id) do update set version = excluded.version,
                   name = excluded.name, kind = excluded.kind, input = excluded.input,
                   cadence = excluded.cadence, is_paused = excluded.is_paused, actor = excluded.actor,
                   changed_us = excluded.changed_us, considered_us = excluded.considered_us,
                   seen_no = excluded.seen_no";
    let when = serde_json::to_string(&schedule.when).map_err(|e| db::Error::Other(e.to_string()))?;
    let params = [
        scope.workspace.into(),
        (&schedule.id).into(),
        schedule.version.into(),
        (&schedule.name).into(),
        (&schedule.kind).into(),
        (&schedule.input).into(),
        (&when).into(),
        i64::from(schedule.is_paused).into(),
        (&schedule.actor).into(),
        schedule.created.into(),
        schedule.changed.into(),
        schedule.considered.into(),
        (schedule.seen as i64).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Removes a schedule. Its jobs and decisions stay until they are old.
///
/// # Errors
/// As the database says.
pub fn schedule_remove(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> db::Result<()> {
    let sql = "delete from schedule where workspace_id = ?1 and schedule_id = ?2";
    tx.execute(sql, &[scope.workspace.into(), id.into()]).map(drop)
}

/// Notes until when a schedule was looked at, and which ends it has taken into account.
///
/// # Errors
/// As the database says.
pub fn schedule_look(
    scope: &Scope,
    tx: &mut Tx<'_>,
    id: &str,
    considered: Instant,
    seen: u64,
) -> db::Result<()> {
    let sql = "update schedule set considered_us = ?3, seen_no = ?4
               where workspace_id = ?1 and schedule_id = ?2";
    let params = [scope.workspace.into(), id.into(), considered.into(), (seen as i64).into()];
    tx.execute(sql, &params).map(drop)
}

/// The number of the latest end.
///
/// # Errors
/// As the database says.
pub fn end_last(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<u64> {
    number_last(scope, tx, ENDS)
}

fn schedule(row: &Row<'_>) -> db::Result<Schedule> {
    let when = row.text(5)?;
    Ok(Schedule {
        id: row.text(0)?.to_owned(),
        version: row.int(1)? as u32,
        name: row.text(2)?.to_owned(),
        kind: row.text(3)?.to_owned(),
        input: row.text(4)?.to_owned(),
        when: serde_json::from_str(when).map_err(|e| db::Error::Other(format!("cadence `{when}`: {e}")))?,
        is_paused: row.int(6)? != 0,
        actor: row.text(7)?.to_owned(),
        created: row.instant(8)?,
        changed: row.instant(9)?,
        considered: row.instant(10)?,
        seen: row.int(11)? as u64,
    })
}
