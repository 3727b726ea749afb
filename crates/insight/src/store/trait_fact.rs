//! What was said about fields, by node: of each source and operation only what can still matter.

use db::{Bulk, ColumnType, Keys, Tx, Value};
use kernel::{NodeNo, Scope, SourceNo};

use crate::rules::survivorship::{Fact, Op};

/// A fact with the time bucket it is kept in (0 unless its node changes hands).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucketed {
    /// The fact.
    pub fact: Fact,
    /// The bucket.
    pub bucket: i64,
}

// Of set and delete the latest stays, of set-once the earliest; increments and appends all stay, each
// under its own slot.
static FACT: Bulk = Bulk {
    table: "trait_fact",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("field", ColumnType::Text),
        ("source_no", ColumnType::Int),
        ("bucket", ColumnType::Int),
        ("op", ColumnType::Int),
        ("slot", ColumnType::Blob),
        ("value", ColumnType::Text),
        ("time_us", ColumnType::Int),
        ("key", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, node_no, field, source_no, bucket, op, slot) do update set
        value = excluded.value, time_us = excluded.time_us, key = excluded.key
        where (excluded.op <> 1 and (excluded.time_us, excluded.key) > (trait_fact.time_us, trait_fact.key))
           or (excluded.op = 1 and (excluded.time_us, excluded.key) < (trait_fact.time_us, trait_fact.key))",
};

/// Merges facts into what is known. No two of them may fall on the same row.
///
/// # Errors
/// As the database says.
pub fn fact_merge(scope: &Scope, tx: &mut Tx<'_>, facts: &[Bucketed]) -> db::Result<()> {
    let mut values = Vec::with_capacity(facts.len() * FACT.columns.len());
    for Bucketed { fact, bucket } in facts {
        values.extend_from_slice(&[
            scope.workspace.into(),
            fact.node.into(),
            (&fact.field).into(),
            fact.source.into(),
            (*bucket).into(),
            Value::Int(fact.op as i64),
            Value::Blob(slot(fact)),
            (&fact.value).into(),
            fact.at.into(),
            (&fact.key).into(),
        ]);
    }
    tx.insert_many(&FACT, &values).map(drop)
}

/// What tells facts of one row apart: nothing, unless every one of them counts.
pub fn slot(fact: &Fact) -> &[u8] {
    match fact.op {
        Op::Increment | Op::Append => &fact.key.0,
        Op::Set | Op::SetOnce | Op::DeleteAll => &[],
    }
}

/// Every fact under these nodes.
///
/// # Errors
/// As the database says.
pub fn fact_of(scope: &Scope, tx: &mut Tx<'_>, nodes: &[NodeNo]) -> db::Result<Vec<Fact>> {
    let sql = "select node_no, field, source_no, op, value, time_us, key from trait_fact
               where workspace_id = ?1 and node_no in (?2)";
    let numbers: Vec<i64> = nodes.iter().map(|n| n.0 as i64).collect();
    let mut facts = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        facts.push(Fact {
            node: NodeNo(row.int(0)? as u64),
            field: row.text(1)?.to_owned(),
            source: SourceNo(row.int(2)? as u32),
            op: Op::of(row.int(3)?)
                .ok_or_else(|| db::Error::Other("an unknown operation is stored".into()))?,
            value: row.text(4)?.to_owned(),
            at: row.instant(5)?,
            key: row.key(6)?,
        });
        Ok(())
    })?;
    Ok(facts)
}
