//! Events by node, in chunks.

use db::{Bulk, ColumnType, Keys, Tx, Value};
use kernel::{Instant, NodeNo, Scope};

/// A chunk without its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHead {
    /// Whose events.
    pub node: NodeNo,
    /// Its number, unique for the node.
    pub no: i64,
    /// Time of its first event.
    pub first: Instant,
    /// Time of its last event.
    pub last: Instant,
    /// How many events.
    pub count: u64,
}

/// A chunk to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its head.
    pub head: ChunkHead,
    /// Its events, packed.
    pub body: Vec<u8>,
}

static CHUNK: Bulk = Bulk {
    table: "timeline",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("chunk_no", ColumnType::Int),
        ("first_us", ColumnType::Int),
        ("last_us", ColumnType::Int),
        ("event_count", ColumnType::Int),
        ("body", ColumnType::Blob),
    ],
    on_conflict: "",
};

/// Adds chunks.
///
/// # Errors
/// As the database says.
pub fn chunk_append(scope: &Scope, tx: &mut Tx<'_>, chunks: &[Chunk]) -> db::Result<()> {
    let mut values = Vec::with_capacity(chunks.len() * CHUNK.columns.len());
    for Chunk { head, body } in chunks {
        values.extend_from_slice(&[
            scope.workspace.into(),
            head.node.into(),
            head.no.into(),
            head.first.into(),
            head.last.into(),
            Value::Int(head.count as i64),
            Value::Blob(body),
        ]);
    }
    tx.insert_many(&CHUNK, &values).map(drop)
}

/// The heads of every chunk of these nodes.
///
/// # Errors
/// As the database says.
pub fn chunk_heads(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<ChunkHead>> {
    let sql = "select node_no, chunk_no, first_us, last_us, event_count from timeline
               where workspace_id = ?1 and node_no in (?2)";
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut heads = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        heads.push(ChunkHead {
            node: NodeNo(row.int(0)? as u64),
            no: row.int(1)?,
            first: row.instant(2)?,
            last: row.instant(3)?,
            count: row.int(4)? as u64,
        });
        Ok(())
    })?;
    Ok(heads)
}

/// The events of one chunk, packed.
///
/// # Errors
/// As the database says.
pub fn chunk_body(scope: &Scope, tx: &mut Tx<'_>, node: NodeNo, no: i64) -> db::Result<Vec<u8>> {
    let sql = "select body from timeline where workspace_id = ?1 and node_no = ?2 and chunk_no = ?3";
    let params = [scope.workspace.into(), node.into(), no.into()];
    let body = tx.query_one(sql, &params, |row| Ok(row.blob(0)?.to_vec()))?;
    body.ok_or_else(|| db::Error::Other("a timeline chunk is gone".into()))
}

/// The chunks of these nodes that have events at or after an instant, packed.
///
/// # Errors
/// As the database says.
pub fn chunk_each(
    scope: &Scope,
    tx: &mut Tx<'_>,
    nodes: &[NodeNo],
    since: Instant,
    visit: &mut dyn FnMut(NodeNo, &[u8]) -> db::Result<()>,
) -> db::Result<()> {
    let sql = "select node_no, body from timeline
               where workspace_id = ?1 and last_us >= ?2 and node_no in (?3)";
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    tx.query_many(sql, &[scope.workspace.into(), since.into()], Keys::Ints(&numbers), &mut |row| {
        visit(NodeNo(row.int(0)? as u64), row.blob(1)?)
    })
}

/// Removes chunks of one node.
///
/// # Errors
/// As the database says.
pub fn chunk_remove(scope: &Scope, tx: &mut Tx<'_>, node: NodeNo, numbers: &[i64]) -> db::Result<()> {
    let sql = "delete from timeline where workspace_id = ?1 and node_no = ?2 and chunk_no = ?3";
    for no in numbers {
        tx.execute(sql, &[scope.workspace.into(), node.into(), (*no).into()])?;
    }
    Ok(())
}
