//! Parties out of the system, as CSV, a workbook or JSON lines. What may be exported, and to whom,
//! is decided before; this only writes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::value::RawValue;

use super::Cell;
use super::object::{Object, push_text};
use super::read::Format;
use super::table::{Kind, Table};
use super::value::one_line;

/// Between several identifiers of one kind in one cell.
const SEPARATOR: &str = "; ";

/// One party as it is exported.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// Its public id.
    pub id: String,
    /// Kind and value of its identifiers.
    pub identifiers: Vec<(String, String)>,
    /// Its fields, as JSON.
    pub traits: Vec<(String, Box<RawValue>)>,
}

/// What an export looks like.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// CSV, TSV is not written; a workbook; or JSON lines.
    pub format: Format,
    /// Kinds of identifiers that get a column. JSON lines hold all.
    pub identifiers: Vec<String>,
    /// Fields that get a column. JSON lines hold all.
    pub traits: Vec<String>,
    /// Begin CSV with a byte order mark, without which Excel garbles Chinese.
    pub has_bom: bool,
}

/// Writes parties to one file.
pub struct Writer {
    layout: Layout,
    sink: Sink,
    parties: u64,
}

enum Sink {
    Table(Table),
    Lines(BufWriter<File>),
}

impl Writer {
    /// An export at `path`.
    ///
    /// # Errors
    /// The file cannot be created, or the format is only for reading.
    pub fn create(path: &Path, layout: Layout) -> Result<Self> {
        let kind = match layout.format {
            Format::Csv => Kind::Csv { has_bom: layout.has_bom },
            Format::Xlsx => Kind::Xlsx,
            Format::JsonLines => {
                let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
                return Ok(Self { layout, sink: Sink::Lines(BufWriter::new(file)), parties: 0 });
            }
            other => bail!("exports are csv, xlsx or jsonl, not {other:?}"),
        };
        let mut table = Table::create(path, kind)?;
        table.write(&header(&layout))?;
        Ok(Self { layout, sink: Sink::Table(table), parties: 0 })
    }

    /// Adds one party.
    ///
    /// # Errors
    /// The disk, or the size of a sheet.
    pub fn write(&mut self, party: &Party) -> Result<()> {
        self.parties += 1;
        match &mut self.sink {
            Sink::Table(table) => table.write(&row(&self.layout, party)),
            Sink::Lines(file) => Ok(writeln!(file, "{}", line(party))?),
        }
    }

    /// Completes the file; answers how many parties it holds.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> Result<u64> {
        match self.sink {
            Sink::Table(table) => table.finish()?,
            Sink::Lines(mut file) => file.flush()?,
        }
        Ok(self.parties)
    }
}

/// The column of the party's id.
const ID_COLUMN: &str = "party_id";

/// An e-mail address may be an identifier and a trait; no two columns have one name.
fn header(layout: &Layout) -> Vec<Cell> {
    let is_taken = |name: &String| *name == ID_COLUMN || layout.identifiers.contains(name);
    let traits = layout.traits.iter().map(|t| if is_taken(t) { format!("trait.{t}") } else { t.clone() });
    let names = [ID_COLUMN.to_owned()].into_iter().chain(layout.identifiers.iter().cloned()).chain(traits);
    names.map(Cell::Text).collect()
}

fn row(layout: &Layout, party: &Party) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(party.id.clone())];
    for kind in &layout.identifiers {
        let values: Vec<_> =
            party.identifiers.iter().filter(|(k, _)| k == kind).map(|(_, v)| v.as_str()).collect();
        cells.push(Cell::of_text(&values.join(SEPARATOR)));
    }
    for field in &layout.traits {
        let value = party.traits.iter().find(|(name, _)| name == field);
        cells.push(value.map_or(Cell::Missing, |(_, json)| cell(json.get())));
    }
    cells
}

fn cell(json: &str) -> Cell {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).map_or(Cell::Missing, |text| Cell::of_text(&text)),
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        Some(b'n') | None => Cell::Missing,
        Some(b'{' | b'[') => Cell::Json(json.to_owned()),
        Some(_) => Cell::Number(json.to_owned()),
    }
}

fn line(party: &Party) -> String {
    let mut identifiers = String::from("[");
    for (kind, value) in &party.identifiers {
        identifiers.push_str(if identifiers.len() > 1 { ",{\"kind\":" } else { "{\"kind\":" });
        push_text(&mut identifiers, kind);
        identifiers.push_str(",\"value\":");
        push_text(&mut identifiers, value);
        identifiers.push('}');
    }
    identifiers.push(']');
    let mut traits = Object::new();
    for (name, json) in &party.traits {
        traits.raw(name, &one_line(json.get()));
    }
    let mut line = Object::new();
    line.text("party_id", &party.id);
    line.raw("identifiers", &identifiers);
    line.raw("traits", &traits.finish());
    line.finish()
}
