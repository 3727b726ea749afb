//! DuckDB and ClickHouse: installed from PyPI if they are missing, asked by one Python program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;

use super::load::{Loaded, glob};
use super::questions::Row;
use super::shop::UNTIL;
use crate::place;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// What all peers answered.
#[derive(Debug, Deserialize)]
pub(crate) struct Peers {
    /// An engine with a layout of its table.
    pub(crate) engines: Vec<Engine>,
    /// DuckDB on the lake's Parquet, asked plain SQL.
    pub(crate) free: BTreeMap<String, Reply>,
}

/// One engine with one layout.
#[derive(Debug, Deserialize)]
pub(crate) struct Engine {
    pub(crate) name: String,
    /// Of its table; 0 where it has none.
    pub(crate) bytes: u64,
    pub(crate) answers: BTreeMap<String, Reply>,
}

/// An answer of a peer.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    pub(crate) rows: Vec<Row>,
    /// Median of warm runs.
    pub(crate) ms: f64,
    /// 99th percentile, where there are many runs.
    pub(crate) p99: Option<f64>,
    /// The text, where Headwater is asked the same.
    pub(crate) sql: Option<String>,
}

/// Asks all peers.
pub(crate) fn ask(loaded: &Loaded, questions: &[&str], people: &[u32], runs: usize) -> anyhow::Result<Peers> {
    let python = environment()?;
    let folder = loaded.folder.join("peers");
    std::fs::create_dir_all(&folder)?;
    let request = json!({
        "folder": folder, "parquet": glob(&loaded.folder)?, "threads": super::THREADS, "runs": runs,
        "until": UNTIL.0, "questions": questions, "people": people,
    });
    let mut process = Command::new(python)
        .arg("-B")
        .arg(Path::new(SCRIPTS).join("peers.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = process.stdin.take().context("its input was asked for")?;
    input.write_all(request.to_string().as_bytes())?;
    drop(input);
    let output = process.wait_with_output()?;
    anyhow::ensure!(
        output.status.success(),
        "the peers failed; delete {} to load them anew",
        folder.display()
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The Python with both engines.
fn environment() -> anyhow::Result<PathBuf> {
    let folder = place::cache()?.join("venv");
    let python = folder.join("bin/python");
    let wanted = std::fs::read_to_string(Path::new(SCRIPTS).join("requirements.txt"))?;
    let mark = folder.join("requirements.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|known| known == wanted) {
        return Ok(python);
    }
    println!("installing the peers from PyPI …");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let list = Path::new(SCRIPTS).join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(list))?;
    std::fs::write(mark, wanted)?;
    Ok(python)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} failed");
    Ok(())
}
