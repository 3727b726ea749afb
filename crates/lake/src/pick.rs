//! Values out of a JSON object of properties without building the rest of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
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

/// Splits a path into its first member and the rest, which begins with `.` or `[]` or is empty.
pub(crate) fn first_member(path: &str) -> (&str, &str) {
    let end = path.find('.').unwrap_or(path.len()).min(path.find("[]").unwrap_or(path.len()));
    path.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked<'t>(text: &'t str, name: &str) -> Option<&'t str> {
        let mut found = [None];
        pick(text, &[name], &mut found);
        found[0].map(RawValue::get)
    }

    #[test]
    fn a_member_is_found_as_it_stands_and_of_two_the_last_counts() {
        let text = r#"{"a":{"b":[1, 2]},"a\u0062":3,"c":1,"c":2}"#;
        assert_eq!(picked(text, "a"), Some(r#"{"b":[1, 2]}"#));
        assert_eq!(picked(text, "ab"), Some("3"), "a name with an escape");
        assert_eq!(picked(text, "c"), Some("2"));
        assert_eq!(picked(text, "b"), None);
        assert_eq!(picked("[1]", "a"), None);
        assert_eq!(picked("", "a"), None);
    }

    #[test]
    fn a_path_begins_with_a_member() {
        for (path, parts) in [("a", ("a", "")), ("a.b", ("a", ".b")), ("a[].b", ("a", "[].b"))] {
            assert_eq!(first_member(path), parts);
        }
    }
}
