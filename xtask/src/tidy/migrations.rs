//! Every migration exists for both databases, under one name.

use std::collections::BTreeSet;

use super::Violation;
use super::repository::Repository;

const FOLDERS: [&str; 2] = ["migrations/sqlite/", "migrations/postgres/"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let [sqlite, postgres] = FOLDERS.map(|folder| names(repository, folder));
    let missing = |name: &&str, folder: &str| {
        let path = format!("{folder}{name}");
        let message = "missing: every migration is written for SQLite and PostgreSQL under the same name";
        Violation::new(path, 0, message)
    };
    let in_postgres = sqlite.difference(&postgres).map(|name| missing(name, FOLDERS[1]));
    let in_sqlite = postgres.difference(&sqlite).map(|name| missing(name, FOLDERS[0]));
    in_postgres.chain(in_sqlite).collect()
}

fn names<'a>(repository: &'a Repository, folder: &str) -> BTreeSet<&'a str> {
    repository
        .texts()
        .filter_map(|(path, _)| path.strip_prefix(folder))
        .filter(|name| name.ends_with(".sql"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_for_one_database_only_is_a_violation() {
        let found = check(&Repository::planted(&[
            ("migrations/sqlite/0001_start.sql", ""),
            ("migrations/postgres/0001_start.sql", ""),
            ("migrations/sqlite/0002_more.sql", ""),
            ("migrations/postgres/0003_other.sql", ""),
        ]));
        let paths: Vec<_> = found.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["migrations/postgres/0002_more.sql", "migrations/sqlite/0003_other.sql"]);
    }
}
