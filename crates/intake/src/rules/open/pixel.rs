//! RudderStack's pixel: a message spelt out in the fields of a query.

use serde_json::{Map, Value};

use super::form::Fields;

/// The message as JSON: `event=a&properties.b=c` becomes `{"event":"a","properties":{"b":"c"}}`. All values
/// are strings, because a query has no other. The write key is left out.
pub fn message(query: Fields<'_>) -> Vec<u8> {
    let mut message = Map::new();
    for (key, value) in query.pairs() {
        let (Ok(key), Ok(value)) = (std::str::from_utf8(&key), std::str::from_utf8(&value)) else { continue };
        if key == "writeKey" || key.is_empty() {
            continue;
        }
        match key.split_once('.') {
            Some((group @ ("properties" | "traits" | "context"), name)) => {
                let group = message.entry(group).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(group) = group {
                    group.insert(name.to_owned(), value.into());
                }
            }
            _ => {
                message.insert(key.to_owned(), value.into());
            }
        }
    }
    Value::Object(message).to_string().into_bytes()
}
