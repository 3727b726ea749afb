//! Who holds an identifier that changes hands, from when on.

use db::{Bulk, ColumnType, Keys, Row, Tx};
use kernel::{Instant, NodeNo, Scope};

/// From `from` on (until the node's next row) the node's facts belong to the party of `via`;
/// without one, to the node's own party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The node that changes hands.
    pub node: NodeNo,
    /// From when on.
    pub from: Instant,
    /// The node of whoever holds it.
    pub via: Option<NodeNo>,
}

static HOLDER: Bulk = Bulk {
    table: "holder",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("from_us", ColumnType::Int),
        ("via_no", ColumnType::Int),
    ],
    on_conflict: "",
};

/// Replaces every row of `nodes` by `holders`.
///
/// # Errors
/// As the database says.
pub fn holder_replace(
    scope: &Scope,
    tx: &mut Tx<'_>,
    nodes: &[NodeNo],
    holders: &[Holder],
) -> db::Result<()> {
    let sql = "delete from holder where workspace_id = ?1 and node_no = ?2";
    for node in nodes {
        tx.execute(sql, &[scope.workspace.into(), (*node).into()])?;
    }
    let mut values = Vec::with_capacity(holders.len() * HOLDER.columns.len());
    for holder in holders {
        values.extend_from_slice(&[
            scope.workspace.into(),
            holder.node.into(),
            holder.from.into(),
            holder.via.into(),
        ]);
    }
    tx.insert_many(&HOLDER, &values).map(drop)
}

/// The rows of these nodes, by node and time.
///
/// # Errors
/// As the database says.
pub fn holder_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Holder>> {
    let sql = "select node_no, from_us, via_no from holder where workspace_id = ?1 and node_no in (?2)";
    collect(scope, tx, sql, nodes)
}

/// The rows that point to one of these nodes.
///
/// # Errors
/// As the database says.
pub fn holder_via(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Holder>> {
    let sql = "select node_no, from_us, via_no from holder where workspace_id = ?1 and via_no in (?2)";
    collect(scope, tx, sql, nodes)
}

fn collect(scope: &Scope, tx: &mut Tx<'_>, sql: &str, nodes: &[NodeNo]) -> db::Result<Vec<Holder>> {
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut holders = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        holders.push(holder(row)?);
        Ok(())
    })?;
    holders.sort_unstable();
    Ok(holders)
}

fn holder(row: &Row<'_>) -> db::Result<Holder> {
    Ok(Holder {
        node: NodeNo(row.int(0)? as u64),
        from: row.instant(1)?,
        via: row.int_opt(2)?.map(|n| NodeNo(n as u64)),
    })
}
