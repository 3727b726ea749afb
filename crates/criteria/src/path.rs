//! Paths into an event: `total`, `products[].sku`, `context.campaign.source`.
//!
//! A path beginning with `context.` reads the event's context, every other path its properties.
//! `[]` after a name means each element of a list; the path then has as many values as elements.

use std::fmt;

use serde_json::Value as Json;

use crate::value::Value;

/// A place in an event or a record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path {
    segments: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Segment {
    key: Box<str>,
    is_each: bool,
}

impl Path {
    /// Reads the text form; an error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > kernel::limits::NAME_BYTES_MAX {
            return Err(format!("a path has at most {} bytes", kernel::limits::NAME_BYTES_MAX));
        }
        let segments = text.split('.').map(|part| {
            let key = part.strip_suffix("[]").unwrap_or(part);
            let is_key = !key.is_empty() && !key.contains(['[', ']']);
            is_key.then(|| Segment { key: key.into(), is_each: key.len() < part.len() }).ok_or_else(|| {
                format!("`{text}` is not a path; write names joined by `.`, with `[]` after a list")
            })
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()? })
    }

    /// Whether one event can have several values at this path.
    pub fn is_many(&self) -> bool {
        self.segments.iter().any(|segment| segment.is_each)
    }

    /// Whether it reads the context of an event.
    pub fn is_context(&self) -> bool {
        self.segments.len() > 1 && &*self.segments[0].key == "context" && !self.segments[0].is_each
    }

    /// Calls `found` with every value an event has at this path.
    pub fn read_event(&self, properties: &Json, context: &Json, mut found: impl FnMut(Value)) {
        if self.is_context() {
            read(&self.segments[1..], context, &mut found);
        } else {
            read(&self.segments, properties, &mut found);
        }
    }

    /// Calls `found` with every value a record has at this path.
    pub fn read_record(&self, record: &Json, mut found: impl FnMut(Value)) {
        read(&self.segments, record, &mut found);
    }
}

fn read(segments: &[Segment], json: &Json, found: &mut dyn FnMut(Value)) {
    let Some((segment, rest)) = segments.split_first() else {
        if let Some(value) = Value::from_json(json) {
            found(value);
        }
        return;
    };
    match json.get(&*segment.key) {
        Some(Json::Array(items)) if segment.is_each => items.iter().for_each(|item| read(rest, item, found)),
        Some(inner) if !segment.is_each => read(rest, inner, found),
        _ => {}
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().enumerate() {
            let (dot, each) = (if i > 0 { "." } else { "" }, if segment.is_each { "[]" } else { "" });
            write!(f, "{dot}{}{each}", segment.key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_values_members_elements_and_context() {
        let properties = serde_json::json!({"total": 5, "products": [{"sku": "a"}, {"sku": null}, {"sku": "b"}],
            "context": {"x": "no"}, "labels": ["p", "q"]});
        let context = serde_json::json!({"x": "yes"});
        let read = |path: &str| {
            let mut found = Vec::new();
            Path::parse(path).unwrap().read_event(&properties, &context, |value| {
                found.push(value.as_ref().to_json());
            });
            serde_json::to_string(&found).unwrap()
        };
        assert_eq!(read("total"), "[5]");
        assert_eq!(read("products[].sku"), r#"["a","b"]"#);
        assert_eq!(read("products.sku"), "[]");
        assert_eq!(read("labels"), r#"[["p","q"]]"#);
        assert_eq!(read("labels[]"), r#"["p","q"]"#);
        assert_eq!(read("total[]"), "[]");
        assert_eq!(read("context.x"), r#"["yes"]"#);
        for wrong in ["", "a..b", "a[0]", "[]", "a[].", "a]"] {
            assert!(Path::parse(wrong).is_err(), "{wrong}");
        }
    }
}
