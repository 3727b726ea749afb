//! Running other programs: where, with which environment, and what is said when one fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The top of the repository. This manifest is one level below it.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ is inside the repository")
}

/// Tools and build results that outlive a clone: `$HEADWATER_CACHE`, else `~/.cache/headwater`.
pub(crate) fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    std::env::var_os("HEADWATER_CACHE").map_or_else(|| home().join(".cache/headwater"), PathBuf::from)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The cargo that started us, so that a pinned toolchain stays pinned.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.split_whitespace()).current_dir(root());
    // What Cargo told us about our own package is news to build scripts (ring's), and would have everything
    // above them built again: DataFusion, each time another command builds.
    let told = std::env::vars_os().map(|(name, _)| name);
    told.filter(|name| is_about_package(&name.to_string_lossy())).for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Whether a variable tells a program about the package it was built from.
fn is_about_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A program found on PATH, started at the top of the repository.
pub(crate) fn program(name: &str, arguments: &str) -> Command {
    let mut command = Command::new(name);
    command.args(arguments.split_whitespace()).current_dir(root());
    command
}

/// Is there a program of this name?
pub(crate) fn has(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Runs to the end, showing its output; failure names the command line.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = describe(command);
    println!("+ {line}");
    let status = command.status().with_context(|| format!("starting `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs to the end silently; what it printed is shown only when it fails.
pub(crate) fn run_quietly(command: &mut Command) -> anyhow::Result<String> {
    let line = describe(command);
    let output = command.output().with_context(|| format!("starting `{line}`"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("`{line}` failed: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(printed)
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
