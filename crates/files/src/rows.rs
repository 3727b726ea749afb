//! Rows of a destination into one file: CSV, a workbook or Parquet.
//!
//! In CSV and workbooks no cell can act as a formula (see `table`); Parquet holds the values as they are.
//! The same rows are the same bytes.

use std::fs::File;
use std::path::Path;

use ::columnar::Value;
use ::columnar::write::Writer as Parquet;
use anyhow::{Context, Result, bail};

pub use ::columnar::write::Kind;

use super::Cell;
use super::read::Format;
use super::table::{self, Table};

/// A file of rows being written.
pub struct Writer {
    sink: Sink,
    rows: u64,
}

enum Sink {
    Table(Table),
    Parquet(Box<Parquet>),
}

impl Writer {
    /// A file at `path` with these columns. What is said of their kinds counts in Parquet.
    ///
    /// # Errors
    /// The file cannot be created, or the format is not written.
    pub fn create(path: &Path, format: Format, columns: &[(&str, Kind)]) -> Result<Self> {
        let kind = match format {
            Format::Csv => table::Kind::Csv { has_bom: false },
            Format::Xlsx => table::Kind::Xlsx,
            Format::Parquet => {
                let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
                let parquet = Parquet::create(file, columns)?;
                return Ok(Self { sink: Sink::Parquet(Box::new(parquet)), rows: 0 });
            }
            other => bail!("rows are written as csv, xlsx or parquet, not {other:?}"),
        };
        let mut table = Table::create(path, kind)?;
        let header: Vec<Cell> = columns.iter().map(|(name, _)| Cell::Text((*name).to_owned())).collect();
        table.write(&header)?;
        Ok(Self { sink: Sink::Table(table), rows: 0 })
    }

    /// Adds a row: a cell for each column.
    ///
    /// # Errors
    /// The disk, or the size of a sheet.
    pub fn write(&mut self, cells: &[Cell]) -> Result<()> {
        self.rows += 1;
        match &mut self.sink {
            Sink::Table(table) => table.write(cells),
            Sink::Parquet(parquet) => {
                let values: Vec<Value> = cells.iter().map(value).collect();
                Ok(parquet.write(&values)?)
            }
        }
    }

    /// Completes the file; answers how many rows it holds, the header not counted.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> Result<u64> {
        match self.sink {
            Sink::Table(table) => table.finish()?,
            Sink::Parquet(parquet) => drop(parquet.finish()?),
        }
        Ok(self.rows)
    }
}

fn value(cell: &Cell) -> Value {
    match cell.clone() {
        Cell::Missing => Value::Null,
        Cell::Text(text) => Value::Text(text),
        Cell::Number(text) => Value::Number(text),
        Cell::Bool(is) => Value::Bool(is),
        Cell::Instant(text) => Value::Instant(text),
        Cell::Json(text) => Value::Json(text),
    }
}
