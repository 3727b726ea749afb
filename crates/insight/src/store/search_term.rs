//! Terms that nodes are found by.

use db::{Bulk, ColumnType, Tx};
use kernel::{NodeNo, Scope};

static TERM: Bulk = Bulk {
    table: "search_term",
    columns: &[("workspace_id", ColumnType::Int), ("term", ColumnType::Text), ("node_no", ColumnType::Int)],
    on_conflict: "on conflict (workspace_id, term, node_no) do nothing",
};

/// Bytes of a term that are kept and looked for: enough for everything people type, and less than what
/// PostgreSQL's indexes take.
const TERM_BYTES_MAX: usize = 400;

fn kept(term: &str) -> &str {
    &term[..term.floor_char_boundary(TERM_BYTES_MAX)]
}

/// Adds terms; of long ones the beginning.
///
/// # Errors
/// As the database says.
pub fn term_put(scope: &Scope, tx: &mut Tx<'_>, terms: &[(String, NodeNo)]) -> db::Result<()> {
    let mut values = Vec::with_capacity(terms.len() * TERM.columns.len());
    for (term, node) in terms {
        values.extend_from_slice(&[scope.workspace.into(), kept(term).into(), (*node).into()]);
    }
    tx.insert_many(&TERM, &values).map(drop)
}

/// The nodes with a term that starts with `prefix`, whole terms first, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn term_nodes(scope: &Scope, tx: &mut Tx<'_>, prefix: &str, limit: usize) -> db::Result<Vec<NodeNo>> {
    let prefix = kept(prefix);
    // The greatest code point, so every continuation of the prefix lies below.
    let end = format!("{prefix}\u{10ffff}");
    let sql = "select term, node_no from search_term
               where workspace_id = ?1 and term >= ?2 and term < ?3 order by term, node_no limit ?4";
    let params = [scope.workspace.into(), prefix.into(), (&end).into(), (limit as i64).into()];
    tx.query(sql, &params, |row| Ok(NodeNo(row.int(1)? as u64)))
}
