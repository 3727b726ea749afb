//! Finds where JSON values begin and end, and nothing more: the collector's one pass over a body.
//!
//! It counts brackets and skips strings. What lies between is not validated, because a broken event must
//! not cost its neighbours; `record::decode` validates each event later. It works on bytes, so even bytes
//! that are not UTF-8 stay inside their event.

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is not white space, without passing it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !is_space(*byte) {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Passes `byte` if it comes next.
    pub(crate) fn pass(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Passes one value of any kind and returns its bytes.
    pub(crate) fn value(&mut self) -> Option<&'a [u8]> {
        self.peek()?;
        let start = self.at;
        self.at = match self.text[start] {
            b'"' => string_end(self.text, start)?,
            b'{' | b'[' => container_end(self.text, start)?,
            _ => scalar_end(self.text, start)?,
        };
        Some(&self.text[start..self.at])
    }

    /// Passes the object that comes next and shows each member to `each` as the bytes of its key, without
    /// quotes, and of its value. `None` if it is not a well-formed object; then the place is undefined.
    pub(crate) fn object(&mut self, mut each: impl FnMut(&'a [u8], &'a [u8])) -> Option<&'a [u8]> {
        let start = self.begin_object()?;
        while let Some(key) = self.next_key()? {
            let value = self.value()?;
            each(key, value);
            self.end_member()?;
        }
        Some(&self.text[start..self.at])
    }

    /// Passes the `{` and returns where it stands.
    pub(crate) fn begin_object(&mut self) -> Option<usize> {
        self.pass(b'{')?;
        Some(self.at - 1)
    }

    /// Passes `"key":` and returns the key's bytes, or passes `}` and returns `Some(None)`.
    pub(crate) fn next_key(&mut self) -> Option<Option<&'a [u8]>> {
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(None);
        }
        if self.peek()? != b'"' {
            return None;
        }
        let key = self.value()?;
        self.pass(b':')?;
        Some(Some(&key[1..key.len() - 1]))
    }

    /// Passes the comma after a member, or stays before the `}`.
    pub(crate) fn end_member(&mut self) -> Option<()> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                (self.peek()? == b'"').then_some(())
            }
            b'}' => Some(()),
            _ => None,
        }
    }

    /// Passes one element of an array, showing its members if it is a well-formed object. A malformed
    /// element is passed by its brackets alone.
    pub(crate) fn element(&mut self, each: impl FnMut(&'a [u8], &'a [u8])) -> Option<&'a [u8]> {
        if self.peek()? == b'{' {
            let start = self.at;
            if let Some(object) = self.object(each) {
                return Some(object);
            }
            self.at = start;
        }
        self.value()
    }

    /// What has not been passed yet.
    #[cfg(test)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// From `start` to here.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.text[start..self.at]
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The index after the string that opens at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The index after the array or object that opens at `start`.
fn container_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The index after the number or word that begins at `start`.
fn scalar_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b',' | b'}' | b']' => break,
            byte if is_space(*byte) => break,
            b'"' | b'{' | b'[' | b':' => return None,
            _ => at += 1,
        }
    }
    (at > start).then_some(at)
}

/// What a reader should know about an event before reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Texture {
    /// How deep brackets nest; 1 for a flat object.
    pub depth: usize,
    /// Whether a `\u` escape names half a surrogate pair, which is no character in any encoding.
    pub has_lone_surrogate: bool,
}

/// Measures a JSON text in one pass.
pub(crate) fn texture(text: &[u8]) -> Texture {
    let (mut at, mut depth, mut depth_max) = (0, 0usize, 0);
    let mut has_lone_surrogate = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = string_end(text, at).unwrap_or(text.len());
                has_lone_surrogate |= lone_surrogate(&text[at..end]);
                at = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                depth_max = depth_max.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Texture { depth: depth_max, has_lone_surrogate }
}

fn lone_surrogate(string: &[u8]) -> bool {
    let mut at = 0;
    while let Some(step) = memchr::memchr(b'\\', &string[at..]) {
        at += step;
        match unit(&string[at..]) {
            Some(0xd800..=0xdbff) => {
                if !matches!(unit(&string[at + 6..]), Some(0xdc00..=0xdfff)) {
                    return true;
                }
                at += 12;
            }
            Some(0xdc00..=0xdfff) => return true,
            _ => at += 2,
        }
        if at >= string.len() {
            return false;
        }
    }
    false
}

/// The code unit of a `\uXXXX` escape that opens `text`.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut out = Vec::new();
        while scanner.peek().is_some() {
            match scanner.value() {
                Some(value) => out.push(String::from_utf8_lossy(value).into_owned()),
                None => out.push("?".to_owned()),
            }
            if scanner.pass(b',').is_none() {
                break;
            }
        }
        out
    }

    #[test]
    fn values_end_where_json_says() {
        let cases: [(&str, &[&str]); 7] = [
            ("1 , true,null", &["1", "true", "null"]),
            (r#""a,b\"]","c\\",3"#, &[r#""a,b\"]""#, r#""c\\""#, "3"]),
            (r#"{"a":[1,{"b":"}]"}]},[[]]"#, &[r#"{"a":[1,{"b":"}]"}]}"#, "[[]]"]),
            (r#""open"#, &["?"]),
            (r#"{"a":1"#, &["?"]),
            (r#""ends with a backslash\"#, &["?"]),
            ("}", &["?"]),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn a_broken_object_is_passed_by_its_brackets() {
        for broken in [r#"{"a" 1}"#, r#"{"a":tru"x"}"#, r#"{a:1}"#, r#"{"a":1,}"#, r#"{,}"#, r#"{"a"}"#] {
            let text = format!("{broken},2");
            let mut scanner = Scanner::new(text.as_bytes());
            assert_eq!(scanner.element(|_, _| ()), Some(broken.as_bytes()), "{broken}");
            assert_eq!(scanner.rest(), b",2", "{broken}");
        }
    }

    #[test]
    fn texture_counts_brackets_outside_strings_and_finds_half_pairs() {
        let cases = [
            (r#"{}"#, 1, false),
            (r#"{"a":[[1]],"b":"[[[[["}"#, 3, false),
            (r#"{"a":"\ud83d\ude00"}"#, 1, false),
            (r#"{"a":"\ud83d"}"#, 1, true),
            (r#"{"a":"\ud83dx"}"#, 1, true),
            (r#"{"a":"\uDE00"}"#, 1, true),
            (r#"{"a":"\\ud83d"}"#, 1, false),
            (r#"{"a":"\ud83d\\"}"#, 1, true),
            (r#"{"a":"\u738b\n\ud83d\ude00\\"}"#, 1, false),
        ];
        for (text, depth, has_lone_surrogate) in cases {
            assert_eq!(texture(text.as_bytes()), Texture { depth, has_lone_surrogate }, "{text}");
        }
    }
}
