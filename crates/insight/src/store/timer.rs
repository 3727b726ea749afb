//! When time alone may change what is true of a party, and until when that was looked at.

use db::{Bulk, ColumnType, Keys, Tx};
use kernel::{Instant, PartyNo, Scope};

static TIMER: Bulk = Bulk {
    table: "timer",
    columns: &[("workspace_id", ColumnType::Int), ("party_no", ColumnType::Int), ("due_us", ColumnType::Int)],
    on_conflict: "on conflict (workspace_id, party_no) do update set due_us = excluded.due_us",
};

/// Sets when parties are due; a party has one timer.
///
/// # Errors
/// As the database says.
pub fn timer_put(scope: &Scope, tx: &mut Tx<'_>, timers: &[(PartyNo, Instant)]) -> db::Result<()> {
    let mut values = Vec::with_capacity(timers.len() * TIMER.columns.len());
    for (party, due) in timers {
        values.extend_from_slice(&[scope.workspace.into(), i64::from(party.0).into(), (*due).into()]);
    }
    tx.insert_many(&TIMER, &values).map(drop)
}

/// Removes the timers of parties.
///
/// # Errors
/// As the database says.
pub fn timer_remove(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<()> {
    let sql = "delete from timer where workspace_id = ?1 and party_no = ?2";
    for party in parties {
        tx.execute(sql, &[scope.workspace.into(), i64::from(party.0).into()])?;
    }
    Ok(())
}

/// When each of these parties is due, if it is at all.
///
/// # Errors
/// As the database says.
pub fn timer_of(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<Vec<(PartyNo, Instant)>> {
    let numbers: Vec<i64> = parties.iter().map(|p| i64::from(p.0)).collect();
    let sql = "select party_no, due_us from timer where workspace_id = ?1 and party_no in (?2)";
    let mut rows = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        rows.push((PartyNo(row.int(0)? as u32), row.instant(1)?));
        Ok(())
    })?;
    Ok(rows)
}

/// Parties due at or before an instant, the earliest first.
///
/// # Errors
/// As the database says.
pub fn timer_due(scope: &Scope, tx: &mut Tx<'_>, until: Instant, limit: usize) -> db::Result<Vec<PartyNo>> {
    let sql = "select party_no from timer where workspace_id = ?1 and due_us <= ?2
               order by due_us, party_no limit ?3";
    let params = [scope.workspace.into(), until.into(), (limit as i64).into()];
    tx.query(sql, &params, |row| Ok(PartyNo(row.int(0)? as u32)))
}

/// The earliest instant any party is due.
///
/// # Errors
/// As the database says.
pub fn timer_next(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Option<Instant>> {
    let sql = "select due_us from timer where workspace_id = ?1 order by due_us limit 1";
    tx.query_one(sql, &[scope.workspace.into()], |row| row.instant(0))
}

/// Until when the workspace was looked at, by any partition.
///
/// # Errors
/// As the database says.
pub fn evaluated_until(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Instant> {
    let sql = "select max(until_us) from evaluated where workspace_id = ?1";
    let until = tx.query_one(sql, &[scope.workspace.into()], |row| row.int_opt(0))?.flatten();
    Ok(until.map(Instant).unwrap_or_default())
}

/// Notes until when a partition has looked.
///
/// # Errors
/// As the database says.
pub fn evaluated_put(scope: &Scope, tx: &mut Tx<'_>, partition: u32, until: Instant) -> db::Result<()> {
    let sql = "insert into evaluated (workspace_id, partition_no, until_us) values (?1, ?2, ?3)
               on conflict (workspace_id, partition_no) do update set until_us = excluded.until_us";
    tx.execute(sql, &[scope.workspace.into(), i64::from(partition).into(), until.into()]).map(drop)
}
