//! Where the logs of an installation are, and how they are opened.

use std::path::PathBuf;
use std::sync::Arc;

use log::{Log, NatsLog, SqliteLog};
use workspace::{Installation, Workspace, credential};

/// Where the logs are.
#[derive(Clone, Debug)]
pub enum LogLocation {
    /// Segment files below this folder.
    Directory(PathBuf),
    /// Streams of this NATS server.
    Nats(String),
}

impl LogLocation {
    /// Opens a partition's log to append to it (and read).
    ///
    /// # Errors
    /// The files or the stream cannot be opened, or are damaged.
    pub fn open(
        &self,
        installation: &Installation,
        workspace: &Workspace,
        partition: u32,
        options: log::sqlite::Options,
    ) -> Result<Arc<dyn Log>, log::Error> {
        Ok(match self {
            Self::Directory(folder) => {
                Arc::new(SqliteLog::open(path(folder, workspace, partition), options)?)
            }
            Self::Nats(url) => nats(url, installation, workspace, partition)?,
        })
    }

    /// Opens a partition's log only to read it, beside the process that appends.
    ///
    /// # Errors
    /// The files or the stream cannot be opened, or are damaged.
    pub fn open_reader(
        &self,
        installation: &Installation,
        workspace: &Workspace,
        partition: u32,
    ) -> Result<Arc<dyn Log>, log::Error> {
        Ok(match self {
            Self::Directory(folder) => Arc::new(SqliteLog::open_reader(path(folder, workspace, partition))?),
            Self::Nats(url) => nats(url, installation, workspace, partition)?,
        })
    }
}

fn path(folder: &std::path::Path, workspace: &Workspace, partition: u32) -> PathBuf {
    folder.join(workspace.no.0.to_string()).join(partition.to_string())
}

fn nats(
    url: &str,
    installation: &Installation,
    workspace: &Workspace,
    partition: u32,
) -> Result<Arc<dyn Log>, log::Error> {
    // Part of the secret's hash tells installations apart that share a server.
    let salt = &credential::hex(&credential::hash(&credential::hex(&workspace.secret)))[..12];
    let stream = format!("headwater_{salt}_{}_{partition}", workspace.no.0);
    let options = log::nats::Options::new(Arc::clone(installation.ids()));
    Ok(Arc::new(NatsLog::open(url, &stream, options)?))
}
