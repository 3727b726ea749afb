//! One row to one message in the shape the collector takes, or the reason why not.
//!
//! The message id is a hash of what the row says, so importing a file again, in any order of rows
//! or columns and in any format, gives the same ids and the collector drops them as duplicates.
//! Rows that say exactly the same are told apart by counting them. Whether a phone number or an
//! e-mail address is a real one is for the server to judge, as for any other source.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use anyhow::{Result, bail};
use kernel::Key;
use kernel::limits::{EVENT_BYTES_MAX, IDENTIFIER_BYTES_MAX, NAME_BYTES_MAX};

use super::mapping::{Mapping, Skip, Type};
use super::object::Object;
use super::read::Format;
use super::{Cell, Column, ERROR_COLUMN, Row, RowError, moment, table, value};

/// Characters of one text cell; the limit of the SDKs' string properties.
pub const CELL_CHARS_MAX: usize = 8_191;
/// Rows of one file: their hashes are kept to count equal ones, which takes about 1 GB for so many.
pub const ROWS_MAX: usize = 20_000_000;
/// Keeps the ids of this importer apart from any other use of the hash.
const NAMESPACE: &[u8; 32] = b"headwater import message id v1\0\0";

/// A message ready to be sent.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Message {
    /// The row it comes from.
    pub row: u64,
    /// Its `messageId`.
    pub id: String,
    /// The message itself, one line of JSON.
    pub json: String,
    /// The row's cells, for the error file should the server reject it.
    #[serde(skip)]
    pub cells: Vec<(Column, Cell)>,
}

/// Turns the rows of one file into messages. Keeps count of equal rows, so use one for each file.
pub struct Converter {
    mapping: Mapping,
    columns: Vec<Column>,
    event: Option<Source>,
    key: Option<Vec<Source>>,
    time: Option<(Source, moment::Reader)>,
    moments: moment::Reader,
    identifiers: Vec<(String, Source)>,
    fields: Vec<Field>,
    skips: Vec<(Source, Skip)>,
    /// With `"*"`: the columns that are not properties of their own.
    used: Option<HashSet<String>>,
    constants: Vec<(String, String)>,
    seen: HashMap<[u8; 16], u64>,
    is_error_file: bool,
}

/// Where a value is read: a column, and where it stood in the header.
struct Source {
    column: Column,
    at: usize,
}

struct Field {
    name: String,
    source: Source,
    kind: Type,
    is_required: bool,
}

/// Why a row is no message.
struct Fault {
    column: Option<Column>,
    reason: Cow<'static, str>,
}

impl Fault {
    fn at(column: &Column, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { column: Some(column.clone()), reason: reason.into() }
    }

    fn row(reason: &'static str) -> Self {
        Self { column: None, reason: Cow::Borrowed(reason) }
    }
}

impl Converter {
    /// A converter for a file with these `columns`.
    ///
    /// # Errors
    /// The mapping is wrong, or names columns the file does not have.
    pub fn new(mapping: &Mapping, columns: &[Column], format: Format) -> Result<Self> {
        mapping.check()?;
        let has_header = format != Format::JsonLines;
        let missing: Vec<_> =
            mapping.columns().filter(|c| !columns.iter().any(|known| **known == **c)).collect();
        if has_header && !missing.is_empty() {
            bail!("the file has no column `{}`; it has `{}`", missing.join("`, `"), columns.join("`, `"));
        }
        // Errors given back and corrected come with our column of reasons at the end.
        let is_error_file = matches!(format, Format::Csv | Format::Tsv | Format::Xlsx)
            && columns.last().is_some_and(|last| **last == *ERROR_COLUMN)
            && !mapping.columns().any(|c| c == ERROR_COLUMN);
        let columns = &columns[..columns.len() - usize::from(is_error_file)];
        let source = |column: &String| Source {
            at: columns.iter().position(|known| **known == **column).unwrap_or(usize::MAX),
            column: Column::from(column.as_str()),
        };
        let zone = mapping.time.as_ref().and_then(|t| t.zone.as_deref());
        let reader = |formats| moment::Reader::new(formats, zone).map_err(anyhow::Error::msg);
        let time = match &mapping.time {
            Some(time) => Some((source(&time.column), reader(&time.formats)?)),
            None => None,
        };
        Ok(Self {
            columns: columns.to_vec(),
            event: mapping.event_column.as_ref().map(source),
            key: mapping.message_id.as_ref().map(|columns| columns.iter().map(source).collect()),
            time,
            moments: reader(&[])?,
            identifiers: mapping.identifiers.iter().map(|i| (i.kind.clone(), source(&i.column))).collect(),
            fields: fields(mapping, source),
            skips: mapping.skip_if.iter().map(|s| (source(&s.column), s.clone())).collect(),
            used: used(mapping),
            constants: mapping.constants.iter().map(|(k, v)| (k.clone(), v.to_string())).collect(),
            seen: HashMap::new(),
            is_error_file,
            mapping: mapping.clone(),
        })
    }

    /// The file's columns, without the reasons of an earlier import.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The message of `row`, or `None` if the mapping leaves such rows out.
    ///
    /// # Errors
    /// The row, its fault and the column at fault.
    pub fn convert(&mut self, mut row: Row) -> Result<Option<Message>, RowError> {
        if self.is_error_file {
            restore(&mut row);
        }
        match self.message(&row) {
            Ok(Some(message)) => Ok(Some(Message { cells: row.cells, ..message })),
            Ok(None) => Ok(None),
            Err(fault) => Err(RowError::of_row(row, fault.column, fault.reason)),
        }
    }

    fn message(&mut self, row: &Row) -> Result<Option<Message>, Fault> {
        if self.skips.iter().any(|(source, skip)| skip.matches(source.of(row))) {
            return Ok(None);
        }
        check_lengths(row)?;
        let event = self.event_of(row)?;
        let mut json = Object::new();
        json.text("type", if event.is_some() { "track" } else { "identify" });
        let id_at = json.reserve_text("messageId", ID_CHARS);
        if let Some(event) = &event {
            json.text("event", event);
        }
        if let Some((source, reader)) = &self.time {
            let cell = source.of(row);
            if *cell != Cell::Missing {
                let instant = reader.instant(cell).map_err(|reason| Fault::at(&source.column, reason))?;
                json.text("timestamp", &instant.to_string());
            } else if event.is_some() {
                return Err(Fault::at(&source.column, "no time"));
            }
        }
        self.identify(row, &mut json)?;
        let fields = self.values(row)?;
        json.raw(if event.is_some() { "properties" } else { "traits" }, &fields);
        let mut json = json.finish();
        if json.len() > EVENT_BYTES_MAX {
            return Err(Fault::row("larger than 32 KiB"));
        }
        // Last, so that a row that is an error does not count among equal ones.
        let id = self.message_id(row, event.as_deref())?;
        json.replace_range(id_at..id_at + ID_CHARS, &id);
        Ok(Some(Message { row: row.number, id, json, cells: Vec::new() }))
    }

    fn event_of(&self, row: &Row) -> Result<Option<String>, Fault> {
        let Some(source) = &self.event else { return Ok(self.mapping.event.clone()) };
        match source.of(row).text() {
            "" => Err(Fault::at(&source.column, "no event name")),
            name if name.len() > NAME_BYTES_MAX => {
                Err(Fault::at(&source.column, "an event name longer than 400 bytes"))
            }
            name => Ok(Some(name.to_owned())),
        }
    }

    /// Writes who the row is about.
    fn identify(&self, row: &Row, json: &mut Object) -> Result<(), Fault> {
        let mut others = String::new();
        let mut found = HashSet::new();
        for (kind, source) in &self.identifiers {
            let value = match source.of(row) {
                Cell::Missing => continue,
                cell @ (Cell::Text(_) | Cell::Number(_)) => cell.text(),
                _ => return Err(Fault::at(&source.column, "not an identifier")),
            };
            if value.len() > IDENTIFIER_BYTES_MAX {
                return Err(Fault::at(&source.column, "an identifier longer than 1020 bytes"));
            }
            match kind.as_str() {
                // A message has one of each; a second column of the kind fills in for an empty first.
                "user_id" | "anonymous_id" if found.contains(kind.as_str()) => continue,
                "user_id" => json.text("userId", value),
                "anonymous_id" => json.text("anonymousId", value),
                kind => {
                    let mut id = Object::new();
                    id.text("id", value);
                    id.text("type", kind);
                    id.text("collection", "users");
                    id.text("encoding", "none");
                    others.push_str(if others.is_empty() { "" } else { "," });
                    others.push_str(&id.finish());
                }
            }
            found.insert(kind.as_str());
        }
        if found.is_empty() {
            return Err(Fault::row("no identifier"));
        }
        if !others.is_empty() {
            json.raw("context", &format!("{{\"externalIds\":[{others}]}}"));
        }
        Ok(())
    }

    /// The traits or properties as a JSON object.
    fn values(&self, row: &Row) -> Result<String, Fault> {
        let mut values = Object::new();
        for (name, value) in &self.constants {
            values.raw(name, value);
        }
        for field in &self.fields {
            let cell = field.source.of(row);
            let value = value::json(field.kind, cell, &self.moments)
                .map_err(|reason| Fault::at(&field.source.column, reason))?;
            match value {
                Some(json) => values.raw(&field.name, &json),
                None if field.is_required => return Err(Fault::at(&field.source.column, "is required")),
                None => {}
            }
        }
        if let Some(used) = &self.used {
            for (column, cell) in row.cells.iter().filter(|(column, _)| !used.contains(&**column)) {
                if let Some(json) = value::json(Type::Auto, cell, &self.moments)
                    .map_err(|reason| Fault::at(column, reason))?
                {
                    values.raw(column, &json);
                }
            }
        }
        Ok(values.finish())
    }

    fn message_id(&mut self, row: &Row, event: Option<&str>) -> Result<String, Fault> {
        if self.seen.len() >= ROWS_MAX {
            return Err(Fault::row("beyond 20 million rows; split the file"));
        }
        // The same row may be imported as a person and as an order: two messages.
        let kind = if event.is_some() { "track" } else { "identify" };
        let mut parts = vec![self.mapping.source.as_bytes(), kind.as_bytes(), event.unwrap_or("").as_bytes()];
        match &self.key {
            Some(key) => {
                for source in key {
                    let text = source.of(row).text();
                    if text.is_empty() {
                        return Err(Fault::at(&source.column, "is empty, but part of the message id"));
                    }
                    parts.extend([source.column.as_bytes(), text.as_bytes()]);
                }
                let id = Key::of(NAMESPACE, &parts);
                if self.seen.insert(id.0, row.number).is_some() {
                    return Err(Fault::row("the same message id as an earlier row"));
                }
                Ok(id_text(id))
            }
            None => {
                let mut cells: Vec<_> = row.cells.iter().filter(|(_, cell)| *cell != Cell::Missing).collect();
                cells.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                for (column, cell) in cells {
                    parts.extend([column.as_bytes(), cell.text().as_bytes()]);
                }
                let content = Key::of(NAMESPACE, &parts);
                let count = self.seen.entry(content.0).or_insert(0);
                *count += 1;
                Ok(id_text(Key::of(NAMESPACE, &[&content.0, &count.to_le_bytes()])))
            }
        }
    }
}

const ID_CHARS: usize = 30;

fn id_text(id: Key) -> String {
    format!("imp_{}", kernel::id::base32(&id.0))
}

fn fields(mapping: &Mapping, source: impl Fn(&String) -> Source) -> Vec<Field> {
    let traits = mapping.traits.listed().iter().map(|t| (&t.field, &t.column, t.kind, t.required));
    let properties = mapping.properties.listed().iter().map(|p| (&p.property, &p.column, p.kind, p.required));
    let field = |(name, column, kind, is_required): (&String, &String, Type, bool)| Field {
        name: name.clone(),
        source: source(column),
        kind,
        is_required,
    };
    traits.chain(properties).map(field).collect()
}

/// The names `"*"` leaves out, if the mapping says `"*"`: columns that have a meaning already, and
/// columns a constant overrides.
fn used(mapping: &Mapping) -> Option<HashSet<String>> {
    use super::mapping::Fields;
    let is_all = matches!(mapping.traits, Fields::All) || matches!(mapping.properties, Fields::All);
    is_all.then(|| {
        let event = mapping.event_column.iter();
        let time = mapping.time.iter().map(|t| &t.column);
        let identifiers = mapping.identifiers.iter().map(|i| &i.column);
        event.chain(time).chain(identifiers).chain(mapping.constants.keys()).cloned().collect()
    })
}

impl Source {
    fn of<'r>(&self, row: &'r Row) -> &'r Cell {
        if let Some((column, cell)) = row.cells.get(self.at)
            && *column == self.column
        {
            return cell;
        }
        row.cells.iter().find(|(column, _)| *column == self.column).map_or(&Cell::Missing, |(_, cell)| cell)
    }
}

impl Skip {
    fn matches(&self, cell: &Cell) -> bool {
        let text = cell.text();
        self.is.iter().any(|is| is.trim() == text)
            || self.starts_with.as_ref().is_some_and(|start| !start.is_empty() && text.starts_with(start))
    }
}

fn check_lengths(row: &Row) -> Result<(), Fault> {
    for (column, cell) in &row.cells {
        if let Cell::Text(text) = cell
            && text.len() > CELL_CHARS_MAX
            && text.chars().count() > CELL_CHARS_MAX
        {
            return Err(Fault::at(column, "longer than 8191 characters"));
        }
    }
    Ok(())
}

/// Takes the reasons off, and the marks the error file put before what Excel might execute.
fn restore(row: &mut Row) {
    if row.cells.last().is_some_and(|(column, _)| **column == *ERROR_COLUMN) {
        row.cells.pop();
    }
    for (_, cell) in &mut row.cells {
        if let Cell::Text(text) = cell
            && let Some(plain) = table::unmarked(text)
        {
            *text = plain.to_owned();
        }
    }
}
