//! Two identifiers of one strength seen together, by time bucket.

use db::{Bulk, ColumnType, Keys, Tx};
use kernel::{Instant, Key, NodeNo, Scope};

/// One row of an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The node the record was about.
    pub a: NodeNo,
    /// The other node.
    pub b: NodeNo,
    /// The time bucket; 0 if neither end changes hands.
    pub bucket: i64,
    /// First and last event in the bucket.
    pub first: Instant,
    /// Last event in the bucket.
    pub last: Instant,
    /// The first event.
    pub evidence: Key,
}

static EDGE: Bulk = Bulk {
    table: "edge",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("a_no", ColumnType::Int),
        ("b_no", ColumnType::Int),
        ("bucket", ColumnType::Int),
        ("first_us", ColumnType::Int),
        ("last_us", ColumnType::Int),
        ("evidence", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, a_no, b_no, bucket) do update set
        evidence = case when (excluded.first_us, excluded.evidence) < (edge.first_us, edge.evidence)
                        then excluded.evidence else edge.evidence end,
        first_us = case when excluded.first_us < edge.first_us then excluded.first_us else edge.first_us end,
        last_us = case when excluded.last_us > edge.last_us then excluded.last_us else edge.last_us end",
};

/// Merges rows into what is known: the earliest first, the latest last.
///
/// # Errors
/// As the database says.
pub fn edge_merge(scope: &Scope, tx: &mut Tx<'_>, edges: &[Edge]) -> db::Result<()> {
    let mut values = Vec::with_capacity(edges.len() * EDGE.columns.len());
    for edge in edges {
        values.extend_from_slice(&[
            scope.workspace.into(),
            edge.a.into(),
            edge.b.into(),
            edge.bucket.into(),
            edge.first.into(),
            edge.last.into(),
            (&edge.evidence).into(),
        ]);
    }
    tx.insert_many(&EDGE, &values).map(drop)
}

/// Every row that touches one of `nodes`, at either end. A row between two of them comes twice.
///
/// # Errors
/// As the database says.
pub fn edge_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Edge>> {
    // The plus keeps SQLite, which knows no frequencies, from reading the whole workspace by its key.
    let ends = [
        "select a_no, b_no, bucket, first_us, last_us, evidence from edge
         where workspace_id = ?1 and a_no in (?2)",
        "select a_no, b_no, bucket, first_us, last_us, evidence from edge
         where +workspace_id = ?1 and b_no in (?2)",
    ];
    let mut edges = Vec::new();
    for sql in ends {
        collect(tx, sql, &[scope.workspace.into()], nodes, &mut edges)?;
    }
    Ok(edges)
}

/// Every row between two of `nodes`.
///
/// # Errors
/// As the database says.
pub fn edge_between(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Edge>> {
    let sql = "select a_no, b_no, bucket, first_us, last_us, evidence from edge
               where workspace_id = ?1 and a_no = ?2 and b_no in (?3)";
    let mut edges = Vec::new();
    for a in nodes {
        collect(tx, sql, &[scope.workspace.into(), (*a).into()], nodes, &mut edges)?;
    }
    Ok(edges)
}

fn collect(
    tx: &mut Tx<'_>,
    sql: &str,
    params: &[db::Value<'_>],
    nodes: &[NodeNo],
    edges: &mut Vec<Edge>,
) -> db::Result<()> {
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    tx.query_many(sql, params, Keys::Ints(&numbers), &mut |row| {
        edges.push(Edge {
            a: NodeNo(row.int(0)? as u64),
            b: NodeNo(row.int(1)? as u64),
            bucket: row.int(2)?,
            first: row.instant(3)?,
            last: row.instant(4)?,
            evidence: row.key(5)?,
        });
        Ok(())
    })
}
