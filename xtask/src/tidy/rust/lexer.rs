//! Splits Rust text into program, comments and string literals without losing a line.

/// The three views of one text. `code` and `comments` have a byte for every byte of the text.
pub(super) struct Parts {
    pub(super) code: String,
    pub(super) comments: String,
    pub(super) strings: Vec<(usize, String)>,
}

/// Never fails: text that is not Rust gives parts that are not useful.
pub(super) fn split(text: &str) -> Parts {
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, code: Vec::new(), comments: Vec::new() };
    let mut strings = Vec::new();
    while lexer.at < lexer.bytes.len() {
        if let Some(end) = lexer.comment_end() {
            lexer.comment_until(end);
        } else if let Some((open, close, end)) = lexer.string_bounds() {
            let line = text.as_bytes()[..lexer.at].iter().filter(|byte| **byte == b'\n').count() + 1;
            strings.push((line, text[open..close].to_owned()));
            lexer.code_until(open);
            lexer.blank_until(close);
            lexer.code_until(end);
        } else if let Some(end) = lexer.char_end() {
            lexer.blank_until(end);
        } else {
            let end = lexer.word_end();
            lexer.code_until(end);
        }
    }
    let view = |bytes: Vec<u8>| String::from_utf8(bytes).expect("only whole spans are copied or blanked");
    Parts { code: view(lexer.code), comments: view(lexer.comments), strings }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    code: Vec<u8>,
    comments: Vec<u8>,
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn comment_end(&self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with(b"//") {
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            return Some(self.at + length);
        }
        if !rest.starts_with(b"/*") {
            return None;
        }
        let (mut depth, mut index) = (0_usize, 0);
        while index < rest.len() {
            let step = match &rest[index..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    2
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    2
                }
                _ => 1,
            };
            index += step;
            if depth == 0 {
                break;
            }
        }
        Some(self.at + index)
    }

    /// Start and end of the contents, and end of the literal: `"…"`, `b"…"`, `c"…"`, `r#"…"#` …
    fn string_bounds(&self) -> Option<(usize, usize, usize)> {
        let rest = self.rest();
        let prefix = rest.iter().take_while(|byte| matches!(byte, b'b' | b'c' | b'r')).count();
        let is_raw = prefix > 0 && rest[prefix - 1] == b'r';
        let hashes = if is_raw { rest[prefix..].iter().take_while(|byte| **byte == b'#').count() } else { 0 };
        if prefix > 2 || rest.get(prefix + hashes) != Some(&b'"') {
            return None;
        }
        let open = prefix + hashes + 1;
        let mut close = open;
        while close < rest.len() {
            let closes = rest[close] == b'"'
                && rest[close + 1..].iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes;
            if closes {
                break;
            }
            close += if rest[close] == b'\\' && !is_raw { 2 } else { 1 };
        }
        let close = close.min(rest.len());
        let end = (close + 1 + hashes).min(rest.len());
        Some((self.at + open, self.at + close, self.at + end))
    }

    /// End of `'x'`, `'\n'`, `b'x'`; not of a lifetime.
    fn char_end(&self) -> Option<usize> {
        let rest = self.rest();
        let quote = usize::from(rest.starts_with(b"b'"));
        if rest.get(quote) != Some(&b'\'') {
            return None;
        }
        if rest.get(quote + 1) == Some(&b'\\') {
            let close = rest.iter().skip(quote + 3).position(|byte| *byte == b'\'')?;
            return Some(self.at + quote + 3 + close + 1);
        }
        let text = std::str::from_utf8(&rest[quote + 1..]).ok()?;
        let width = text.chars().next()?.len_utf8();
        (text.as_bytes().get(width) == Some(&b'\'')).then_some(self.at + quote + 1 + width + 1)
    }

    /// One whole word, so that the `r` of `for` is never taken for a raw string; else one character.
    fn word_end(&self) -> usize {
        let rest = self.rest();
        let word = rest.iter().take_while(|byte| **byte == b'_' || byte.is_ascii_alphanumeric()).count();
        let character = 1 + rest[1..].iter().take_while(|byte| **byte & 0xC0 == 0x80).count();
        self.at + word.max(character)
    }

    fn code_until(&mut self, end: usize) {
        self.code.extend_from_slice(&self.bytes[self.at..end]);
        blank(&mut self.comments, &self.bytes[self.at..end]);
        self.at = end;
    }

    fn comment_until(&mut self, end: usize) {
        self.comments.extend_from_slice(&self.bytes[self.at..end]);
        blank(&mut self.code, &self.bytes[self.at..end]);
        self.at = end;
    }

    fn blank_until(&mut self, end: usize) {
        blank(&mut self.code, &self.bytes[self.at..end]);
        blank(&mut self.comments, &self.bytes[self.at..end]);
        self.at = end;
    }
}

fn blank(view: &mut Vec<u8>, bytes: &[u8]) {
    view.extend(bytes.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
}
