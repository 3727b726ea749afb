//! `headwater lake` and `headwater query`: the lake's tables, for other engines and for SQL.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use kernel::Failure;
use lake::{Cell, Limits};
use tokio_util::sync::CancellationToken;
use workspace::{Installation, Workspace};

use super::cluster::Workers;
use super::say;
use super::setting::{Setting, one_workspace};
use crate::{beside, feeder};

/// The lake's tables.
#[derive(Clone, Debug, Args)]
pub struct LakeCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Print the folder under which every table is an ordinary Delta table
    Path(Path),
}

#[derive(Clone, Debug, Args)]
struct Path {
    #[command(flatten)]
    setting: Setting,
    /// The workspace; the only one if absent
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
}

/// Ask the lake in SQL and print rows as CSV
///
/// One SELECT over the tables events, parties, nodes, memberships, messages and objects of one workspace. What
/// was applied a moment ago is part of the answer. `events.party_no` is whose an event was when it was
/// written; join `nodes` on `node_no` for whose it is now.
#[derive(Clone, Debug, Args)]
pub struct Query {
    #[command(flatten)]
    setting: Setting,
    /// The workspace; the only one if absent
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    #[command(flatten)]
    workers: Workers,
    /// Rows printed at most
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: usize,
    /// Seconds it may take
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// The question
    #[arg(value_name = "SQL")]
    sql: String,
}

impl LakeCommand {
    /// Does what is asked.
    ///
    /// # Errors
    /// There is no such workspace.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Action::Path(path) = self.action;
        let installation = path.setting.open()?;
        let workspace = one_workspace(&installation, path.workspace.as_deref())?;
        let place = feeder::place(&path.setting.lakes()?, &workspace);
        say(match &place {
            lake::Place::Disk(folder) => std::path::absolute(folder)?.display().to_string(),
            other => other.to_string(),
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl Query {
    /// Asks and prints.
    ///
    /// # Errors
    /// The question is not one SELECT, runs out of its limits, or there is no lake yet.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let installation = self.setting.open()?;
        let workspace = one_workspace(&installation, self.workspace.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
        runtime.block_on(self.ask(&installation, &workspace))
    }

    async fn ask(&self, installation: &Installation, workspace: &Workspace) -> anyhow::Result<ExitCode> {
        let lake = beside::open(&self.setting, installation, workspace).await?;
        let time = std::time::Duration::from_secs(self.seconds);
        let limits = Limits { rows: self.rows, time, ..Limits::default() };
        let snapshot = lake.snapshot();
        let cancel = CancellationToken::new();
        let mut answer = match self.workers.cluster(Arc::clone(installation.clock()))? {
            Some(cluster) => {
                cluster.query(&feeder::root(workspace), &snapshot, &self.sql, limits, cancel).await?
            }
            None => snapshot.query(&self.sql, limits, cancel).await?,
        };
        let mut out = csv::Writer::from_writer(std::io::stdout().lock());
        out.write_record(answer.columns())?;
        while let Some(page) = answer.next().await? {
            for row in page {
                out.write_record(row.iter().map(text))?;
            }
        }
        out.flush()?;
        if answer.is_cut() {
            return Err(
                Failure::invalid("rows", format!("only {} are printed; there are more", self.rows)).into()
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Decimal(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Boolean(is_true) => is_true.to_string(),
        Cell::Time(at) => at.to_string(),
        Cell::Bytes(bytes) => workspace::credential::hex(bytes),
    }
}
