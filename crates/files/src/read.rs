//! Opens a file of any supported format as one stream of rows. The bytes decide, not the name.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{Column, Row, RowError, columnar, delimited, json_lines, sheet, text};

/// The formats files come and go in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text cells between `,`, `;`, tabs or `|`.
    #[default]
    Csv,
    /// Text cells between tabs.
    Tsv,
    /// An Excel workbook.
    Xlsx,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// What the file at `path` is, by its first bytes (inside gzip, if it is that).
    ///
    /// # Errors
    /// The file cannot be read, or is something known that we do not read.
    pub fn detect(path: &Path) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let mut head = Vec::new();
        file.by_ref().take(8).read_to_end(&mut head)?;
        match head.as_slice() {
            [b'P', b'K', ..] => Ok(Self::Xlsx),
            [b'P', b'A', b'R', b'1', ..] => Ok(Self::Parquet),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => bail!("this is an old .xls workbook; save it as .xlsx"),
            _ => {
                file.seek(SeekFrom::Start(0))?;
                Self::of_text(&text::open(file)?)
            }
        }
    }

    fn of_text(text: &text::Text) -> Result<Self> {
        if text.head.contains('\0') {
            bail!("this is neither text nor a format we read");
        }
        match text.head.trim_start().as_bytes() {
            [b'{', ..] => Ok(Self::JsonLines),
            [b'[', ..] => bail!("this is one JSON array; write one object a line instead"),
            _ if delimited::sniff(text) == b'\t' => Ok(Self::Tsv),
            _ => Ok(Self::Csv),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "xlsx" => Ok(Self::Xlsx),
            "jsonl" | "ndjson" | "json" | "json_lines" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            _ => Err(format!("`{name}` is not one of csv, tsv, xlsx, jsonl, parquet")),
        }
    }
}

/// What the caller knows better than the bytes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Read it as this format instead of detecting one.
    pub format: Option<Format>,
    /// The sheet of a workbook; the first one if not given.
    pub sheet: Option<String>,
}

/// An open file: its columns, and then its rows one at a time in bounded memory.
pub struct Rows {
    /// What it is read as.
    pub format: Format,
    /// For people: "CSV, GB18030, delimited by `;`".
    pub description: String,
    /// The columns of the header; of JSON lines, those of the first rows.
    pub columns: Vec<Column>,
    rows: Box<dyn Iterator<Item = Result<Row, RowError>> + Send>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({}, {:?})", self.description, self.columns)
    }
}

impl Iterator for Rows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

/// Opens the file at `path` and reads its header.
///
/// # Errors
/// The file as a whole is unreadable; a bad row is an item of the stream instead.
pub fn open(path: &Path, options: &Options) -> Result<Rows> {
    let format = options.format.map_or_else(|| Format::detect(path), Ok)?;
    open_as(path, format, options).with_context(|| format!("reading {}", path.display()))
}

fn open_as(path: &Path, format: Format, options: &Options) -> Result<Rows> {
    match format {
        Format::Csv | Format::Tsv => {
            let text = text::open(File::open(path)?)?;
            let delimiter = if format == Format::Tsv { b'\t' } else { delimited::sniff(&text) };
            let shown = if delimiter == b'\t' { "tab".into() } else { char::from(delimiter).to_string() };
            let description = format!("CSV, {}, delimited by `{shown}`", text.encoding.name());
            let rows = delimited::open(text, delimiter)?;
            Ok(Rows { format, description, columns: rows.columns().to_vec(), rows: Box::new(rows) })
        }
        Format::JsonLines => {
            let text = text::open(File::open(path)?)?;
            let description = format!("JSON lines, {}", text.encoding.name());
            let rows = json_lines::open(text);
            Ok(Rows { format, description, columns: rows.columns().to_vec(), rows: Box::new(rows) })
        }
        Format::Xlsx => {
            let rows = sheet::open(path, options.sheet.as_deref())?;
            let description = "Excel workbook".into();
            Ok(Rows { format, description, columns: rows.columns().to_vec(), rows: Box::new(rows) })
        }
        Format::Parquet => {
            let rows = columnar::open(File::open(path)?)?;
            let description = "Parquet".into();
            Ok(Rows { format, description, columns: rows.columns().to_vec(), rows: Box::new(rows) })
        }
    }
}
