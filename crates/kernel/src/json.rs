//! JSON as the store keeps it: canonical, so that equal values are equal bytes.

use serde_json::Value;

/// Writes `value` with object keys in code-point order and no white space. Numbers keep their text.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_objects_become_equal_text_whatever_their_key_order() {
        let a: Value = serde_json::from_str(r#"{"b":[1,{"y":null,"x":"王"}],"a":1.50}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":1.50,"b":[1,{"x":"王","y":null}]}"#).unwrap();
        assert_eq!(canonical(&a), canonical(&b));
        assert_eq!(canonical(&a), r#"{"a":1.5,"b":[1,{"x":"王","y":null}]}"#);
    }
}
