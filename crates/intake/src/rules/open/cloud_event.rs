//! CloudEvents in binary mode: attributes in `ce-*` headers, data in the body, become one structured event.

use std::fmt::Write;

use super::form::Fields;

/// The structured form of a binary CloudEvent, or `None` if the headers describe none.
///
/// `headers` are all headers of the request, in lower case. The body becomes `data` if it is JSON or text
/// and `data_base64` otherwise.
pub fn structured<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>, body: &[u8]) -> Option<Vec<u8>> {
    let mut out = String::with_capacity(body.len() + 256);
    let mut is_cloud_event = false;
    for (name, value) in headers {
        let Some(attribute) = name.strip_prefix("ce-") else { continue };
        is_cloud_event |= attribute == "specversion";
        out.push(if out.is_empty() { '{' } else { ',' });
        write_pair(&mut out, attribute, &percent_decoded(value));
    }
    if !is_cloud_event {
        return None;
    }
    match std::str::from_utf8(body) {
        _ if body.trim_ascii().is_empty() => {}
        Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            let _ = write!(out, r#","data":{}"#, text.trim_ascii());
        }
        Ok(text) => {
            out.push(',');
            write_pair(&mut out, "data", text);
        }
        Err(_) => {
            use base64::Engine;
            out.push(',');
            write_pair(&mut out, "data_base64", &base64::engine::general_purpose::STANDARD.encode(body));
        }
    }
    out.push('}');
    Some(out.into_bytes())
}

fn write_pair(out: &mut String, key: &str, value: &str) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let _ = write!(out, "{}:{}", quoted(key), quoted(value));
}

/// The HTTP binding percent-encodes what a header cannot carry. A `+` stays a plus, unlike in a form.
fn percent_decoded(value: &str) -> String {
    let kept = value.replace('+', "%2B");
    Fields::of(format!("v={}", kept.replace('&', "%26")).as_bytes())
        .text("v")
        .map_or_else(|| value.to_owned(), |text| text.into_owned())
}
