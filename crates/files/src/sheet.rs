//! One sheet of an .xlsx workbook, row by row.
//!
//! A thread of its own owns the workbook and sends rows through a short queue: the sheet is never in
//! memory as a whole (only its shared strings are), and a panic of the decoder on a damaged file
//! becomes the error that ends the file. What the archive unpacks to is measured before anything is
//! parsed, because a small file may hold gigabytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail, ensure};
use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};

use super::delimited::{COLUMNS_MAX, named, unnamed};
use super::{Cell, Column, Row, RowError};

/// Files inside the archive. A workbook with hundreds of sheets and pictures has fewer.
const ENTRIES_MAX: usize = 10_000;
/// All XML of the workbook, unpacked: a sheet of a million rows and twenty columns.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// Unpacked to packed size. Sheets reach 50; only bombs pass this.
const RATIO_MAX: u64 = 200;
/// Below this the ratio says nothing.
const RATIO_FROM_BYTES: u64 = 16 << 20;
/// Rows sent together, and batches waiting.
const BATCH_ROWS: usize = 256;
const BATCHES_WAITING: usize = 4;

/// The rows of one sheet, numbered as Excel shows them.
pub(super) struct Rows {
    columns: Vec<Column>,
    batches: Receiver<Batch>,
    batch: std::vec::IntoIter<Raw>,
    worker: Option<JoinHandle<()>>,
    number: u64,
}

/// A batch of rows, or why there are no more.
type Batch = Result<Vec<Raw>, String>;

/// A row as stored: cells by position, gaps left out.
struct Raw {
    number: u64,
    cells: Vec<(usize, Cell)>,
    /// The first cell that holds an error of Excel's, like `#N/A`.
    broken: Option<(usize, String)>,
}

/// Opens `sheet`, or the first one, of the workbook at `path`. Its first filled row is the header.
pub(super) fn open(path: &Path, sheet: Option<&str>) -> Result<Rows> {
    measure(path)?;
    let file = BufReader::new(File::open(path)?);
    let sheet = sheet.map(str::to_owned);
    let (sender, batches) = sync_channel(BATCHES_WAITING);
    let worker = std::thread::spawn(move || {
        if let Err(e) = send_rows(file, sheet, &sender) {
            // Nobody listens when the reader was dropped before the end.
            let _ = sender.send(Err(e.to_string()));
        }
    });
    let batch = Vec::new().into_iter();
    let mut rows = Rows { columns: Vec::new(), batches, batch, worker: Some(worker), number: 0 };
    let header = match rows.raw() {
        Some(Ok(header)) => header,
        Some(Err(e)) => bail!("{}", e.reason),
        None => bail!("the sheet is empty"),
    };
    let width = header.cells.iter().map(|(at, _)| at + 1).max().unwrap_or(0);
    let mut names = vec![String::new(); width];
    for (at, cell) in &header.cells {
        names[*at] = cell.text().to_owned();
    }
    rows.columns = named(names.into_iter())?;
    Ok(rows)
}

/// Unpacks every XML part into nothing, counting. The sizes an archive declares may be lies.
fn measure(path: &Path) -> Result<()> {
    let packed = std::fs::metadata(path)?.len();
    let archive = zip::ZipArchive::new(BufReader::new(File::open(path)?));
    let mut archive = archive.context("reading the workbook as a zip archive")?;
    ensure!(archive.len() <= ENTRIES_MAX, "the workbook has more than {ENTRIES_MAX} parts");
    let mut left = UNPACKED_BYTES_MAX.min((packed * RATIO_MAX).max(RATIO_FROM_BYTES));
    for i in 0..archive.len() {
        let part = archive.by_index(i).context("reading the workbook as a zip archive")?;
        let is_xml = [".xml", ".rels"].iter().any(|end| part.name().is_ok_and(|name| name.ends_with(end)));
        if is_xml {
            let length = io::copy(&mut part.take(left + 1), &mut io::sink())?;
            ensure!(length <= left, "the workbook unpacks to more than is sensible for its size");
            left -= length;
        }
    }
    Ok(())
}

fn send_rows(file: impl Read + Seek, sheet: Option<String>, to: &SyncSender<Batch>) -> Result<()> {
    let mut workbook = Xlsx::new(file)?;
    let name = match sheet {
        Some(name) => name,
        None => workbook.sheet_names().first().cloned().context("the workbook has no sheet")?,
    };
    let mut cells =
        workbook.worksheet_cells_reader(&name).with_context(|| format!("opening sheet `{name}`"))?;
    let mut batch: Vec<Raw> = Vec::new();
    while let Some(cell) = cells.next_cell()? {
        let (row, at) = cell.get_position();
        let (number, at) = (u64::from(row) + 1, at as usize);
        if at >= COLUMNS_MAX {
            bail!("the sheet has more than {COLUMNS_MAX} columns");
        }
        let value = plain(cell.get_value());
        if matches!(value, Ok(Cell::Missing)) {
            continue;
        }
        if batch.last().is_none_or(|last| last.number != number) {
            if batch.len() >= BATCH_ROWS && to.send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(());
            }
            batch.push(Raw { number, cells: Vec::new(), broken: None });
        }
        let Some(last) = batch.last_mut() else { continue };
        match value {
            Ok(value) => last.cells.push((at, value)),
            Err(error) => {
                last.cells.push((at, Cell::Text(error.clone())));
                last.broken.get_or_insert((at, error));
            }
        }
    }
    let _ = to.send(Ok(batch));
    Ok(())
}

/// A cell in plain words; an error of Excel's is an error.
fn plain(value: &DataRef<'_>) -> Result<Cell, String> {
    Ok(match value {
        DataRef::Empty => Cell::Missing,
        DataRef::Int(n) => Cell::Number(n.to_string()),
        DataRef::Float(n) => Cell::Number(n.to_string()),
        DataRef::String(text) => Cell::of_text(text),
        DataRef::SharedString(text) => Cell::of_text(text),
        DataRef::Bool(b) => Cell::Bool(*b),
        DataRef::DateTime(moment) => date_time(moment),
        DataRef::DateTimeIso(text) => Cell::Instant(text.clone()),
        DataRef::DurationIso(text) => Cell::Text(text.clone()),
        DataRef::Error(e) => return Err(e.to_string()),
    })
}

/// Excel keeps days and fractions of days, and only the cell's format says that it is a date. A
/// midnight is a plain date, a fraction alone a time of day, a duration hours and minutes.
fn date_time(moment: &ExcelDateTime) -> Cell {
    let days = moment.as_f64();
    if moment.is_duration() || (0.0..1.0).contains(&days) {
        let seconds = (days * 86_400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return Cell::Text(format!(
            "{sign}{:02}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ));
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) != (0, 0, 0, 0) {
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
        if milli != 0 {
            text.push_str(&format!(".{milli:03}"));
        }
    }
    Cell::Instant(text)
}

impl Rows {
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn raw(&mut self) -> Option<Result<Raw, RowError>> {
        loop {
            if let Some(raw) = self.batch.next() {
                self.number = raw.number;
                return Some(Ok(raw));
            }
            match self.batches.recv() {
                Ok(Ok(batch)) => self.batch = batch.into_iter(),
                Ok(Err(reason)) => {
                    self.worker = None;
                    return Some(Err(RowError::end(self.number + 1, reason)));
                }
                Err(_) => {
                    // The worker is gone; if it fell, the rows are not all there.
                    let outcome = self.worker.take()?.join();
                    return outcome.err().map(|_| Err(RowError::end(self.number + 1, "damaged content")));
                }
            }
        }
    }

    fn row(&self, raw: Raw) -> Result<Row, RowError> {
        let mut cells: Vec<_> = self.columns.iter().map(|name| (name.clone(), Cell::Missing)).collect();
        let mut beyond = None;
        for (at, cell) in raw.cells {
            match cells.get_mut(at).filter(|_| at < self.columns.len()) {
                Some(slot) => slot.1 = cell,
                None => {
                    beyond = Some(Column::from(unnamed(at)));
                    cells.push((Column::from(unnamed(at)), cell));
                }
            }
        }
        let row = Row { number: raw.number, cells };
        if beyond.is_some() {
            return Err(RowError::of_row(row, beyond, "has a value where the header has no name"));
        }
        match raw.broken {
            Some((at, error)) => {
                let column = self.columns.get(at).cloned();
                Err(RowError::of_row(row, column, format!("holds Excel's error {error}")))
            }
            None => Ok(row),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.raw()?.and_then(|raw| self.row(raw)))
    }
}
