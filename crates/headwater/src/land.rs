//! The thin joints between contexts: sources for the collector, frames into logs, commands through them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use intake::command::{Command, Commands};
use intake::ports::{Land, Landing, Source, Sources};
use intake::rules::frame::Frame;
use kernel::{Failure, Scope, WorkspaceNo};
use log::Offset;
use pipeline::Cursor;
use serde_json::Value;
use workspace::credential::hex;

use crate::runtime::Runtime;

/// How long a command waits for the pipeline; it is applied later all the same.
const COMMAND_WAIT: Duration = Duration::from_secs(30);
/// How often a process without a worker looks whether another one has applied a command.
const CURSOR_POLL: Duration = Duration::from_millis(50);

/// The joints of a runtime.
#[derive(Clone)]
pub struct Joints {
    /// What runs.
    pub runtime: Runtime,
}

impl Sources for Joints {
    fn by_write_key(&self, key: &str) -> Option<Arc<Source>> {
        self.runtime.installation().source_by_write_key(key).map(|s| port(&s))
    }

    fn by_project(&self, project: &str) -> Option<Arc<Source>> {
        self.runtime.installation().source_by_project(project).map(|s| port(&s))
    }
}

/// A source as the collector knows it.
pub(crate) fn port(source: &workspace::Source) -> Arc<Source> {
    Arc::new(Source {
        workspace: source.workspace,
        no: source.no,
        id: source.id.clone(),
        is_enabled: source.is_enabled,
        allowed_origins: source.origins.clone(),
        events_per_second: source.events_per_second,
    })
}

impl Land for Joints {
    fn partitions(&self, source: &Source) -> u32 {
        self.runtime.open(source.workspace).map_or(1, |open| open.partitions.len() as u32)
    }

    fn land(&self, source: &Source, partition: u64, frame: Vec<u8>) -> Landing<'_> {
        let workspace = source.workspace;
        Box::pin(async move { self.append(workspace, partition as usize, frame).await.map(drop) })
    }
}

impl Joints {
    /// Appends a frame and returns its offset once it is durable.
    ///
    /// # Errors
    /// As the log says.
    pub async fn append(&self, no: WorkspaceNo, partition: usize, frame: Vec<u8>) -> kernel::Result<Offset> {
        let open = self.runtime.open(no)?;
        let partition =
            open.partitions.get(partition).ok_or_else(|| Failure::internal("no such partition"))?;
        let received = self.runtime.installation().now();
        let appended = partition.log.append(received, Bytes::from(frame)).await;
        if let Err(error) = &appended
            && error.is_final()
        {
            tracing::error!(%error, "the log failed for good; the process ends so that recovery decides");
            std::process::exit(70);
        }
        Ok(appended?)
    }

    async fn wait(&self, scope: &Scope, offset: Offset) -> kernel::Result<()> {
        let open = self.runtime.open(scope.workspace)?;
        let partition = open.partitions.first().ok_or_else(|| Failure::internal("no partition"))?;
        if self.runtime.processes() {
            let mut progress = partition.progress.clone();
            let reached = progress.wait_for(|p| p.offset >= offset.0).await;
            return reached.map(drop).map_err(|_| Failure::unavailable("the pipeline is stopping"));
        }
        loop {
            let (pool, at) = (self.runtime.installation().pool(scope)?, scope.clone());
            let cursors = tokio::task::spawn_blocking(move || pool.read(|tx| Cursor::all(&at, tx))).await;
            let cursors = cursors.map_err(Failure::internal)??;
            if cursors.iter().any(|c| c.partition == 0 && c.offset >= offset.0) {
                return Ok(());
            }
            tokio::time::sleep(CURSOR_POLL).await;
        }
    }
}

impl Commands for Joints {
    fn submit<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'static str,
        body: Value,
    ) -> Pin<Box<dyn Future<Output = kernel::Result<Command>> + Send + 'a>> {
        Box::pin(async move {
            let installation = self.runtime.installation();
            let received = installation.now();
            let command = Command {
                name: name.to_owned(),
                id: hex(&installation.ids().fresh()),
                at_us: received.0,
                actor: scope.actor.clone(),
                body,
            };
            let raw = serde_json::to_vec(&command).map_err(Failure::internal)?;
            let frame = Frame::command(received, installation.ids().fresh(), &raw);
            let offset = self.append(scope.workspace, 0, frame.encode()).await?;
            let waited = tokio::time::timeout(COMMAND_WAIT, self.wait(scope, offset)).await;
            waited
                .map_err(|_| Failure::unavailable("the command is in the log and will be applied later"))??;
            Ok(command)
        })
    }
}
