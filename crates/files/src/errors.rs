//! The error file: the rejected rows as they came, and in a last column `error` why. People correct
//! it and import it again; the converter knows the column and takes it off.

use std::path::Path;

use anyhow::Result;

use super::read::Format;
use super::table::{Kind, Table};
use super::{Cell, Column, ERROR_COLUMN, RowError};

/// Writes rejected rows.
pub struct Writer {
    table: Table,
    columns: Vec<Column>,
    rows: u64,
}

impl Writer {
    /// An error file at `path` for an input with these `columns`: a workbook if the input is one,
    /// else CSV that Excel opens as UTF-8.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path, input: Format, columns: &[Column]) -> Result<Self> {
        let kind = if input == Format::Xlsx { Kind::Xlsx } else { Kind::Csv { has_bom: true } };
        let mut table = Table::create(path, kind)?;
        let header = columns.iter().map(|c| Cell::Text(c.to_string()));
        table.write(&header.chain([Cell::Text(ERROR_COLUMN.into())]).collect::<Vec<_>>())?;
        Ok(Self { table, columns: columns.to_vec(), rows: 0 })
    }

    /// Adds one rejected row. Cells no column has a place for follow the reason as `name=value`.
    ///
    /// # Errors
    /// The disk, or the size of a sheet.
    pub fn write(&mut self, error: &RowError) -> Result<()> {
        let known = |(i, column): (usize, &Column)| {
            let cell = error.cells.get(i).filter(|(c, _)| c == column);
            let cell = cell.or_else(|| error.cells.iter().find(|(c, _)| c == column));
            cell.map_or(Cell::Missing, |(_, cell)| cell.clone())
        };
        let mut cells: Vec<Cell> = self.columns.iter().enumerate().map(known).collect();
        cells.push(Cell::Text(error.to_string()));
        for (column, cell) in &error.cells {
            if *cell != Cell::Missing && **column != *ERROR_COLUMN && !self.columns.contains(column) {
                cells.push(Cell::Text(format!("{column}={}", cell.text())));
            }
        }
        self.rows += 1;
        self.table.write(&cells)
    }

    /// Completes the file; answers how many rows it holds.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> Result<u64> {
        self.table.finish()?;
        Ok(self.rows)
    }
}
