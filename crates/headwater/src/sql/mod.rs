//! SQL that people type, run in a process of its own.
//!
//! The engine counts the memory of sorts, joins and groups, but a statement of a few hundred bytes can ask
//! for gigabytes elsewhere (`x || x`, again and again). So each statement runs in a child of this binary with
//! a limit on its address space: what it breaks is the child. The parent ends it when its time is over or
//! when nobody waits for the answer any more.

mod lines;
mod worker;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Failure, WorkspaceNo};
use lines::{Ended, Line};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use lines::Ask;
pub use worker::SqlWorker;

use crate::command::setting::Setting;

/// Statements of one workspace that run at the same time.
const RUNNING_MAX: usize = 2;
/// Statements of one workspace that wait for a turn; more are sent away.
const WAITING_MAX: usize = 8;
/// What a child may take beyond the time of its statement, to start and to say why it stopped.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of one line of an answer.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Where statements run.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    setting: Setting,
    turns: Arc<Mutex<std::collections::HashMap<WorkspaceNo, Arc<Semaphore>>>>,
    waiting: Arc<Mutex<std::collections::HashMap<WorkspaceNo, usize>>>,
}

/// The answer to a statement, whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, a JSON value a column.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than asked for.
    pub is_cut: bool,
}

impl Sandbox {
    /// Runs statements by `program`, which is this binary, over the installation of `setting`.
    pub fn new(program: PathBuf, setting: Setting) -> Self {
        Self { program, setting, turns: Arc::default(), waiting: Arc::default() }
    }

    /// Runs a statement and collects its answer.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what is not one SELECT over the tables, [`Failure::LimitExceeded`] when time or
    /// memory run out.
    pub async fn ask(&self, workspace: WorkspaceNo, ask: &Ask) -> kernel::Result<Answer> {
        let mut answer = Answer::default();
        let rows = &mut answer.rows;
        let (columns, is_cut) = self
            .each(workspace, ask, &mut |row| {
                rows.push(row);
                Ok(())
            })
            .await?;
        (answer.columns, answer.is_cut) = (columns, is_cut);
        Ok(answer)
    }

    /// Runs a statement and hands over its rows one by one; answers the names of the columns and whether there
    /// were more rows than asked for.
    ///
    /// # Errors
    /// As [`Sandbox::ask`], or whatever `take` says, which ends the statement.
    pub async fn each(
        &self,
        workspace: WorkspaceNo,
        ask: &Ask,
        take: &mut (dyn FnMut(Vec<Value>) -> kernel::Result<()> + Send),
    ) -> kernel::Result<(Vec<String>, bool)> {
        let _turn = self.turn(workspace).await?;
        let mut child = self.start(ask).await?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::internal("a child without output"))?;
        let read = read(BufReader::new(stdout), take);
        let patience = Duration::from_secs(ask.seconds) + GRACE;
        let read = tokio::time::timeout(patience, read).await;
        let Ok(read) = read else {
            return Err(Failure::LimitExceeded { limit: "seconds of a query", max: ask.seconds });
        };
        match read? {
            Some(done) => Ok(done),
            None => Err(died(&mut child, ask).await),
        }
    }

    /// A turn of a workspace: one tenant's statements wait for each other and for nobody else's.
    async fn turn(&self, workspace: WorkspaceNo) -> kernel::Result<OwnedSemaphorePermit> {
        let turns = {
            let mut turns = self.turns.lock();
            Arc::clone(turns.entry(workspace).or_insert_with(|| Arc::new(Semaphore::new(RUNNING_MAX))))
        };
        if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = Place::take(self, workspace)?;
        turns.acquire_owned().await.map_err(Failure::internal)
    }

    async fn start(&self, ask: &Ask) -> kernel::Result<Child> {
        let mut command = Command::new(&self.program);
        command.arg("sql-worker").arg("--data").arg(&self.setting.data);
        let Setting { store, log, lake, .. } = &self.setting;
        for (name, value) in [("--store", store), ("--log", log), ("--lake", lake)] {
            command.args(value.iter().flat_map(|value| [name, value]));
        }
        // Each arena of the allocator reserves address space, which is what is limited.
        command.env("MALLOC_ARENA_MAX", "2");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::internal)?;
        let mut text = serde_json::to_vec(ask).map_err(Failure::internal)?;
        text.push(b'\n');
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(&text).await.map_err(Failure::internal)?;
        }
        Ok(child)
    }
}

/// A place in the queue of a workspace.
struct Place<'s>(&'s Sandbox, WorkspaceNo);

impl<'s> Place<'s> {
    fn take(sandbox: &'s Sandbox, workspace: WorkspaceNo) -> kernel::Result<Self> {
        let mut waiting = sandbox.waiting.lock();
        let count = waiting.entry(workspace).or_default();
        if *count >= WAITING_MAX {
            return Err(Failure::unavailable("too many queries of this workspace are waiting"));
        }
        *count += 1;
        Ok(Self(sandbox, workspace))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0.waiting.lock().get_mut(&self.1) {
            *count -= 1;
        }
    }
}

/// Reads lines until the end of the answer; `None` if they stop before it.
async fn read(
    mut stdout: BufReader<ChildStdout>,
    take: &mut (dyn FnMut(Vec<Value>) -> kernel::Result<()> + Send),
) -> kernel::Result<Option<(Vec<String>, bool)>> {
    let mut columns = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = stdout.read_until(b'\n', &mut line).await.map_err(Failure::internal)?;
        if count == 0 || !line.ends_with(b"\n") {
            return Ok(None);
        }
        if line.len() > LINE_BYTES_MAX {
            return Err(Failure::LimitExceeded { limit: "bytes of a row", max: LINE_BYTES_MAX as u64 });
        }
        match serde_json::from_slice(&line).map_err(Failure::internal)? {
            Line::Columns(names) => columns = names,
            Line::Row(row) => take(row)?,
            Line::End(Ended::Done { is_cut }) => return Ok(Some((columns, is_cut))),
            Line::End(ended) => return Err(ended.failure()),
        }
    }
}

/// Why a child stopped without a word: it ran out of the memory it may address.
async fn died(child: &mut Child, ask: &Ask) -> Failure {
    let status = child.wait().await;
    tracing::info!(?status, "a query ended with its process");
    Failure::LimitExceeded { limit: "MiB of memory of a query", max: ask.memory_mib }
}
