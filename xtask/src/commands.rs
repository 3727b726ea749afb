//! What each command runs, in order. A command is a list of cargo calls a person could type.

use anyhow::Context;

use crate::shell::{self, cargo, program, run};
use crate::{setup, tidy};

/// Workspace and write key of the scratch server.
const DEV_WORKSPACE: &str = "dev";
const DEV_WRITE_KEY: &str = "WRITE_KEY_DEV";

/// A drill short enough for every CI run; `cargo xtask drill` runs longer.
const CI_DRILL_CYCLES: u32 = 20;

/// Builds and serves `data/dev`, created on first use.
pub(crate) fn dev() -> anyhow::Result<()> {
    run(&mut cargo("build -p headwater"))?;
    let headwater = shell::target().join("debug/headwater");
    let headwater = headwater.to_str().context("the target directory has a name that is not UTF-8")?;
    if !shell::root().join("data/dev").is_dir() {
        let init = "init --data data/dev --workspace";
        run(program(headwater, init).args([DEV_WORKSPACE, "--write-key", DEV_WRITE_KEY, "--json"]))?;
    }
    run(&mut program(headwater, "serve --data data/dev --listen 127.0.0.1:8080"))
}

/// What needs no test run: layout of the text, lints, the repository's own rules.
pub(crate) fn check() -> anyhow::Result<()> {
    tidy::run()?;
    run(&mut cargo("fmt --all -- --check"))?;
    run(&mut cargo("clippy --workspace --all-targets --quiet -- -D warnings"))
}

/// Everything that must hold before a commit lands.
pub(crate) fn test() -> anyhow::Result<()> {
    check()?;
    run(with_tools(&mut cargo("test --workspace")))?;
    e2e()
}

/// Drives the real SDKs, browsers included, against the binary just built.
pub(crate) fn e2e() -> anyhow::Result<()> {
    run(&mut cargo("build -p headwater"))?;
    let binary = shell::target().join("debug/headwater");
    run(program("node", "--test sdk/test.mjs").env("HEADWATER_BIN", binary))
}

/// What CI runs, from nothing to the closing line.
pub(crate) fn ci() -> anyhow::Result<()> {
    setup::run()?;
    test()?;
    drill(CI_DRILL_CYCLES)?;
    if shell::has("cargo-deny") {
        run(&mut cargo("deny check licenses bans sources"))?;
    }
    println!("ci: formatting, lints, tidy, Rust tests, SDK tests and the crash drill passed");
    Ok(())
}

/// Hands everything after `bench` to the benchmark programme.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    run(cargo("run --release -p headwater-benches --").args(arguments))
}

/// The log's crash test and every system test whose name contains `drill`, in their long form.
pub(crate) fn drill(cycles: u32) -> anyhow::Result<()> {
    for tests in ["test -p headwater-log --test crash", "test -p headwater-tests drill"] {
        let mut command = cargo(tests);
        run(with_tools(&mut command).env("HEADWATER_DRILL_CYCLES", cycles.to_string()))?;
    }
    Ok(())
}

/// The evaluator against the specification, in its long form. Optimised, or it would take ten times as long.
pub(crate) fn property(cases: u64) -> anyhow::Result<()> {
    let mut command = cargo("test --release -p oracle --lib property -- --nocapture --test-threads=2");
    run(command.env("HEADWATER_CRITERIA_CASES", cases.to_string()))?;
    println!("property: {cases} random rules without a difference, and every planted mistake was noticed");
    Ok(())
}

/// The planted truths of the large demo world; `cargo xtask test` checks those of a world a fiftieth as large.
pub(crate) fn truths() -> anyhow::Result<()> {
    let mut command = cargo("test --release -p headwater-tests truths -- --nocapture");
    run(command.env("HEADWATER_TRUTHS", "small"))
}

/// Tells tests where `setup` put what they start.
fn with_tools(command: &mut std::process::Command) -> &mut std::process::Command {
    let nats = setup::nats_server();
    if nats.is_file() { command.env("HEADWATER_NATS_SERVER", nats) } else { command }
}
