//! Reads JSON members without building a tree: keys and raw values, borrowed from the text.

use std::borrow::Cow;
use std::fmt;

use hashbrown::HashMap;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Shows each member of the object `text` to `each`, in order, as key and raw value.
///
/// # Errors
/// The parser's own, if `text` is not exactly one valid object.
pub(crate) fn members<'a>(
    text: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Members(each).deserialize(&mut reader)?;
    reader.end()
}

/// Shows each element of the array `text` to `each`.
///
/// # Errors
/// The parser's own, if `text` is not exactly one valid array.
pub(crate) fn elements<'a>(text: &'a str, each: impl FnMut(&'a str)) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Elements(each).deserialize(&mut reader)?;
    reader.end()
}

/// The members of an object; a repeated key keeps its place and its last value, as in JavaScript.
pub(crate) fn distinct<'a>(text: &'a str) -> Result<Vec<(Cow<'a, str>, &'a str)>, serde_json::Error> {
    let mut list: Vec<(Cow<'a, str>, &'a str)> = Vec::new();
    // A scan is faster for the few keys real objects have; the index is against hostile ones.
    let mut index: HashMap<Cow<'a, str>, usize> = HashMap::new();
    members(text, |key, value| {
        if list.len() == DISTINCT_SCAN_MAX && index.is_empty() {
            index.extend(list.iter().enumerate().map(|(i, (key, _))| (key.clone(), i)));
        }
        let known = match list.len() < DISTINCT_SCAN_MAX {
            true => list.iter().position(|(k, _)| *k == key),
            false => index.get(&key).copied(),
        };
        match known {
            Some(i) => list[i].1 = value,
            None => {
                if list.len() >= DISTINCT_SCAN_MAX {
                    index.insert(key.clone(), list.len());
                }
                list.push((key, value));
            }
        }
    })?;
    Ok(list)
}

const DISTINCT_SCAN_MAX: usize = 24;

/// The text of a JSON string; `None` for other kinds.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
}

/// Whether a valid raw value is a number.
pub(crate) fn is_number(raw: &str) -> bool {
    raw.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}

/// Whether a valid raw value is an object.
pub(crate) fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

/// What a valid raw value is, in words a person understands.
pub(crate) fn kind(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

struct Members<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de str)> DeserializeSeed<'de> for Members<F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Members<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            (self.0)(key.0, value.get());
        }
        Ok(())
    }
}

struct Elements<F>(F);

impl<'de, F: FnMut(&'de str)> DeserializeSeed<'de> for Elements<F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de str)> Visitor<'de> for Elements<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element::<&'de RawValue>()? {
            (self.0)(value.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_borrowed_and_a_repeated_key_keeps_its_last_value() {
        let text = r#"{"a":1,"b":{"c":[1, 2]},"a":"\u738b"}"#;
        let list = distinct(text).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0], (Cow::Borrowed("a"), r#""\u738b""#));
        assert_eq!(list[1], (Cow::Borrowed("b"), r#"{"c":[1, 2]}"#));
        assert_eq!(string(list[0].1).as_deref(), Some("王"));
        for bad in ["", "[]", "{", r#"{"a":tru}"#, r#"{} x"#, r#"{"a":01}"#] {
            assert!(distinct(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn many_keys_are_told_apart_as_few_are() {
        let body: Vec<_> = (0..200).map(|i| format!(r#""k{}":{i}"#, i % 100)).collect();
        let text = format!("{{{}}}", body.join(","));
        let list = distinct(&text).unwrap();
        assert_eq!(list.len(), 100);
        assert!(
            list.iter().enumerate().all(|(i, (k, v))| *k == format!("k{i}") && *v == (i + 100).to_string())
        );
    }
}
