//! Manifests and tables with one thing wrong each.

use super::*;

const ARCHITECTURE: &str = "# Map\n\n| crate | may depend on (ours) | why |\n|---|---|---|\n| `kernel` | – | words |\n\
    | db | `kernel` | |\n| party | platform (db, kernel) | |\n| intake | + party | |\n| lake | kernel | |\n| testkit, headwater | anything | |\n\nText | with a bar.\n";

fn repository(architecture: &str, manifest: (&str, &str)) -> Repository {
    let package = "[package]\n";
    let mut files: Vec<(String, String)> =
        ["kernel", "db", "party", "intake", "lake", "testkit", "headwater"]
            .iter()
            .map(|name| (format!("crates/{name}/Cargo.toml"), package.to_owned()))
            .collect();
    files.push(("ARCHITECTURE.md".into(), architecture.into()));
    files.push((manifest.0.into(), format!("{package}{}", manifest.1)));
    Repository::of(files)
}

fn check_manifest(path: &str, text: &str) -> Vec<Violation> {
    check(&repository(ARCHITECTURE, (path, text)))
}

#[test]
fn an_edge_that_points_upwards_is_named_with_its_line() {
    let found = check_manifest(
        "crates/db/Cargo.toml",
        "[dependencies]\nkernel.workspace = true\nintake.workspace = true\n",
    );
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), found[0].line), ("crates/db/Cargo.toml", 4));
    assert!(found[0].message.contains("`db` may not depend on `intake`"));
}

#[test]
fn a_row_allows_what_the_crates_it_names_are_allowed() {
    assert_eq!(
        check_manifest(
            "crates/intake/Cargo.toml",
            "[dependencies]\nkernel.workspace = true\nparty = { path = \"../party\" }\n"
        ),
        []
    );
}

#[test]
fn the_long_form_of_a_dependency_is_seen() {
    assert_eq!(check_manifest("crates/db/Cargo.toml", "[dependencies.intake]\nworkspace = true\n").len(), 1);
}

#[test]
fn testkit_may_be_used_in_tests_only() {
    assert_eq!(check_manifest("crates/db/Cargo.toml", "[dev-dependencies]\ntestkit.workspace = true\n"), []);
    assert_eq!(check_manifest("crates/db/Cargo.toml", "[dependencies]\ntestkit.workspace = true\n").len(), 1);
}

#[test]
fn anything_allows_everything() {
    assert_eq!(
        check_manifest("crates/headwater/Cargo.toml", "[dependencies]\nintake.workspace = true\n"),
        []
    );
}

#[test]
fn a_crate_without_a_row_is_a_violation() {
    let found = check_manifest("crates/audience/Cargo.toml", "");
    assert!(found[0].message.contains("no row for `audience`"));
}

#[test]
fn a_row_without_a_crate_is_a_violation() {
    let stale = ARCHITECTURE.replace("| db |", "| gone |\n| db |");
    let found = check(&repository(&stale, ("crates/db/Cargo.toml", "")));
    assert!(found[0].message.contains("names `gone`"));
}

#[test]
fn a_missing_table_is_a_violation() {
    assert_eq!(check(&repository("# Map\n", ("crates/db/Cargo.toml", ""))).len(), 1);
}

#[test]
fn only_lake_names_an_engine() {
    let engine = "[dev-dependencies]\nparquet.workspace = true\ntable = { package = \"arrow-array\", version = \"1\" }\n";
    assert_eq!(check_engines(&repository(ARCHITECTURE, ("crates/intake/Cargo.toml", engine))).len(), 2);
    assert_eq!(check_engines(&repository(ARCHITECTURE, ("crates/lake/Cargo.toml", engine))), []);
}
