//! Saying what a tag is of everybody in a file: one identifier a row.

use std::path::PathBuf;

use clap::Args;
use files::{Cell, read};
use kernel::Failure;
use serde_json::{Value, json};

use super::One;
use crate::command::client::Api;
use crate::command::party::text;
use crate::command::say;

/// Rows of one request.
const ROWS: usize = 5_000;

#[derive(Clone, Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    pub(super) one: One,
    /// The file: CSV, Excel, JSON lines, Parquet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column with the identifier
    #[arg(long, value_name = "COLUMN")]
    column: String,
    /// The kind of the identifier; the column's name if absent
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The column with the value
    #[arg(long, value_name = "COLUMN", conflicts_with = "value")]
    value_column: Option<String>,
    /// Instead of a column: one value for all, as JSON or as text; `true` if absent
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
    /// When it goes by itself, such as 2026-06-30T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Where it comes from
    #[arg(long, value_name = "NAME", default_value = "import")]
    source: String,
}

impl Import {
    pub(super) async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let tag: Value = api.get(&["tags", &self.one.key], &[]).await?;
        let of = tag["definition"]["value_type"].as_str().unwrap_or("text").to_owned();
        let rows = read::open(&self.file, &read::Options::default())?;
        for column in [Some(&self.column), self.value_column.as_ref()].into_iter().flatten() {
            if !rows.columns.iter().any(|known| **known == **column) {
                return Err(Failure::invalid("column", format!("the file has no column `{column}`")).into());
            }
        }
        let mut told = Told::default();
        let (mut batch, mut numbers) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                Ok(row) => {
                    numbers.push(row.number);
                    batch.push(self.row(&row, &of));
                }
                Err(error) => told.errors.push(json!({ "row": error.row, "message": error.reason })),
            }
            if batch.len() == ROWS {
                self.send(api, &mut batch, &mut numbers, &mut told).await?;
            }
        }
        self.send(api, &mut batch, &mut numbers, &mut told).await?;
        Ok(json!({ "accepted": told.accepted, "errors": told.errors }))
    }

    fn row(&self, row: &files::Row, of: &str) -> Value {
        let cell = |name: &str| row.cells.iter().find(|(column, _)| **column == *name).map(|(_, cell)| cell);
        let kind = self.kind.as_ref().unwrap_or(&self.column);
        let identifier = json!({ "kind": kind, "value": cell(&self.column).map_or("", Cell::text) });
        let value = match (&self.value_column, &self.value) {
            (Some(column), _) => cell(column).map_or(Value::Null, |cell| typed(cell.text(), of)),
            (None, Some(text)) => typed(text, of),
            (None, None) => Value::Bool(true),
        };
        json!({ "identifier": identifier, "value": value, "expires_at": self.expires })
    }

    async fn send(
        &self,
        api: &Api,
        batch: &mut Vec<Value>,
        numbers: &mut Vec<u64>,
        told: &mut Told,
    ) -> anyhow::Result<()> {
        let (rows, numbers) = (std::mem::take(batch), std::mem::take(numbers));
        if rows.is_empty() {
            return Ok(());
        }
        let body = json!({ "source": self.source, "rows": rows });
        let answer: Value = api.post(&["tags", &self.one.key, "assign"], &body).await?;
        told.accepted += answer["accepted"].as_u64().unwrap_or_default();
        for error in answer["errors"].as_array().into_iter().flatten() {
            let place = error["row"].as_u64().and_then(|place| usize::try_from(place).ok());
            let row = place.and_then(|place| numbers.get(place)).copied();
            told.errors.push(json!({ "row": row, "message": error["message"] }));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Told {
    accepted: u64,
    errors: Vec<Value>,
}

/// A cell's text as a value of the tag's type. What is none of it the server refuses, row by row.
fn typed(text: &str, of: &str) -> Value {
    match of {
        "text" | "instant" => Value::String(text.to_owned()),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

/// Tells how many rows were taken, and what was wrong with the others.
pub(super) fn tell(answer: &Value) {
    say(format_args!("{} taken", answer["accepted"]));
    for error in answer["errors"].as_array().into_iter().flatten() {
        say(format_args!("row {}: {}", text(&error["row"]), text(&error["message"])));
    }
}
