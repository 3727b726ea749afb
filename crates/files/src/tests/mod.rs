//! What the file side must hold, from bytes on disk to messages and back.

mod mappings;
mod messages;
mod reading;
mod tables;

use std::path::PathBuf;

use super::mapping::Mapping;
use super::read::{Format, Options, Rows, open};
use super::{Cell, Row, RowError};

/// A directory with one input file.
struct Input {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Input {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, bytes).unwrap();
        Self { folder, path }
    }

    /// A workbook whose one sheet `fill` writes.
    fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Workbook)) -> Self {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        fill(&mut workbook);
        Self::of(workbook.save_to_buffer().unwrap())
    }

    fn rows(&self) -> Rows {
        open(&self.path, &Options::default()).unwrap()
    }

    fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// One line a row: `2: name='王' age=#7`.
fn shown(rows: Rows) -> Vec<String> {
    rows.map(|row| show(&row)).collect()
}

fn show(row: &Result<Row, RowError>) -> String {
    match row {
        Ok(row) => {
            let cells = row.cells.iter().map(|(column, cell)| format!(" {column}={}", show_cell(cell)));
            format!("{}:{}", row.number, cells.collect::<String>())
        }
        Err(e) => e.to_string(),
    }
}

fn show_cell(cell: &Cell) -> String {
    match cell {
        Cell::Missing => "-".into(),
        Cell::Text(t) => format!("'{t}'"),
        Cell::Number(n) => format!("#{n}"),
        Cell::Bool(b) => b.to_string(),
        Cell::Instant(t) => format!("@{t}"),
        Cell::Json(j) => j.clone(),
    }
}

fn mapping(json: &str) -> Mapping {
    Mapping::parse(json).unwrap()
}
