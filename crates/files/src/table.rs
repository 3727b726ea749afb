//! Tables for people: CSV and Excel files in which no cell can act as a formula.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use super::{Cell, number};

/// Rows of an Excel sheet.
const SHEET_ROWS_MAX: u32 = 1_048_576;
/// Characters of an Excel cell.
const SHEET_CELL_CHARS_MAX: usize = 32_767;
/// Digits Excel keeps of a number; a longer one is written as text.
const SHEET_DIGITS_MAX: usize = 15;
/// Makes Excel read a CSV file as UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The two kinds of table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Csv { has_bom: bool },
    Xlsx,
}

/// A table being written.
pub(super) struct Table {
    sink: Sink,
    path: PathBuf,
    rows: u32,
}

enum Sink {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Xlsx(Box<Workbook>),
}

impl Table {
    pub(super) fn create(path: &Path, kind: Kind) -> Result<Self> {
        let creating = || format!("creating {}", path.display());
        let sink = match kind {
            Kind::Csv { has_bom } => {
                let mut file = BufWriter::new(File::create(path).with_context(creating)?);
                if has_bom {
                    file.write_all(BOM)?;
                }
                let writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
                Sink::Csv(Box::new(writer))
            }
            Kind::Xlsx => {
                // Now rather than after the last row: the place may not be writable.
                File::create(path).with_context(creating)?;
                let mut workbook = Workbook::new();
                // Not the clock's: the same rows are the same bytes.
                let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
                workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
                workbook.add_worksheet_with_constant_memory()?;
                Sink::Xlsx(Box::new(workbook))
            }
        };
        Ok(Self { sink, path: path.to_owned(), rows: 0 })
    }

    /// Writes one row; every text that could be a formula is marked.
    pub(super) fn write(&mut self, cells: &[Cell]) -> Result<()> {
        match &mut self.sink {
            Sink::Csv(writer) => {
                writer.write_record(cells.iter().map(|cell| neutral(raw_text(cell)).into_owned()))?;
            }
            Sink::Xlsx(workbook) => {
                if self.rows >= SHEET_ROWS_MAX {
                    bail!("an Excel sheet holds {SHEET_ROWS_MAX} rows; write CSV instead");
                }
                let sheet = workbook.worksheet_from_index(0)?;
                for (at, cell) in cells.iter().enumerate() {
                    let at = u16::try_from(at).context("an Excel sheet holds 16384 columns")?;
                    match cell {
                        Cell::Missing => continue,
                        Cell::Bool(b) => sheet.write_boolean(self.rows, at, *b)?,
                        Cell::Number(text) if is_exact(text) => {
                            sheet.write_number(self.rows, at, text.parse::<f64>()?)?
                        }
                        other => sheet.write_string(self.rows, at, shortened(&neutral(raw_text(other))))?,
                    };
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Completes the file.
    pub(super) fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Csv(mut writer) => writer.flush()?,
            Sink::Xlsx(mut workbook) => workbook.save(&self.path)?,
        }
        Ok(())
    }
}

/// The text as it stood, white space included: leading tabs are part of the danger.
fn raw_text(cell: &Cell) -> &str {
    match cell {
        Cell::Text(text) => text,
        other => other.text(),
    }
}

/// Whether Excel would show the number as it is written here.
fn is_exact(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() <= SHEET_DIGITS_MAX
        && number::json(text).as_deref() == Some(text)
}

fn shortened(text: &str) -> Cow<'_, str> {
    // Excel counts UTF-16 units.
    if text.len() <= SHEET_CELL_CHARS_MAX || text.encode_utf16().count() <= SHEET_CELL_CHARS_MAX {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(SHEET_CELL_CHARS_MAX / 2).chain(['…']).collect())
}

/// `text` so that no spreadsheet takes it for a formula: marked with `'` when it starts like one
/// and is no number.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    if starts_like_formula(text) && number::json(text).is_none() {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// The text [`neutral`] marked, or `None` if it did not.
pub(super) fn unmarked(text: &str) -> Option<&str> {
    text.strip_prefix('\'').filter(|plain| starts_like_formula(plain))
}

fn starts_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}
