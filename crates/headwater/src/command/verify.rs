//! `headwater verify`: is the state what the log says? Rebuilds it from the log in a scratch database
//! and compares digests.

use std::process::ExitCode;

use clap::Args;
use db::{Location, Store};
use insight::live::is_settled;
use insight::store::timer::evaluated_until;
use kernel::digest::Digest;
use kernel::{Failure, Scope};
use log::{Log, Offset};
use pipeline::{Cursor, Program};
use serde_json::json;
use workspace::{Installation, Workspace};

use super::say;
use super::setting::{Setting, one_workspace};
use crate::applier::Applier;
use crate::digest::digest;
use crate::logs::LogLocation;
use crate::runtime::{context, weights_of};
use crate::{handlers, stages};

/// Rebuild the state from the log and compare.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    setting: Setting,
    /// The workspace; the only one if absent
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Bytes and entries applied in one transaction of the rebuild.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_ENTRIES: usize = 5_000;

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Digest of the state.
    pub live: Digest,
    /// Digest of the state rebuilt from the log up to the same place.
    pub rebuilt: Digest,
    /// Entries applied.
    pub entries: u64,
}

impl Verify {
    /// Compares and prints; exit code 1 if they differ.
    ///
    /// # Errors
    /// The log no longer reaches back to its start, or cannot be read.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let installation = self.setting.open()?;
        let workspace = one_workspace(&installation, self.workspace.as_deref())?;
        let verdict = verify(&installation, &workspace, &self.setting.log_location())?;
        let is_equal = verdict.live == verdict.rebuilt;
        let (live, rebuilt) = (verdict.live.to_string(), verdict.rebuilt.to_string());
        let differences = verdict.live.differences(&verdict.rebuilt);
        if self.json {
            let tables: Vec<&str> = differences.iter().map(|(table, ..)| *table).collect();
            let entries = verdict.entries;
            say(
                json!({ "live": live, "rebuilt": rebuilt, "entries": entries, "equal": is_equal, "differences": tables }),
            );
        } else {
            say(format_args!("live     {live}\nrebuilt  {rebuilt}"));
            for (table, a, b) in differences {
                say(format_args!("  {table}: {a} rows live, {b} rebuilt"));
            }
            say(match is_equal {
                true => format!("equal after {} log entries", verdict.entries),
                false => "they differ: the state is not what the log says".to_owned(),
            });
        }
        Ok(if is_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Rebuilds a workspace from its log into a scratch folder, up to where the live state is, and compares.
///
/// # Errors
/// The log no longer reaches back to its start, or cannot be read.
pub fn verify(
    installation: &Installation,
    workspace: &Workspace,
    log: &LogLocation,
) -> anyhow::Result<Verdict> {
    let scope = Scope::system(workspace.no, "verify");
    let live_pool = installation.pool(&scope)?;
    let cursors = live_pool.read(|tx| Cursor::all(&scope, tx))?;
    let live = digest(&live_pool, &scope)?;
    let scratch = tempfile::tempdir()?;
    let store = Store::open(&Location::Directory(scratch.path().to_owned()))?;
    let pool = store.workspace(workspace.no)?;
    let mut entries = 0;
    for cursor in cursors {
        let log = log.open_reader(installation, workspace, cursor.partition)?;
        let first = log.first()?;
        if is_trimmed(first) {
            let reason = format!("the log begins at entry {first}; what came before was trimmed");
            return Err(Failure::conflict(reason).into());
        }
        entries += rebuild(installation, workspace, &pool, log.as_ref(), &cursor)?;
    }
    // What time changes is looked at as of the same instant.
    let (until, is_settled) =
        live_pool.read(|tx| Ok::<_, Failure>((evaluated_until(&scope, tx)?, is_settled(&scope, tx)?)))?;
    if !is_settled {
        return Err(Failure::conflict("audiences are still being filled; verify when they are").into());
    }
    let mut applier = applier(installation, workspace, 0);
    while applier.is_due(until) {
        pool.write(|tx| applier.tick(tx, until))?;
    }
    Ok(Verdict { live, rebuilt: digest(&pool, &scope)?, entries })
}

fn applier(installation: &Installation, workspace: &Workspace, partition: u32) -> Applier {
    let weights = weights_of(installation, &Scope::system(workspace.no, "verify"));
    let (context, stages) = (context(workspace, partition), stages::stages(None, weights));
    Applier::new(context, stages, handlers::all(), Default::default())
}

/// Whether a log no longer has its first entry: offset 1 in files, message 1 of a stream.
fn is_trimmed(first: Offset) -> bool {
    const MESSAGE_SHIFT: u32 = 20;
    if first.0 >> MESSAGE_SHIFT > 0 { first.0 >> MESSAGE_SHIFT > 1 } else { first.0 > 1 }
}

fn rebuild(
    installation: &Installation,
    workspace: &Workspace,
    pool: &db::Pool,
    log: &dyn Log,
    to: &Cursor,
) -> anyhow::Result<u64> {
    let mut applier = applier(installation, workspace, to.partition);
    let (mut at, mut batch, mut count) = (Offset::START, 0, 0);
    while at.0 < to.offset {
        let mut entries = log.read(at, BATCH_ENTRIES, BATCH_BYTES)?;
        entries.retain(|entry| entry.offset.0 <= to.offset);
        let Some(last) = entries.last() else { break };
        at = last.offset;
        count += entries.len() as u64;
        pool.write(|tx| applier.apply(tx, batch, &entries))?;
        applier.committed();
        batch += 1;
    }
    Ok(count)
}
