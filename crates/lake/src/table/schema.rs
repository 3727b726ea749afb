//! The columns of the six tables, in Arrow's words and in Delta's.
//!
//! Only types every reader of Delta knows; no column mapping, so names are restricted instead. The
//! widest columns come last, because readers fetch neighbouring columns together.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::row::{Column, DECIMAL_SCALE, Kind};

/// The tables of a workspace's lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Everything that happened, partitioned by week.
    Events,
    /// Customers and their traits.
    Parties,
    /// Identifiers and whose they are.
    Nodes,
    /// Who entered and left which audience, and when.
    Memberships,
    /// What was sent to whom.
    Messages,
    /// Records of the workspace's own objects.
    Objects,
}

/// Every table, in the order they are opened.
pub const DATASETS: [Dataset; 6] = [
    Dataset::Events,
    Dataset::Parties,
    Dataset::Nodes,
    Dataset::Memberships,
    Dataset::Messages,
    Dataset::Objects,
];

/// Name of the partition column of `events`: the Monday its week begins with, in UTC.
pub(crate) const WEEK: &str = "week";
/// Digits of a decimal column: the most that fit 64 bits.
pub(crate) const DECIMAL_DIGITS: u8 = 18;
/// More hot columns than this make every file wide for the sake of few questions.
pub const HOT_COLUMNS_MAX: usize = 64;

impl Dataset {
    /// The table's name, in paths and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Parties => "parties",
            Self::Nodes => "nodes",
            Self::Memberships => "memberships",
            Self::Messages => "messages",
            Self::Objects => "objects",
        }
    }

    /// Columns in file order. `hot` are the extra ones of `events`.
    pub fn columns(self, hot: &[Column]) -> Vec<Column> {
        let fixed: &[(&str, Kind)] = match self {
            Self::Events => return event_columns(hot),
            Self::Parties => &[
                ("party_no", Kind::Small),
                ("party_id", Kind::Text),
                ("created_at", Kind::Time),
                ("changed_at", Kind::Time),
                ("traits", Kind::Text),
            ],
            Self::Nodes => &[
                ("node_no", Kind::Integer),
                ("party_no", Kind::Small),
                ("kind", Kind::Text),
                ("from", Kind::Time),
                ("until", Kind::Time),
                ("key", Kind::Bytes),
            ],
            Self::Memberships => &[
                ("audience", Kind::Text),
                ("party_no", Kind::Small),
                ("change", Kind::Text),
                ("time", Kind::Time),
                ("sequence", Kind::Integer),
                ("cause", Kind::Text),
            ],
            Self::Messages => &[
                ("party_no", Kind::Small),
                ("node_no", Kind::Integer),
                ("time", Kind::Time),
                ("channel", Kind::Text),
                ("journey", Kind::Text),
                ("status", Kind::Text),
                ("message_id", Kind::Text),
                ("properties", Kind::Text),
            ],
            Self::Objects => &[
                ("object", Kind::Text),
                ("record_id", Kind::Text),
                ("changed_at", Kind::Time),
                ("properties", Kind::Text),
            ],
        };
        fixed.iter().map(|(name, kind)| Column::new(name, *kind)).collect()
    }

    /// The partition column, if there is one.
    pub(crate) fn partition(self) -> Option<&'static str> {
        (self == Self::Events).then_some(WEEK)
    }
}

fn event_columns(hot: &[Column]) -> Vec<Column> {
    let mut columns: Vec<Column> = [
        ("bucket", Kind::Small),
        ("event", Kind::Text),
        ("party_no", Kind::Small),
        ("time", Kind::Time),
        ("node_no", Kind::Integer),
    ]
    .map(|(name, kind)| Column::new(name, kind))
    .to_vec();
    columns.extend_from_slice(hot);
    columns.extend(
        [
            ("channel", Kind::Text),
            ("source", Kind::Text),
            ("event_id", Kind::Bytes),
            ("context", Kind::Text),
            ("properties", Kind::Text),
        ]
        .map(|(name, kind)| Column::new(name, kind)),
    );
    columns
}

/// Columns of `events` that stand before and after the hot ones.
const FIXED_BEFORE: usize = 5;
const FIXED_AFTER: usize = 5;

/// The hot columns among all columns of `events`.
pub(crate) fn hot_columns(columns: &[Column]) -> &[Column] {
    &columns[FIXED_BEFORE..columns.len() - FIXED_AFTER]
}

/// Checks hot columns before they become part of a table for good.
pub(crate) fn check_hot(hot: &[Column]) -> Result<()> {
    if hot.len() > HOT_COLUMNS_MAX {
        return Err(Error::Limit { limit: "hot columns", max: HOT_COLUMNS_MAX as u64 });
    }
    let taken = event_columns(&[]);
    for (i, column) in hot.iter().enumerate() {
        let name = column.name.as_str();
        let is_plain = !name.is_empty()
            && name.len() <= 64
            && name.chars().all(|c| c == '_' || (c.is_alphanumeric() && !c.is_uppercase()));
        if !is_plain {
            let message = format!("hot column `{name}` may have lower-case letters, digits and `_` only");
            return Err(Error::Refused(message));
        }
        if name == WEEK || taken.iter().chain(&hot[..i]).any(|t| t.name == name) {
            return Err(Error::Refused(format!("hot column `{name}` is the name of another column")));
        }
        if matches!(column.kind, Kind::Bytes | Kind::Small) {
            return Err(Error::Refused(format!("hot column `{name}` must be of a type JSON has")));
        }
    }
    Ok(())
}

/// The schema of the files of a table.
pub(crate) fn arrow_schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(arrow_field).collect::<Vec<_>>()))
}

/// The field of one column. Everything is nullable, as Delta's writers expect.
pub(crate) fn arrow_field(column: &Column) -> Field {
    Field::new(&column.name, arrow_type(column.kind), true)
}

/// The Arrow type of a kind.
pub(crate) fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Small => DataType::Int32,
        Kind::Decimal => DataType::Decimal128(DECIMAL_DIGITS, DECIMAL_SCALE as i8),
        Kind::Boolean => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Bytes => DataType::Binary,
    }
}

/// The schema as Delta's `schemaString`.
pub(crate) fn delta_schema(columns: &[Column], partition: Option<&str>) -> String {
    let field =
        |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    let mut fields: Vec<Value> = columns.iter().map(|c| field(&c.name, delta_type(c.kind))).collect();
    fields.extend(partition.map(|name| field(name, "date")));
    json!({"type": "struct", "fields": fields}).to_string()
}

fn delta_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Integer => "long",
        Kind::Small => "integer",
        Kind::Decimal => "decimal(18,4)",
        Kind::Boolean => "boolean",
        Kind::Time => "timestamp",
        Kind::Bytes => "binary",
    }
}

/// Reads Delta's `schemaString` back, without the partition column.
pub(crate) fn columns_of(schema: &str, partition: Option<&str>) -> Result<Vec<Column>> {
    let unreadable = |what: &str| Error::Unreadable(format!("the table's schema has {what}"));
    let schema: Value = serde_json::from_str(schema).map_err(|e| unreadable(&e.to_string()))?;
    let fields = schema["fields"].as_array().ok_or_else(|| unreadable("no fields"))?;
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field["name"].as_str().ok_or_else(|| unreadable("a field without a name"))?;
        if Some(name) == partition {
            continue;
        }
        let kind = match field["type"].as_str() {
            Some("string") => Kind::Text,
            Some("long") => Kind::Integer,
            Some("integer") => Kind::Small,
            Some("decimal(18,4)") => Kind::Decimal,
            Some("boolean") => Kind::Boolean,
            Some("timestamp") => Kind::Time,
            Some("binary") => Kind::Bytes,
            _ => return Err(unreadable(&format!("column `{name}` of type `{}`", field["type"]))),
        };
        columns.push(Column::new(name, kind));
    }
    Ok(columns)
}
