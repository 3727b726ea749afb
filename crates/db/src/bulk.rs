//! One insert, many rows: the write side of the hot path.

/// How a column's values look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit integers.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Blob,
}

/// A column of a [`Bulk`] insert.
pub type Column = (&'static str, ColumnType);

/// An insert of many rows into one table. Declared once, as a `static`.
///
/// Rows of one call must not touch the same key twice if `on_conflict` updates: PostgreSQL refuses
/// that, so callers fold duplicates first.
#[derive(Debug)]
pub struct Bulk {
    /// The table.
    pub table: &'static str,
    /// Its columns, `workspace_id` among them.
    pub columns: &'static [Column],
    /// What follows the values, for example `on conflict (workspace_id, key) do nothing`.
    pub on_conflict: &'static str,
}

impl Bulk {
    /// `insert into t (a, b) values (?1, ?2) on conflict …`
    pub(crate) fn row_statement(&self) -> String {
        let marks: Vec<_> = (1..=self.columns.len()).map(|i| format!("?{i}")).collect();
        format!(
            "insert into {} ({}) values ({}) {}",
            self.table,
            self.column_names(),
            marks.join(", "),
            self.on_conflict
        )
    }

    /// `insert into t (a, b) select * from unnest($1::bigint[], $2::text[]) on conflict …`
    pub(crate) fn array_statement(&self) -> String {
        let arrays: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (_, kind))| {
                let name = match kind {
                    ColumnType::Int => "bigint",
                    ColumnType::Text => "text",
                    ColumnType::Blob => "bytea",
                };
                format!("${}::{name}[]", i + 1)
            })
            .collect();
        format!(
            "insert into {} ({}) select * from unnest({}) {}",
            self.table,
            self.column_names(),
            arrays.join(", "),
            self.on_conflict
        )
    }

    fn column_names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}
