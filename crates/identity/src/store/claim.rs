//! What was said of an identifier's holder that two different people would not share.

use db::{Bulk, ColumnType, Keys, Tx};
use kernel::{Instant, NodeNo, Scope};

/// A claim, with the time it was made over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// About the holder of this node.
    pub node: NodeNo,
    /// `name`, `birth_year`, `operator` or `presence`.
    pub field: String,
    /// What was said.
    pub value: String,
    /// First event that said so.
    pub first: Instant,
    /// Last event that said so.
    pub last: Instant,
}

static CLAIM: Bulk = Bulk {
    table: "claim",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("field", ColumnType::Text),
        ("value", ColumnType::Text),
        ("first_us", ColumnType::Int),
        ("last_us", ColumnType::Int),
    ],
    on_conflict: "on conflict (workspace_id, node_no, field, value) do update set
        first_us = case when excluded.first_us < claim.first_us then excluded.first_us else claim.first_us end,
        last_us = case when excluded.last_us > claim.last_us then excluded.last_us else claim.last_us end",
};

/// Merges claims into what is known.
///
/// # Errors
/// As the database says.
pub fn claim_merge(scope: &Scope, tx: &mut Tx<'_>, claims: &[Claim]) -> db::Result<()> {
    let mut values = Vec::with_capacity(claims.len() * CLAIM.columns.len());
    for claim in claims {
        values.extend_from_slice(&[
            scope.workspace.into(),
            claim.node.into(),
            (&claim.field).into(),
            (&claim.value).into(),
            claim.first.into(),
            claim.last.into(),
        ]);
    }
    tx.insert_many(&CLAIM, &values).map(drop)
}

/// Every claim about these nodes.
///
/// # Errors
/// As the database says.
pub fn claim_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Claim>> {
    let sql = "select node_no, field, value, first_us, last_us from claim
               where workspace_id = ?1 and node_no in (?2)";
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut claims = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        claims.push(Claim {
            node: NodeNo(row.int(0)? as u64),
            field: row.text(1)?.to_owned(),
            value: row.text(2)?.to_owned(),
            first: row.instant(3)?,
            last: row.instant(4)?,
        });
        Ok(())
    })?;
    Ok(claims)
}
