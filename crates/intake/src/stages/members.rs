//! The members of a raw JSON object, without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Shows every member of the object `raw` to `each`, in order. Anything but an object has none.
pub fn each_member(raw: &str, each: &mut dyn FnMut(&str, &str)) {
    // What does not read as an object was refused when the event was decoded.
    let _ = serde_json::Deserializer::from_str(raw).deserialize_map(Members(each));
}

struct Members<'f>(&'f mut dyn FnMut(&str, &str));

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let value: &RawValue = map.next_value()?;
            (self.0)(&key.0, value.get());
        }
        Ok(())
    }
}

/// A key that borrows unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_with_their_raw_values() {
        let mut seen = Vec::new();
        each_member(r#"{"a": 1.50, "b\u0041": {"x":[1]}, "c":null}"#, &mut |k, v| {
            seen.push((k.to_owned(), v.to_owned()));
        });
        let expected = [("a", "1.50"), ("bA", r#"{"x":[1]}"#), ("c", "null")];
        assert_eq!(seen, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        each_member("[1]", &mut |_, _| panic!("a list has no members"));
    }
}
