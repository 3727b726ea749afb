//! Who used a device or cookie, and when: a soft identifier seen with a hard one, by the hour.

use db::{Bulk, ColumnType, Keys, Tx};
use kernel::{Instant, Key, NodeNo, Scope};

/// One hour of one person on one soft identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The soft node.
    pub soft: NodeNo,
    /// The hard node.
    pub hard: NodeNo,
    /// The hour.
    pub bucket: i64,
    /// First event of the hour.
    pub first: Instant,
    /// Last event of the hour.
    pub last: Instant,
    /// The first event.
    pub evidence: Key,
}

static TOUCH: Bulk = Bulk {
    table: "touch",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("soft_no", ColumnType::Int),
        ("hard_no", ColumnType::Int),
        ("bucket", ColumnType::Int),
        ("first_us", ColumnType::Int),
        ("last_us", ColumnType::Int),
        ("evidence", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, soft_no, hard_no, bucket) do update set
        evidence = case when (excluded.first_us, excluded.evidence) < (touch.first_us, touch.evidence)
                        then excluded.evidence else touch.evidence end,
        first_us = case when excluded.first_us < touch.first_us then excluded.first_us else touch.first_us end,
        last_us = case when excluded.last_us > touch.last_us then excluded.last_us else touch.last_us end",
};

/// Merges touches into what is known.
///
/// # Errors
/// As the database says.
pub fn touch_merge(scope: &Scope, tx: &mut Tx<'_>, touches: &[Touch]) -> db::Result<()> {
    let mut values = Vec::with_capacity(touches.len() * TOUCH.columns.len());
    for touch in touches {
        values.extend_from_slice(&[
            scope.workspace.into(),
            touch.soft.into(),
            touch.hard.into(),
            touch.bucket.into(),
            touch.first.into(),
            touch.last.into(),
            (&touch.evidence).into(),
        ]);
    }
    tx.insert_many(&TOUCH, &values).map(drop)
}

/// Every touch of these soft nodes.
///
/// # Errors
/// As the database says.
pub fn touch_of_soft(scope: &Scope, tx: &mut Tx<'_>, soft: &[NodeNo]) -> db::Result<Vec<Touch>> {
    let sql = "select soft_no, hard_no, bucket, first_us, last_us, evidence from touch
               where workspace_id = ?1 and soft_no in (?2)";
    collect(scope, tx, sql, soft)
}

/// Every touch by these hard nodes.
///
/// # Errors
/// As the database says.
pub fn touch_of_hard(scope: &Scope, tx: &mut Tx<'_>, hard: &[NodeNo]) -> db::Result<Vec<Touch>> {
    // The plus keeps SQLite, which knows no frequencies, from reading the whole workspace by its key.
    let sql = "select soft_no, hard_no, bucket, first_us, last_us, evidence from touch
               where +workspace_id = ?1 and hard_no in (?2)";
    collect(scope, tx, sql, hard)
}

fn collect(scope: &Scope, tx: &mut Tx<'_>, sql: &str, nodes: &[NodeNo]) -> db::Result<Vec<Touch>> {
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut touches = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        touches.push(Touch {
            soft: NodeNo(row.int(0)? as u64),
            hard: NodeNo(row.int(1)? as u64),
            bucket: row.int(2)?,
            first: row.instant(3)?,
            last: row.instant(4)?,
            evidence: row.key(5)?,
        });
        Ok(())
    })?;
    Ok(touches)
}
