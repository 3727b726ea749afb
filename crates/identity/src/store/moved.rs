//! Parties whose facts were told to others under another number before: who reads what was told then must look
//! these parties up one by one, until what was told has been put right and the party is settled.
//!
//! A party counts how often it was put on the list, and is settled up to the count that was seen before the work
//! began: if it is put on the list meanwhile, it stays there.

use std::collections::BTreeSet;

use db::{Bulk, ColumnType, Tx};
use kernel::{PartyNo, Scope};

static MOVED: Bulk = Bulk {
    table: "lake_moved",
    columns: &[("workspace_id", ColumnType::Int), ("party_no", ColumnType::Int)],
    on_conflict: "on conflict (workspace_id, party_no) do update set times = lake_moved.times + 1",
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

/// A party on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which one.
    pub party: PartyNo,
    /// How often it was put there.
    pub times: i64,
}

/// All that are not settled, in order.
///
/// # Errors
/// As the database says.
pub fn moved_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Moved>> {
    let sql = "select party_no, times from lake_moved where workspace_id = ?1 and times > settled order by party_no";
    tx.query(sql, &[scope.workspace.into()], |row| {
        Ok(Moved { party: PartyNo(row.int(0)? as u32), times: row.int(1)? })
    })
}

/// Settles parties up to the times they had been put on the list.
///
/// # Errors
/// As the database says.
pub fn moved_settle(scope: &Scope, tx: &mut Tx<'_>, parties: &[Moved]) -> db::Result<()> {
    let sql = "update lake_moved set settled = ?3 where workspace_id = ?1 and party_no = ?2 and settled < ?3";
    parties.iter().try_for_each(|moved| {
        let values = [scope.workspace.into(), i64::from(moved.party.0).into(), moved.times.into()];
        tx.execute(sql, &values).map(drop)
    })
}
