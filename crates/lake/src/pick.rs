//! Values out of a JSON object of properties without building the rest of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Puts the values of the members called `names` into `found`, `None` where there is none. Of a name
/// that stands twice the last counts, as everywhere in JSON. Text that is no object has no members.
pub(crate) fn pick<'t>(text: &'t str, names: &[&str], found: &mut [Option<&'t RawValue>]) {
    found.fill(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    if reader.deserialize_map(Members { names, found: &mut *found }).is_err() {
        found.fill(None);
    }
}

struct Members<'n, 't> {
    names: &'n [&'n str],
    found: &'n mut [Option<&'t RawValue>],
}

impl<'t> Visitor<'t> for Members<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Name<'t>>()? {
            match self.names.iter().position(|name| *name == key.0) {
                Some(i) => self.found[i] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// The value at a path such as `products[].sku`: a name per dot, `[]` for all elements of a list.
/// A path through a list answers with the list of what it found, `Null` if that is nothing.
pub(crate) fn at_path(root: &RawValue, rest: &str) -> Value {
    let Ok(value) = serde_json::from_str::<Value>(root.get()) else { return Value::Null };
    if rest.is_empty() {
        return value;
    }
    let mut found = Vec::new();
    walk(&value, rest, &mut found);
    if rest.contains("[]") {
        return if found.is_empty() { Value::Null } else { Value::Array(found) };
    }
    found.pop().unwrap_or(Value::Null)
}

/// Splits a path into its first member and the rest, which begins with `.` or `[]` or is empty.
pub(crate) fn first_member(path: &str) -> (&str, &str) {
    let end = path.find('.').unwrap_or(path.len()).min(path.find("[]").unwrap_or(path.len()));
    path.split_at(end)
}

fn walk(value: &Value, rest: &str, found: &mut Vec<Value>) {
    if let Some(rest) = rest.strip_prefix("[]") {
        for element in value.as_array().into_iter().flatten() {
            walk(element, rest, found);
        }
    } else if let Some(rest) = rest.strip_prefix('.') {
        let (name, rest) = first_member(rest);
        if let Some(inner) = value.get(name) {
            walk(inner, rest, found);
        }
    } else if !value.is_null() {
        found.push(value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(text: &str, path: &str) -> Value {
        let (name, rest) = first_member(path);
        let mut found = [None];
        pick(text, &[name], &mut found);
        found[0].map_or(Value::Null, |raw| at_path(raw, rest))
    }

    #[test]
    fn a_path_goes_through_objects_and_all_elements_of_lists() {
        let text = r#"{"a":{"b":{"c":1}},"products":[{"sku":"x"},{"n":2},{"sku":"y"}],"a\u0062":3}"#;
        assert_eq!(picked(text, "a.b.c"), 1);
        assert_eq!(picked(text, "a.x"), Value::Null);
        assert_eq!(picked(text, "products[].sku"), serde_json::json!(["x", "y"]));
        assert_eq!(picked(text, "products[].price"), Value::Null);
        assert_eq!(picked(text, "ab"), 3, "a name with an escape");
        assert_eq!(picked("[1]", "a"), Value::Null);
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        assert_eq!(picked(r#"{"a":1,"a":2}"#, "a"), 2);
    }
}
