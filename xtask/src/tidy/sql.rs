//! Every statement says which workspace it is about.
//!
//! A string literal in a `store` that begins with a verb of SQL must mention `workspace_id`, unless
//! every table it names belongs to the installation (`xtask/installation_tables.txt`) or to the
//! database itself. A statement put together from several literals must mention it where it names
//! its table.

use std::collections::BTreeSet;

use super::Violation;
use super::repository::Repository;

const TABLES: &str = "xtask/installation_tables.txt";
const VERBS: &[&str] = &["select", "insert", "update", "delete", "replace"];
/// A table's name follows one of these.
const BEFORE_TABLE: &[&str] = &["from", "join", "into", "update"];
/// Catalogues of SQLite and PostgreSQL.
const CATALOGUES: &[&str] = &["sqlite_", "pg_", "information_schema"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let shared: BTreeSet<&str> = names(repository.text(TABLES)).collect();
    let mut violations = Vec::new();
    for (path, source) in repository.sources().filter(|(path, _)| is_store(path)) {
        for (line, literal) in source.strings.iter().filter(|(line, _)| !source.is_test(*line)) {
            if is_statement(literal) && !literal.contains("workspace_id") && !is_shared(literal, &shared) {
                let message = format!(
                    "SQL without `workspace_id`; add it to the condition or the columns (or list an installation-wide table in {TABLES})"
                );
                violations.push(Violation::new(path, *line, message));
            }
        }
    }
    violations
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next())
}

/// `crates/*/src/**/store*/**` and `store.rs`.
fn is_store(path: &str) -> bool {
    let inside = path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/"));
    inside.is_some_and(|(_, rest)| rest.split('/').any(|part| part.starts_with("store")))
}

fn is_statement(literal: &str) -> bool {
    let mut words = literal.split_whitespace();
    let verb = words.next().unwrap_or_default();
    // A verb alone, or before punctuation, is prose or a key.
    VERBS.iter().any(|known| verb.eq_ignore_ascii_case(known)) && words.count() >= 2
}

fn is_shared(statement: &str, shared: &BTreeSet<&str>) -> bool {
    let lower = statement.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter(|pair| BEFORE_TABLE.contains(&pair[0]));
    let mut tables = pairs.map(|pair| pair[1]).filter(|table| !["set", "select"].contains(table));
    tables.all(|table| shared.contains(table) || CATALOGUES.iter().any(|c| table.starts_with(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, sql: &str) -> usize {
        let text = format!("fn f() {{ run(\"{sql}\"); }}\n");
        let tables = "# Tables of the installation.\nworkspace  the list of walls itself\n";
        check(&Repository::planted(&[(path, &text), (TABLES, tables)])).len()
    }

    const STORE: &str = "crates/a/src/store/party.rs";

    #[test]
    fn a_statement_without_its_workspace_is_a_violation() {
        for sql in [
            "select a from party",
            "INSERT into party (a) values (1)",
            "update party set a = 1",
            "\n  delete from party where a = 1",
        ] {
            assert_eq!(found(STORE, sql), 1, "{sql}");
        }
    }

    #[test]
    fn a_statement_with_its_workspace_is_none() {
        assert_eq!(found(STORE, "select a from party where workspace_id = ?1"), 0);
    }

    #[test]
    fn an_installation_wide_table_needs_no_workspace() {
        assert_eq!(found(STORE, "select id from workspace where name = ?1"), 0);
        assert_eq!(
            found(STORE, "insert into workspace (id) values (?1) on conflict (id) do update set name = ?2"),
            0
        );
        assert_eq!(found(STORE, "select name from sqlite_master"), 0);
        assert_eq!(found(STORE, "select pg_database_size(current_database()) where true"), 0);
        assert_eq!(found(STORE, "select 1 from workspace join party on true"), 1);
    }

    #[test]
    fn prose_and_other_folders_are_left_alone() {
        assert_eq!(found(STORE, "select"), 0);
        assert_eq!(found(STORE, "updated by the worker"), 0);
        assert_eq!(found("crates/a/src/rules/party.rs", "select a from party"), 0);
    }

    #[test]
    fn every_shape_of_store_is_looked_at() {
        assert_eq!(found("crates/a/src/store.rs", "select a from party"), 1);
        assert_eq!(found("crates/a/src/b/store_hot/c.rs", "select a from party"), 1);
    }
}
