//! Facts about things that are not parties: catalogue items, groups. Last writer by event time wins.

use std::collections::BTreeMap;

use db::{Bulk, ColumnType, Tx};
use kernel::{Instant, Key, Scope};

/// One field of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFact {
    /// `item:<type>` or `group`.
    pub kind: String,
    /// The thing's own id.
    pub id: String,
    /// The field.
    pub field: String,
    /// Its value as JSON; empty for a removed field.
    pub value: String,
    /// Event time.
    pub at: Instant,
    /// The event, which breaks ties.
    pub key: Key,
}

static FACT: Bulk = Bulk {
    table: "object_fact",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("object_kind", ColumnType::Text),
        ("object_id", ColumnType::Text),
        ("field", ColumnType::Text),
        ("value", ColumnType::Text),
        ("time_us", ColumnType::Int),
        ("key", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, object_kind, object_id, field) do update set
                  value = excluded.value, time_us = excluded.time_us, key = excluded.key
                  where (excluded.time_us, excluded.key) > (object_fact.time_us, object_fact.key)",
};

/// Merges facts; of each field the newest stays.
///
/// # Errors
/// As the database says.
pub fn object_merge(scope: &Scope, tx: &mut Tx<'_>, facts: &[ObjectFact]) -> db::Result<()> {
    let mut newest: BTreeMap<(&str, &str, &str), &ObjectFact> = BTreeMap::new();
    for fact in facts {
        let slot = newest.entry((&fact.kind, &fact.id, &fact.field)).or_insert(fact);
        if (fact.at, fact.key) > (slot.at, slot.key) {
            *slot = fact;
        }
    }
    let mut values = Vec::with_capacity(newest.len() * 7);
    for fact in newest.values() {
        values.extend_from_slice(&[
            scope.workspace.into(),
            (&fact.kind).into(),
            (&fact.id).into(),
            (&fact.field).into(),
            (&fact.value).into(),
            fact.at.into(),
            (&fact.key).into(),
        ]);
    }
    tx.insert_many(&FACT, &values).map(drop)
}

/// The fields of one thing, removed ones left out.
///
/// # Errors
/// As the database says.
pub fn object_fetch(scope: &Scope, tx: &mut Tx<'_>, kind: &str, id: &str) -> db::Result<Vec<ObjectFact>> {
    let sql = "select field, value, time_us, key from object_fact
               where workspace_id = ?1 and object_kind = ?2 and object_id = ?3 order by field";
    let facts = tx.query(sql, &[scope.workspace.into(), kind.into(), id.into()], |row| {
        Ok(ObjectFact {
            kind: kind.to_owned(),
            id: id.to_owned(),
            field: row.text(0)?.to_owned(),
            value: row.text(1)?.to_owned(),
            at: row.instant(2)?,
            key: row.key(3)?,
        })
    })?;
    let removed = facts.iter().find(|f| f.field == REMOVED).map(|f| (f.at, f.key));
    Ok(facts
        .into_iter()
        .filter(|f| f.field != REMOVED && !f.value.is_empty() && Some((f.at, f.key)) > removed)
        .collect())
}

/// The field whose time is when the thing was removed.
pub const REMOVED: &str = "$removed";
