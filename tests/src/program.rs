//! The `headwater` program itself, for tests that look at it from outside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the program is. Cargo builds no programs of other packages for a test, so the first caller has it
/// built, with the profile of the tests.
///
/// # Panics
/// If it does not build.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        // target/<profile>/deps/<test>
        let folder = test.ancestors().nth(2).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "headwater", "--bin", "headwater", "--target-dir"]);
        build.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What Cargo tells this test about its package is news to build scripts (ring's), and would have
        // everything above them built again.
        let told = std::env::vars_os().map(|(name, _)| name);
        let about = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        told.filter(|name| about.iter().any(|start| name.to_string_lossy().starts_with(start))).for_each(
            |name| {
                build.env_remove(name);
            },
        );
        if folder.file_name().is_some_and(|profile| profile == "release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "headwater does not build");
        folder.join("headwater")
    })
}
