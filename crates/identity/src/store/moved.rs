//! Parties whose facts were told to others under another number before: who reads what was told then must look
//! these parties up one by one.

use std::collections::BTreeSet;

use db::{Bulk, ColumnType, Tx};
use kernel::{PartyNo, Scope};

static MOVED: Bulk = Bulk {
    table: "lake_moved",
    columns: &[("workspace_id", ColumnType::Int), ("party_no", ColumnType::Int)],
    on_conflict: "on conflict (workspace_id, party_no) do nothing",
};

/// Adds parties.
///
/// # Errors
/// As the database says.
pub fn moved_put(scope: &Scope, tx: &mut Tx<'_>, parties: &BTreeSet<PartyNo>) -> db::Result<()> {
    if parties.is_empty() {
        return Ok(());
    }
    let mut values = Vec::with_capacity(parties.len() * MOVED.columns.len());
    for party in parties {
        values.extend_from_slice(&[scope.workspace.into(), i64::from(party.0).into()]);
    }
    tx.insert_many(&MOVED, &values).map(drop)
}

/// All of them, in order.
///
/// # Errors
/// As the database says.
pub fn moved_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<PartyNo>> {
    let sql = "select party_no from lake_moved where workspace_id = ?1 order by party_no";
    tx.query(sql, &[scope.workspace.into()], |row| Ok(PartyNo(row.int(0)? as u32)))
}
