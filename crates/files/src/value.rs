//! One cell as the JSON value a mapping wants it to be.

use std::borrow::Cow;

use super::mapping::Type;
use super::object::push_text;
use super::{Cell, moment, number};

/// `cell` as JSON of type `kind`; `None` when it is missing, an error when it is something else.
pub(super) fn json(
    kind: Type,
    cell: &Cell,
    moments: &moment::Reader,
) -> Result<Option<String>, &'static str> {
    Ok(Some(match (kind, cell) {
        (_, Cell::Missing) => return Ok(None),
        (Type::Auto | Type::Json, Cell::Json(json)) => one_line(json),
        (Type::Auto, Cell::Number(text)) => number::json(text).unwrap_or_else(|| quoted(text)),
        (Type::Auto | Type::Bool, Cell::Bool(b)) => b.to_string(),
        (Type::Auto, Cell::Instant(_)) => quoted(&plain_instant(cell, moments)),
        (Type::Auto, Cell::Text(_)) => quoted(cell.text()),
        (Type::Text, Cell::Json(_)) => return Err("not text"),
        (Type::Text, _) => quoted(cell.text()),
        (Type::Number, Cell::Text(_) | Cell::Number(_)) => number::json(cell.text()).ok_or("not a number")?,
        (Type::Number, _) => return Err("not a number"),
        (Type::Bool, _) => truth(cell.text()).ok_or("not yes or no")?.to_string(),
        (Type::Time, _) => quoted(&moments.instant(cell)?.to_string()),
        (Type::Date, _) => quoted(&moments.date(cell)?.to_string()),
        (Type::Json, _) => {
            let raw: Result<&serde_json::value::RawValue, _> = serde_json::from_str(cell.text());
            one_line(raw.map_err(|_| "not JSON")?.get())
        }
    }))
}

/// An instant of the file: a plain date stays one, anything else is put on the world's line if the
/// zone is known.
fn plain_instant<'c>(cell: &'c Cell, moments: &moment::Reader) -> Cow<'c, str> {
    match moments.instant(cell) {
        Ok(instant) if cell.text().contains(':') => Cow::Owned(instant.to_string()),
        _ => Cow::Borrowed(cell.text()),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" | "是" | "真" => Some(true),
        "false" | "no" | "n" | "f" | "0" | "否" | "假" => Some(false),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_text(&mut json, text);
    json
}

/// Valid JSON has line breaks only between its tokens.
pub(super) fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
