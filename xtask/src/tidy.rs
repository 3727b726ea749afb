//! The rules of this repository that a machine can hold, and that neither rustc nor clippy holds.
//!
//! Each rule is a pure function from the text of the repository to violations; each violation says
//! what to do instead. Exceptions are lines in `ratchet.txt`, which may only shrink. The rules are
//! heuristics over text: they read Rust with a small lexer, not a parser, and prefer missing an odd
//! case to accusing good code.

mod banned;
mod edges;
mod markdown;
mod migrations;
mod purity;
mod ratchet;
mod repository;
mod rust;
mod sizes;
mod sql;

use std::fmt;

use anyhow::bail;
use repository::Repository;

/// One broken rule: where, what, and what to do instead.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    /// Counted from 1; 0 speaks of the file as a whole.
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Every rule, in the order of CONTRIBUTING.
const RULES: &[fn(&Repository) -> Vec<Violation>] = &[
    edges::check,
    edges::check_engines,
    purity::check,
    sizes::check_headers,
    ratchet::check,
    banned::check,
    sql::check,
    migrations::check,
    markdown::check_links,
    markdown::check_adr_index,
];

/// Checks the work tree and prints what is wrong.
pub(crate) fn run() -> anyhow::Result<()> {
    let repository = Repository::read(crate::shell::root())?;
    let violations = check(&repository);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        n => bail!("tidy: {n} violation(s)"),
    }
}

fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations: Vec<_> = RULES.iter().flat_map(|rule| rule(repository)).collect();
    violations.sort();
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let repository = Repository::read(crate::shell::root()).unwrap();
        let lines: Vec<String> = check(&repository).iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
