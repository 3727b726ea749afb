//! Parties that decisions and new rules gave other identifiers, until somebody has looked at them again.
//! What events do to parties goes through the batch instead, without a table.

use std::collections::BTreeSet;

use db::{Bulk, ColumnType, Tx};
use kernel::{PartyNo, Scope};

static REGROUPED: Bulk = Bulk {
    table: "regrouped",
    columns: &[("workspace_id", ColumnType::Int), ("party_no", ColumnType::Int)],
    on_conflict: "on conflict (workspace_id, party_no) do nothing",
};

/// Adds parties to look at.
///
/// # Errors
/// As the database says.
pub fn regrouped_put(scope: &Scope, tx: &mut Tx<'_>, parties: &BTreeSet<PartyNo>) -> db::Result<()> {
    let mut values = Vec::with_capacity(parties.len() * REGROUPED.columns.len());
    for party in parties {
        values.extend_from_slice(&[scope.workspace.into(), i64::from(party.0).into()]);
    }
    tx.insert_many(&REGROUPED, &values).map(drop)
}

/// Up to `limit` parties of the list, lowest number first.
///
/// # Errors
/// As the database says.
pub fn regrouped_page(scope: &Scope, tx: &mut Tx<'_>, limit: usize) -> db::Result<Vec<PartyNo>> {
    let sql = "select party_no from regrouped where workspace_id = ?1 order by party_no limit ?2";
    tx.query(sql, &[scope.workspace.into(), (limit as i64).into()], |row| Ok(PartyNo(row.int(0)? as u32)))
}

/// Takes up to `limit` parties off the list, lowest number first.
///
/// # Errors
/// As the database says.
pub fn regrouped_take(scope: &Scope, tx: &mut Tx<'_>, limit: usize) -> db::Result<Vec<PartyNo>> {
    let taken = regrouped_page(scope, tx, limit)?;
    if let Some(last) = taken.last() {
        let sql = "delete from regrouped where workspace_id = ?1 and party_no <= ?2";
        tx.execute(sql, &[scope.workspace.into(), i64::from(last.0).into()])?;
    }
    Ok(taken)
}
