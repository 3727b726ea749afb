//! A JSON object written field by field, so that a number's text reaches the wire as it stood.

/// An object being written.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    /// A field whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        if !self.is_empty() {
            self.0.push(',');
        }
        push_text(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(json);
    }

    /// A field whose value is text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.raw(name, "");
        push_text(&mut self.0, text);
    }

    /// A text field of `length` bytes to be filled in later; answers where its text starts.
    pub(super) fn reserve_text(&mut self, name: &str, length: usize) -> usize {
        self.text(name, &"-".repeat(length));
        self.0.len() - 1 - length
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Appends `text` as a JSON string.
pub(super) fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
}
