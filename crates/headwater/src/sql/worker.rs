//! The child that runs one statement: limits itself, opens the lake, answers line by line.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use insight::rules::mask::mask_tree;
use lake::{Hide, Lake, Limits};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::lines::{Ask, Ended, Line, value};
use crate::beside;
use crate::command::setting::{Setting, one_workspace};

/// Address space beyond the memory of sorts, joins and groups: the program, its threads, decoded pages.
const BESIDE_MIB: u64 = 1_024;
/// Threads of a statement.
const THREADS: usize = 2;
/// Stack of a thread: plans are trees, and the engine walks them by recursion.
const STACK_BYTES: usize = 8 << 20;

/// Run one statement for the server
///
/// Reads what to run as a line of JSON from standard input.
#[derive(Clone, Debug, Args)]
pub struct SqlWorker {
    #[command(flatten)]
    setting: Setting,
}

impl SqlWorker {
    /// Runs the statement.
    ///
    /// # Errors
    /// The lake cannot be opened; what is wrong with the statement is part of the answer.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let ask: Ask = serde_json::from_str(&line).context("reading what to run")?;
        let bytes = (ask.memory_mib + BESIDE_MIB) << 20;
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        setrlimit(Resource::As, limit).context("limiting the address space")?;
        // No core file of a process that holds customers' data.
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let ended = runtime.block_on(self.answer(&ask, &mut out))?;
        say(&mut out, &Line::End(ended))?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    async fn answer(&self, ask: &Ask, out: &mut impl Write) -> anyhow::Result<Ended> {
        let installation = self.setting.open()?;
        let workspace = one_workspace(&installation, Some(&ask.workspace))?;
        let lake = beside::open(&self.setting, &installation, &workspace).await?;
        match select(&lake, ask, out).await {
            Ok(is_cut) => Ok(Ended::Done { is_cut }),
            Err(Stopped::Lake(error)) => Ok(Ended::of(&error)),
            Err(Stopped::Output(error)) => Err(error.into()),
        }
    }
}

/// Why an answer stopped.
enum Stopped {
    Lake(lake::Error),
    Output(std::io::Error),
}

impl From<lake::Error> for Stopped {
    fn from(error: lake::Error) -> Self {
        Self::Lake(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Says the columns and the rows; whether there were more.
async fn select(lake: &Lake, ask: &Ask, out: &mut impl Write) -> Result<bool, Stopped> {
    let limits = Limits {
        rows: ask.rows,
        memory_bytes: usize::try_from(ask.memory_mib << 20).unwrap_or(usize::MAX),
        time: Duration::from_secs(ask.seconds),
        threads: THREADS,
    };
    let hide = (!ask.is_clear).then(|| Hide::new(masked));
    let mut answer = lake.snapshot().query_with(&ask.sql, limits, hide, CancellationToken::new()).await?;
    say(out, &Line::Columns(answer.columns().to_vec()))?;
    while let Some(page) = answer.next().await? {
        for row in page {
            say(out, &Line::Row(row.into_iter().map(value).collect()))?;
        }
    }
    Ok(answer.is_cut())
}

/// A JSON object with every personal field masked; text that is none is not shown at all.
fn masked(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    serde_json::from_str::<Value>(text).map_or_else(|_| "***".to_owned(), |json| mask_tree(json).to_string())
}

fn say(out: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
