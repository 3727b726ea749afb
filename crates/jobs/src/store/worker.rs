//! Processes that run jobs, and the kinds each offers.

use std::collections::BTreeSet;

use db::Tx;
use kernel::time::MINUTE;
use kernel::{Instant, Scope};

/// A process that was not heard of for so long, in microseconds, offers nothing.
pub const SILENT_MICROS_MAX: i64 = MINUTE;

/// Notes that a process offers kinds, and forgets those that are long gone.
///
/// # Errors
/// As the database says.
pub fn worker_seen(
    scope: &Scope,
    tx: &mut Tx<'_>,
    owner: &str,
    kinds: &[&str],
    now: Instant,
) -> db::Result<()> {
    let gone = now.plus(-60 * SILENT_MICROS_MAX);
    let sql = "delete from job_worker where workspace_id = ?1 and seen_us < ?2";
    tx.execute(sql, &[scope.workspace.into(), gone.into()])?;
    let sql = "insert into job_worker (workspace_id, owner, kinds, seen_us) values (?1, ?2, ?3, ?4)
               on conflict (workspace_id, owner) do update set kinds = excluded.kinds, seen_us = excluded.seen_us";
    let kinds = kinds.join(" ");
    tx.execute(sql, &[scope.workspace.into(), owner.into(), (&kinds).into(), now.into()]).map(drop)
}

/// Notes that a process stopped.
///
/// # Errors
/// As the database says.
pub fn worker_gone(scope: &Scope, tx: &mut Tx<'_>, owner: &str) -> db::Result<()> {
    let sql = "delete from job_worker where workspace_id = ?1 and owner = ?2";
    tx.execute(sql, &[scope.workspace.into(), owner.into()]).map(drop)
}

/// The kinds that some process offers.
///
/// # Errors
/// As the database says.
pub fn worker_kinds(scope: &Scope, tx: &mut Tx<'_>, now: Instant) -> db::Result<BTreeSet<String>> {
    let sql = "select kinds from job_worker where workspace_id = ?1 and seen_us >= ?2";
    let since = now.plus(-SILENT_MICROS_MAX);
    let lists = tx.query(sql, &[scope.workspace.into(), since.into()], |row| Ok(row.text(0)?.to_owned()))?;
    Ok(lists.iter().flat_map(|kinds| kinds.split_whitespace()).map(str::to_owned).collect())
}
