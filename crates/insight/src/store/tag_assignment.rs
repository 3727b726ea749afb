//! What people, other systems and queries say of parties, under the identifier they said it of: so it goes
//! where the identifier goes, and comes back when a merge is taken back.

use db::{Bulk, ColumnType, Keys, Row, Tx, Value};
use kernel::{Instant, Key, NodeNo, Scope};

use super::tag::TagNo;

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The tag.
    pub tag: TagNo,
    /// The identifier.
    pub node: NodeNo,
    /// 0 for somebody's word; else the run of the job that replaced all values.
    pub run: u64,
    /// When it was said.
    pub at: Instant,
    /// Breaks ties of time.
    pub key: Key,
    /// The value, as JSON; nothing if what was said before is taken back.
    pub value: Option<String>,
    /// When it goes by itself.
    pub expires: Option<Instant>,
    /// Where it comes from: `manual`, a system's name, a job.
    pub source: String,
    /// Who said it.
    pub actor: String,
}

static ASSIGNMENT: Bulk = Bulk {
    table: "tag_assignment",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("tag_no", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("run_no", ColumnType::Int),
        ("at_us", ColumnType::Int),
        ("key", ColumnType::Blob),
        ("value", ColumnType::Text),
        ("expires_us", ColumnType::Int),
        ("source", ColumnType::Text),
        ("actor", ColumnType::Text),
    ],
    on_conflict: "on conflict (workspace_id, tag_no, node_no, run_no, at_us, key) do nothing",
};

const COLUMNS: &str = "tag_no, node_no, run_no, at_us, key, value, expires_us, source, actor";

/// Adds assignments. One that is there already stays as it is.
///
/// # Errors
/// As the database says.
pub fn assignment_put(scope: &Scope, tx: &mut Tx<'_>, assignments: &[Assignment]) -> db::Result<()> {
    let mut rows: Vec<Value<'_>> = Vec::with_capacity(assignments.len() * ASSIGNMENT.columns.len());
    for one in assignments {
        rows.extend_from_slice(&[
            scope.workspace.into(),
            one.tag.into(),
            one.node.into(),
            (one.run as i64).into(),
            one.at.into(),
            (&one.key).into(),
            one.value.as_deref().into(),
            one.expires.map(|at| at.0).into(),
            (&one.source).into(),
            (&one.actor).into(),
        ]);
    }
    tx.insert_many(&ASSIGNMENT, &rows).map(drop)
}

/// Everything ever said under these identifiers.
///
/// # Errors
/// As the database says.
pub fn assignment_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Assignment>> {
    let sql = format!("select {COLUMNS} from tag_assignment where workspace_id = ?1 and node_no in (?2)");
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut rows = Vec::new();
    tx.query_many(&sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        rows.push(assignment(row)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Whether anything was ever said in the workspace.
///
/// # Errors
/// As the database says.
pub fn assignment_exists(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<bool> {
    let sql = "select tag_no from tag_assignment where workspace_id = ?1 limit 1";
    Ok(tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?.is_some())
}

/// Removes the rows of runs before one: a job has replaced them.
///
/// # Errors
/// As the database says.
pub fn assignment_forget(scope: &Scope, tx: &mut Tx<'_>, tag: TagNo, run: u64) -> db::Result<()> {
    let sql = "delete from tag_assignment
               where workspace_id = ?1 and tag_no = ?2 and run_no > 0 and run_no < ?3";
    tx.execute(sql, &[scope.workspace.into(), tag.into(), (run as i64).into()]).map(drop)
}

fn assignment(row: &Row<'_>) -> db::Result<Assignment> {
    Ok(Assignment {
        tag: TagNo(row.int(0)? as u32),
        node: NodeNo(row.int(1)? as u64),
        run: row.int(2)? as u64,
        at: row.instant(3)?,
        key: row.key(4)?,
        value: row.text_opt(5)?.map(str::to_owned),
        expires: row.int_opt(6)?.map(Instant),
        source: row.text(7)?.to_owned(),
        actor: row.text(8)?.to_owned(),
    })
}
