//! Rust text taken apart just far enough: code, comments, string literals, tests, functions.
//!
//! A lexer, not a parser: it knows comments, all kinds of literals, lifetimes and brackets. `code`
//! keeps the line structure with comments and literals blanked, so a word found in it is a word of
//! the program.

mod lexer;

use std::ops::RangeInclusive;

/// One Rust file.
pub(super) struct Source {
    /// The program: comments and the insides of literals are blanks.
    pub(super) code: String,
    /// The comments, everything else is blanks.
    pub(super) comments: String,
    /// String literals and the line each begins on.
    pub(super) strings: Vec<(usize, String)>,
    pub(super) lines: usize,
    /// Lines (from 1) that are compiled for tests only.
    tests: Vec<RangeInclusive<usize>>,
    is_test_file: bool,
    pub(super) has_header: bool,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) length: usize,
}

impl Source {
    pub(super) fn read(path: &str, text: &str) -> Self {
        let parts = lexer::split(text);
        let tests = test_ranges(&parts.code);
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        Self {
            is_test_file: is_test_path(path),
            has_header: first.starts_with("//!"),
            lines: text.lines().count(),
            tests,
            code: parts.code,
            comments: parts.comments,
            strings: parts.strings,
        }
    }

    /// Is this line (from 1) part of a test?
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.is_test_file || self.tests.iter().any(|range| range.contains(&line))
    }

    pub(super) fn lines_outside_tests(&self) -> usize {
        (1..=self.lines).filter(|line| !self.is_test(*line)).count()
    }

    /// Lines (from 1) of the program on which `word` stands as a whole word.
    pub(super) fn lines_with_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        numbered(&self.code).filter(move |(_, line)| has_word(line, word)).map(|(number, _)| number)
    }

    /// Every function that has a body, nested ones too.
    pub(super) fn functions(&self) -> Vec<Function> {
        let bytes = self.code.as_bytes();
        let starts = self.code.match_indices("fn ").map(|(at, _)| at);
        starts.filter(|at| is_word_start(bytes, *at)).filter_map(|at| function_at(&self.code, at)).collect()
    }
}

/// Lines with their numbers, from 1.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Does `word` stand in `line` with no letter, digit or `_` beside it?
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let after = bytes.get(at + word.len()).copied().unwrap_or(b' ');
        is_word_start(bytes, at) && !is_word_byte(after)
    })
}

fn is_word_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn is_word_start(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_word_byte(bytes[at - 1])
}

/// Test crates, `tests/` and `benches/` folders, and `tests.rs` beside what they test.
fn is_test_path(path: &str) -> bool {
    let mut parts = path.split('/');
    let file = parts.next_back().unwrap_or("");
    parts.any(|folder| folder == "tests" || folder == "benches") || file == "tests.rs"
}

/// Items under `#[cfg(test)]`, `#[test]` and the like, attribute included.
fn test_ranges(code: &str) -> Vec<RangeInclusive<usize>> {
    let marks = ["#[cfg(test)]", "#[test]", "#[tokio::test"];
    let mut ranges = Vec::new();
    for mark in marks {
        for (at, _) in code.match_indices(mark) {
            let after = at + mark.len();
            let end = item_end(code, after).map_or(after, |(_, end)| end);
            ranges.push(line_of(code, at)..=line_of(code, end));
        }
    }
    ranges
}

fn function_at(code: &str, at: usize) -> Option<Function> {
    let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return None;
    }
    let (has_body, end) = item_end(code, at)?;
    let (first, last) = (line_of(code, at), line_of(code, end));
    has_body.then_some(Function { name, line: first, length: last - first + 1 })
}

/// Where the item that starts at `from` ends: at its closing brace (true), or at its `;` (false).
fn item_end(code: &str, from: usize) -> Option<(bool, usize)> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (offset, byte) in code.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 && brackets == 0 {
                    return Some((true, from + offset));
                }
                if braces < 0 {
                    return None; // a field or an argument under the attribute, not an item
                }
            }
            b';' if brackets == 0 && braces == 0 => return Some((false, from + offset)),
            _ => {}
        }
    }
    None
}

fn line_of(code: &str, at: usize) -> usize {
    code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
