//! JSON lines: one object a line. Scalars keep their text, nested values stay JSON.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::delimited::{COLUMNS_MAX, ROW_BYTES_MAX};
use super::text::Text;
use super::{Cell, Column, Row, RowError};

/// Rows read ahead to learn the columns, since there is no header.
const PEEK_ROWS: usize = 100;

/// The rows of one JSON lines file.
pub(super) struct Rows {
    lines: Lines,
    ahead: VecDeque<Result<Row, RowError>>,
    columns: Vec<Column>,
}

/// Reads the first rows of `text` to learn its columns.
pub(super) fn open(text: Text) -> Rows {
    let lines =
        Lines { reader: text.reader, line: Vec::new(), number: 0, names: Names::default(), is_over: false };
    let mut rows = Rows { lines, ahead: VecDeque::new(), columns: Vec::new() };
    for row in rows.lines.by_ref().take(PEEK_ROWS) {
        if let Ok(row) = &row {
            for (column, _) in &row.cells {
                if !rows.columns.contains(column) && rows.columns.len() < COLUMNS_MAX {
                    rows.columns.push(column.clone());
                }
            }
        }
        rows.ahead.push_back(row);
    }
    rows
}

impl Rows {
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl Iterator for Rows {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ahead.pop_front().or_else(|| self.lines.next())
    }
}

struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
    names: Names,
    is_over: bool,
}

impl Iterator for Lines {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            self.line.clear();
            self.number += 1;
            let mut limited = self.reader.by_ref().take(ROW_BYTES_MAX as u64 + 1);
            let problem = match limited.read_until(b'\n', &mut self.line) {
                Ok(0) => {
                    self.is_over = true;
                    return None;
                }
                Ok(length) if length > ROW_BYTES_MAX => "a line longer than 8 MiB".to_owned(),
                Ok(_) if self.line.trim_ascii().is_empty() => continue,
                Ok(_) => return Some(parse(&self.line, self.number, &mut self.names)),
                Err(e) => e.to_string(),
            };
            self.is_over = true;
            return Some(Err(RowError::end(self.number, problem)));
        }
        None
    }
}

fn parse(line: &[u8], number: u64, names: &mut Names) -> Result<Row, RowError> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let cells = Object(names).deserialize(&mut json).and_then(|cells| json.end().map(|()| cells));
    cells.map(|cells| Row { number, cells }).map_err(|_| {
        let text = String::from_utf8_lossy(line).trim().to_owned();
        let cells = vec![(Column::from("line"), Cell::Text(text))];
        RowError::of_row(Row { number, cells }, None, "not a JSON object")
    })
}

/// One shared name a column; bounded, because a hostile file may never repeat a key.
#[derive(Default)]
struct Names(HashMap<String, Column>);

impl Names {
    fn shared(&mut self, name: String) -> Column {
        if let Some(column) = self.0.get(&name) {
            return column.clone();
        }
        let column = Column::from(name.as_str());
        if self.0.len() < COLUMNS_MAX {
            self.0.insert(name, column.clone());
        }
        column
    }
}

struct Object<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Vec<(Column, Cell)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Vec<(Column, Cell)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells: Vec<(Column, Cell)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let column = self.0.shared(name);
            let cell = map.next_value::<Scalar>()?.0;
            cells.push((column, cell));
        }
        Ok(cells)
    }
}

struct Scalar(Cell);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(json)?.get();
        let text = || serde_json::from_str::<String>(raw).map_err(serde::de::Error::custom);
        Ok(Self(match raw.as_bytes().first() {
            Some(b'"') => Cell::of_text(&text()?),
            Some(b't') => Cell::Bool(true),
            Some(b'f') => Cell::Bool(false),
            Some(b'n') | None => Cell::Missing,
            Some(b'{' | b'[') => Cell::Json(raw.to_owned()),
            Some(_) => Cell::Number(raw.to_owned()),
        }))
    }
}
