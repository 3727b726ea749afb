//! CSV and its relatives. The delimiter is sniffed; a row of another width than the header is an error.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Result, ensure};
use csv::{ByteRecord, ReaderBuilder};

use super::text::Text;
use super::{Cell, Column, Row, RowError};

/// One row's bytes. Beyond it a quote was opened and never closed, and would swallow the file.
pub(super) const ROW_BYTES_MAX: usize = 8 << 20;
/// Columns of a file; Excel's limit.
pub(super) const COLUMNS_MAX: usize = 16_384;
/// In order of preference when two explain the file equally well.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Rows that vote on the delimiter.
const SNIFF_ROWS: usize = 50;

/// The rows of one delimited file.
pub(super) struct Rows {
    reader: csv::Reader<Lines>,
    allowance: Arc<AtomicUsize>,
    columns: Vec<Column>,
    record: ByteRecord,
    is_over: bool,
}

/// Reads the header of `text` and stands before its first row.
pub(super) fn open(text: Text, delimiter: u8) -> Result<Rows> {
    let allowance = Arc::new(AtomicUsize::new(ROW_BYTES_MAX));
    let inner = Lines { inner: Box::new(text.reader), left: Arc::clone(&allowance), last: b'\n' };
    let mut reader = builder(delimiter).buffer_capacity(64 << 10).from_reader(inner);
    let mut record = ByteRecord::new();
    ensure!(reader.read_byte_record(&mut record)?, "the file is empty");
    let columns = named(record.iter().map(|name| String::from_utf8_lossy(name).into_owned()))?;
    Ok(Rows { reader, allowance, columns, record, is_over: false })
}

/// The delimiter under which most of the first rows have the header's width.
pub(super) fn sniff(text: &Text) -> u8 {
    let mut best = (b',', 0, 1);
    for delimiter in DELIMITERS {
        let mut widths: Vec<usize> = builder(delimiter)
            .from_reader(text.head.as_bytes())
            .into_byte_records()
            .map_while(Result::ok)
            .take(SNIFF_ROWS + 1)
            .map(|record| record.len())
            .collect();
        if widths.len() > SNIFF_ROWS || (!text.is_short && widths.len() > 1) {
            widths.pop(); // It may be cut by the end of the sample.
        }
        let Some(header) = widths.first().copied().filter(|w| *w > 1) else { continue };
        let alike = widths.iter().filter(|w| **w == header).count();
        if (alike, header) > (best.1, best.2) {
            best = (delimiter, alike, header);
        }
    }
    best.0
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true);
    builder
}

/// Names for a header: trimmed; an empty one is called by its position, a repeated one is numbered.
pub(super) fn named(header: impl Iterator<Item = String>) -> Result<Vec<Column>> {
    let mut seen = std::collections::HashSet::new();
    let mut columns = Vec::new();
    for (i, name) in header.enumerate() {
        ensure!(i < COLUMNS_MAX, "the file has more than {COLUMNS_MAX} columns");
        let name = match name.trim() {
            "" => unnamed(i),
            name => name.to_owned(),
        };
        let mut unique = name.clone();
        let mut copy = 2;
        while !seen.insert(unique.clone()) {
            unique = format!("{name} ({copy})");
            copy += 1;
        }
        columns.push(Column::from(unique));
    }
    Ok(columns)
}

/// What a column without a name is called.
pub(super) fn unnamed(index: usize) -> String {
    format!("column {}", index + 1)
}

impl Rows {
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn row(&self) -> Result<Row, RowError> {
        let inside = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let number = self.reader.position().line().saturating_sub(1 + inside);
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut unreadable = None;
        for (i, bytes) in self.record.iter().enumerate() {
            let column = self.columns.get(i).cloned().unwrap_or_else(|| unnamed(i).into());
            let cell = match std::str::from_utf8(bytes) {
                Ok(text) => Cell::of_text(text),
                Err(_) => Cell::Text(String::from_utf8_lossy(bytes).into_owned()),
            };
            // The transcoder, and the line above, leave this mark for what they could not read.
            if matches!(&cell, Cell::Text(text) if text.contains('\u{fffd}')) {
                unreadable = Some(Arc::clone(&column));
            }
            cells.push((column, cell));
        }
        let width = cells.len();
        let row = Row { number, cells };
        if width != self.columns.len() {
            let reason = format!("has {width} cells where the header has {}", self.columns.len());
            return Err(RowError::of_row(row, None, reason));
        }
        match unreadable {
            Some(column) => Err(RowError::of_row(row, Some(column), "unreadable characters")),
            None => Ok(row),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            self.allowance.store(ROW_BYTES_MAX, Relaxed);
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) if self.record.iter().all(|cell| cell.trim_ascii().is_empty()) => {}
                Ok(true) => return Some(self.row()),
                Ok(false) => self.is_over = true,
                Err(e) => {
                    self.is_over = true;
                    return Some(Err(RowError::end(self.reader.position().line(), e)));
                }
            }
        }
        None
    }
}

/// The text as the parser gets it: every line end is one `\n`, the last line has one too, and
/// nothing comes once more than [`ROW_BYTES_MAX`] were read since the allowance was last filled.
///
/// The parser counts `\n` only, and not yet the one of the row it has just read when that came
/// after a `\r`; with all ends alike, a row's line is what was counted less what is inside the row.
struct Lines {
    inner: Box<dyn Read + Send>,
    left: Arc<AtomicUsize>,
    last: u8,
}

impl Read for Lines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.inner.read(out)?;
            if length == 0 {
                if matches!(self.last, b'\n' | b'\r') || out.is_empty() {
                    return Ok(0);
                }
                self.last = b'\n';
                out[0] = b'\n';
                return Ok(1);
            }
            let left = self.left.load(Relaxed);
            if length > left {
                return Err(io::Error::other("a row longer than 8 MiB; is a quote never closed?"));
            }
            self.left.store(left - length, Relaxed);
            let length = self.unify(&mut out[..length]);
            if length > 0 {
                return Ok(length);
            }
        }
    }
}

impl Lines {
    /// Makes `\r\n` and `\r` into `\n`, in place; answers what is left.
    fn unify(&mut self, bytes: &mut [u8]) -> usize {
        let mut last = self.last;
        self.last = bytes.last().copied().unwrap_or(last);
        if last != b'\r' && !bytes.contains(&b'\r') {
            return bytes.len();
        }
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            if byte != b'\n' || last != b'\r' {
                bytes[kept] = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
            last = byte;
        }
        kept
    }
}
