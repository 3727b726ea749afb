//! Edges that clustering refused, with the reason: the queue for people.

use db::{Bulk, ColumnType, Keys, Tx};
use kernel::{Key, NodeNo, Scope};

/// A refused edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// One end, the lower number.
    pub a: NodeNo,
    /// The other end.
    pub b: NodeNo,
    /// Why it was refused.
    pub reason: String,
    /// The event that showed them together.
    pub evidence: Key,
}

static CONTESTED: Bulk = Bulk {
    table: "contested",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("a_no", ColumnType::Int),
        ("b_no", ColumnType::Int),
        ("reason", ColumnType::Text),
        ("evidence", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, a_no, b_no) do update set
                  reason = excluded.reason, evidence = excluded.evidence",
};

/// Adds refused edges, or changes why they are.
///
/// # Errors
/// As the database says.
pub fn contested_put(scope: &Scope, tx: &mut Tx<'_>, contested: &[Contested]) -> db::Result<()> {
    let mut values = Vec::with_capacity(contested.len() * CONTESTED.columns.len());
    for row in contested {
        values.extend_from_slice(&[
            scope.workspace.into(),
            row.a.into(),
            row.b.into(),
            (&row.reason).into(),
            (&row.evidence).into(),
        ]);
    }
    tx.insert_many(&CONTESTED, &values).map(drop)
}

/// Removes edges that are not refused any more, each named by its lower end and the other.
///
/// # Errors
/// As the database says.
pub fn contested_delete(scope: &Scope, tx: &mut Tx<'_>, pairs: &[(NodeNo, NodeNo)]) -> db::Result<()> {
    let sql = "delete from contested where workspace_id = ?1 and a_no = ?2 and b_no = ?3";
    for (a, b) in pairs {
        tx.execute(sql, &[scope.workspace.into(), (*a).into(), (*b).into()])?;
    }
    Ok(())
}

/// The refused edges whose lower end is one of these nodes.
///
/// # Errors
/// As the database says.
pub fn contested_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Contested>> {
    let sql = "select a_no, b_no, reason, evidence from contested where workspace_id = ?1 and a_no in (?2)";
    collect(tx, sql, &[scope.workspace.into()], nodes)
}

/// The refused edges between one node, their lower end, and any of these.
///
/// # Errors
/// As the database says.
pub fn contested_between(
    scope: &Scope,
    tx: &mut Tx<'_>,
    a: NodeNo,
    nodes: &[NodeNo],
) -> db::Result<Vec<Contested>> {
    let sql = "select a_no, b_no, reason, evidence from contested
               where workspace_id = ?1 and a_no = ?2 and b_no in (?3)";
    collect(tx, sql, &[scope.workspace.into(), a.into()], nodes)
}

fn collect(
    tx: &mut Tx<'_>,
    sql: &str,
    params: &[db::Value<'_>],
    nodes: &[NodeNo],
) -> db::Result<Vec<Contested>> {
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut rows = Vec::new();
    tx.query_many(sql, params, Keys::Ints(&numbers), &mut |row| {
        rows.push(contested(row)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Refused edges after a position, in order.
///
/// # Errors
/// As the database says.
pub fn contested_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    after: (NodeNo, NodeNo),
    limit: usize,
) -> db::Result<Vec<Contested>> {
    let sql = "select a_no, b_no, reason, evidence from contested
               where workspace_id = ?1 and (a_no, b_no) > (?2, ?3) order by a_no, b_no limit ?4";
    let params = [scope.workspace.into(), after.0.into(), after.1.into(), (limit as i64).into()];
    tx.query(sql, &params, contested)
}

/// Nodes with an edge that a detachment made void.
///
/// # Errors
/// As the database says.
pub fn contested_detached(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<NodeNo>> {
    let sql = "select a_no, b_no from contested where workspace_id = ?1 and reason = 'unbound'";
    let pairs = tx.query(sql, &[scope.workspace.into()], |row| Ok([row.int(0)?, row.int(1)?]))?;
    Ok(pairs.into_iter().flatten().map(|no| NodeNo(no as u64)).collect())
}

fn contested(row: &db::Row<'_>) -> db::Result<Contested> {
    Ok(Contested {
        a: NodeNo(row.int(0)? as u64),
        b: NodeNo(row.int(1)? as u64),
        reason: row.text(2)?.to_owned(),
        evidence: row.key(3)?,
    })
}
