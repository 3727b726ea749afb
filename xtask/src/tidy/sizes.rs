//! How large things may be, and that every larger file says what it is for.
//!
//! Tests are not counted: a table of cases is long because it is complete.

use std::collections::BTreeMap;

use super::Violation;
use super::repository::Repository;

/// What fits on a few screens and in a head.
pub(super) const FILE_LINES_MAX: usize = 400;
/// One screen, so that a loop and its exit are seen together.
pub(super) const FUNCTION_LINES_MAX: usize = 60;
/// An edit checks its crate as a whole; above this the wait is felt.
pub(super) const CRATE_LINES_MAX: usize = 8_000;
/// Shorter files explain themselves.
const HEADER_LINES_MIN: usize = 80;

/// Something longer than its limit.
pub(super) struct Excess {
    /// How `ratchet.txt` names it: `file <path>`, `function <path> <name>`, `crate <folder>`.
    pub(super) subject: String,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) lines: usize,
    pub(super) instead: String,
}

pub(super) fn check_headers(repository: &Repository) -> Vec<Violation> {
    let bare =
        repository.sources().filter(|(_, source)| source.lines > HEADER_LINES_MIN && !source.has_header);
    let message =
        "over 80 lines without a header; begin with `//!`: what it decides or does, and what it does not";
    bare.map(|(path, _)| Violation::new(path, 1, message)).collect()
}

/// Everything over a limit, whether excused or not.
pub(super) fn excesses(repository: &Repository) -> Vec<Excess> {
    let mut found = Vec::new();
    let mut crates: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, source) in repository.sources() {
        let lines = source.lines_outside_tests();
        if let Some((folder, _)) = path.split_once("/src/").filter(|_| lines > 0) {
            *crates.entry(folder).or_default() += lines;
        }
        if lines > FILE_LINES_MAX {
            let instead = format!(
                "{lines} lines outside tests, at most {FILE_LINES_MAX}; split it by what its parts decide"
            );
            found.push(Excess {
                subject: format!("file {path}"),
                path: path.into(),
                line: 1,
                lines,
                instead,
            });
        }
        for function in source.functions().into_iter().filter(|f| f.length > FUNCTION_LINES_MAX) {
            let (name, line, lines) = (&function.name, function.line, function.length);
            if !source.is_test(line) {
                let instead = format!(
                    "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}; keep the `if`s and move what they choose between out"
                );
                found.push(Excess {
                    subject: format!("function {path} {name}"),
                    path: path.into(),
                    line,
                    lines,
                    instead,
                });
            }
        }
    }
    for (folder, lines) in crates.into_iter().filter(|(_, lines)| *lines > CRATE_LINES_MAX) {
        let instead = format!(
            "{lines} lines outside tests, at most {CRATE_LINES_MAX}; move one domain into a crate of its own"
        );
        found.push(Excess {
            subject: format!("crate {folder}"),
            path: folder.into(),
            line: 0,
            lines,
            instead,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(files: &[(&str, &str)]) -> Vec<String> {
        excesses(&Repository::planted(files))
            .into_iter()
            .map(|excess| format!("{} {}", excess.subject, excess.lines))
            .collect()
    }

    #[test]
    fn a_file_over_eighty_lines_needs_a_header() {
        let long = "fn f() {}\n".repeat(81);
        let headed = format!("//! Why.\n{long}");
        let found = check_headers(&Repository::planted(&[
            ("a.rs", &long),
            ("b.rs", &headed),
            ("c.rs", "fn f() {}\n"),
        ]));
        assert_eq!(found.iter().map(|v| v.path.as_str()).collect::<Vec<_>>(), ["a.rs"]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_are_not_counted() {
        let long = "fn f() {}\n".repeat(401);
        let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(
            subjects(&[("a/src/b.rs", &long), ("a/src/c.rs", &tested), ("a/src/tests.rs", &long)]),
            ["file a/src/b.rs 401"]
        );
    }

    #[test]
    fn a_long_function_is_found() {
        let text = format!("fn short() {{}}\nfn long() {{\n{}}}\n", "    g();\n".repeat(60));
        assert_eq!(subjects(&[("a/src/b.rs", &text)]), ["function a/src/b.rs long 62"]);
    }

    #[test]
    fn a_large_crate_is_found() {
        let part = "fn f() {}\n".repeat(400);
        let files: Vec<(String, &str)> =
            (0..21).map(|n| (format!("crates/a/src/m{n}.rs"), part.as_str())).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert_eq!(subjects(&files), ["crate crates/a 8400"]);
    }
}
