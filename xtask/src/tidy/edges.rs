//! Crates may depend on what the table in ARCHITECTURE.md says, and on nothing else of ours.
//!
//! The table is the one headed `| crate | may depend on (ours) |`. A row that names a crate allows
//! what that crate's own row allows, so rows stay short. `anything` allows all. Any crate may test
//! with `testkit` and `oracle`. The engines of the lake are named by `lake` only, so that no other crate waits
//! for them to compile.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::repository::{Repository, parent};
use super::rust::numbered;

const TABLE: &str = "ARCHITECTURE.md";
const TEST_SUPPORT: &[&str] = &["oracle", "testkit"];
/// Holds features of third-party crates together and no code of ours.
const FEATURES: &str = "workspace-hack";
const ENGINE_CRATE: &str = "lake";
/// Reads and writes rows of Parquet files, so that whoever needs no more does not wait for the engines.
const ROWS_CRATE: &str = "columnar";
/// The only ones it may name.
const ROWS_ENGINES: &[&str] = &["parquet", "arrow"];
const ENGINES: &[&str] = &["parquet", "arrow", "datafusion", "deltalake"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let crates = crates(repository);
    let Some(table) = Table::read(repository.text(TABLE)) else {
        let message =
            "has no table headed `| crate | may depend on (ours) |`; add one with a row for each crate";
        return vec![Violation::new(TABLE, 0, message)];
    };
    let mut violations = table.stale_names(&crates);
    for (name, manifest) in &crates {
        let Some(allowed) = table.allowed(name) else {
            violations.push(Violation::new(
                TABLE,
                0,
                format!("has no row for `{name}`; say what it may depend on"),
            ));
            continue;
        };
        for entry in dependencies(repository.text(manifest)) {
            let is_ours = crates.contains_key(&entry.name);
            let is_test_support = entry.is_dev && TEST_SUPPORT.contains(&&*entry.name);
            if is_ours && !is_test_support && !allowed.permits(&entry.name) {
                let message = format!(
                    "`{name}` may not depend on `{}` ({TABLE}); state the need as a trait in `{name}` and let `headwater` join the two",
                    entry.name
                );
                violations.push(Violation::new(manifest, entry.line, message));
            }
        }
    }
    violations
}

pub(super) fn check_engines(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, manifest) in crates(repository).iter().filter(|(name, _)| *name != ENGINE_CRATE) {
        for entry in dependencies(repository.text(manifest)) {
            let family = entry.foreign.split('-').next().unwrap_or_default();
            let is_rows = name == ROWS_CRATE && ROWS_ENGINES.contains(&family);
            if ENGINES.contains(&family) && !is_rows {
                let message = format!(
                    "`{name}` names `{}`; only `{ENGINE_CRATE}` may: ask it through a function of its own",
                    entry.foreign
                );
                violations.push(Violation::new(manifest, entry.line, message));
            }
        }
    }
    violations
}

/// Our crates by the name of their folder, which is the name they are used by, with their manifests.
fn crates(repository: &Repository) -> BTreeMap<String, String> {
    let manifests =
        repository.texts().filter(|(path, text)| path.ends_with("/Cargo.toml") && text.contains("[package]"));
    let members = manifests.filter(|(path, _)| match path.split('/').collect::<Vec<_>>()[..] {
        ["crates", _, _] => true,
        [folder, _] => ["xtask", "tests", "benches"].contains(&folder),
        _ => false,
    });
    members
        .filter(|(path, _)| !path.ends_with(&format!("/{FEATURES}/Cargo.toml")))
        .map(|(path, _)| (parent(path).rsplit('/').next().unwrap_or_default().to_owned(), path.to_owned()))
        .collect()
}

/// One line of a manifest's dependency section.
struct Dependency {
    name: String,
    /// The package behind the name.
    foreign: String,
    line: usize,
    is_dev: bool,
}

fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = "";
    for (line, text) in numbered(manifest) {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]` is the long way of writing a line.
            let Some((kind, name)) =
                section.rsplit_once('.').filter(|(kind, _)| kind.ends_with("dependencies"))
            else {
                continue;
            };
            found.push(Dependency {
                name: name.into(),
                foreign: name.into(),
                line,
                is_dev: kind.contains("dev-"),
            });
        } else if section.ends_with("dependencies") && !text.starts_with('#') && text.contains('=') {
            let name = text.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"');
            let renamed = text.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            let foreign = renamed.unwrap_or(name).into();
            found.push(Dependency { name: name.into(), foreign, line, is_dev: section.contains("dev-") });
        }
    }
    found
}

struct Table {
    rows: BTreeMap<String, Row>,
}

struct Row {
    line: usize,
    names: BTreeSet<String>,
}

enum Allowed {
    Anything,
    These(BTreeSet<String>),
}

impl Allowed {
    fn permits(&self, name: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::These(names) => names.contains(name),
        }
    }
}

const ANYTHING: &[&str] = &["anything", "all"];

impl Table {
    fn read(text: &str) -> Option<Self> {
        let mut lines = numbered(text).skip_while(|(_, line)| !is_heading(line));
        lines.next()?;
        let mut rows = BTreeMap::new();
        for (line, text) in lines.take_while(|(_, text)| text.trim_start().starts_with('|')) {
            let mut cells = text.trim().trim_matches('|').split('|');
            let (first, second) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            for name in words(first) {
                rows.insert(name, Row { line, names: words(second) });
            }
        }
        Some(Self { rows })
    }

    fn allowed(&self, name: &str) -> Option<Allowed> {
        let mut names = BTreeSet::new();
        let mut waiting: Vec<&String> = self.rows.get(name)?.names.iter().collect();
        while let Some(next) = waiting.pop() {
            if ANYTHING.contains(&next.as_str()) {
                return Some(Allowed::Anything);
            }
            if names.insert(next.clone()) {
                waiting.extend(self.rows.get(next).into_iter().flat_map(|row| &row.names));
            }
        }
        Some(Allowed::These(names))
    }

    /// Names in the table that no crate has.
    fn stale_names(&self, crates: &BTreeMap<String, String>) -> Vec<Violation> {
        let is_known = |name: &str| crates.contains_key(name) || ANYTHING.contains(&name);
        let named = self
            .rows
            .iter()
            .flat_map(|(name, row)| row.names.iter().chain([name]).map(|name| (name, row.line)));
        let unknown: BTreeSet<_> = named.filter(|(name, _)| !is_known(name)).collect();
        let message = |name| format!("names `{name}`, which is no crate of ours; mend or remove the name");
        unknown.into_iter().map(|(name, line)| Violation::new(TABLE, line, message(name))).collect()
    }
}

fn is_heading(line: &str) -> bool {
    line.split_whitespace().collect::<Vec<_>>().join(" ").starts_with("| crate | may depend on (ours) |")
}

/// The crate names of a cell. A word before a bracket is a label for the names inside it.
fn words(cell: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut names = BTreeSet::new();
    let mut rest = cell;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let word = &rest[start..];
        let length = word.find(|c| !is_name(c)).unwrap_or(word.len());
        rest = &word[length..];
        if !rest.trim_start().starts_with('(') {
            names.insert(word[..length].to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests;
