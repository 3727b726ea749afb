//! Installations to measure, and logs filled for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use headwater::command::init::{self, Created, New};
use headwater::command::setting::Setting;
use headwater::machine::{MachineClock, MachineIds};
use intake::rules::frame::{Frame, Protocol};
use kernel::id::IdSource;
use kernel::time::Clock;
use kernel::{Instant, SourceNo};
use log::{Log, SqliteLog};
use tempfile::TempDir;
use workspace::{Installation, Workspace};

use crate::traffic::Traffic;

/// The write key of every place.
pub(crate) const WRITE_KEY: &str = "WRITE_KEY_BENCH";
/// Bytes on their way into a log at a time: below its queue's bound.
const FEED_BYTES: usize = 16 << 20;

/// An installation with one workspace.
pub(crate) struct Place {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// It, open in this process.
    pub(crate) installation: Installation,
    /// Credentials.
    pub(crate) created: Created,
    _temporary: TempDir,
}

/// `target/bench`: where everything lies that is measured.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target =
        program.parent().and_then(Path::parent).context("the program is not below a target folder")?;
    let root = target.join("bench");
    std::fs::create_dir_all(&root)?;
    Ok(root)
}

/// `$HEADWATER_CACHE/bench`, else `~/.cache/headwater/bench`: data too large for the clone, kept between runs.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/headwater"));
    let cache = std::env::var_os("HEADWATER_CACHE").map(PathBuf::from).or_else(home);
    let cache = cache.context("neither HEADWATER_CACHE nor HOME is set")?.join("bench");
    std::fs::create_dir_all(&cache)?;
    Ok(cache)
}

impl Place {
    /// A fresh installation; its store in `postgres` if given, else in the folder.
    pub(crate) fn fresh(postgres: Option<String>) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new().prefix("place.").tempdir_in(root()?)?;
        let folder = temporary.path().to_owned();
        let setting = Setting { data: folder.clone(), store: postgres, log: None, lake: None };
        let installation = setting.open()?;
        let created = create(&installation)?;
        Ok(Self { folder, installation, created, _temporary: temporary })
    }

    /// Its one workspace.
    pub(crate) fn workspace(&self) -> Arc<Workspace> {
        self.installation.workspaces().remove(0)
    }

    /// The folder of the workspace's log.
    pub(crate) fn log_folder(&self) -> PathBuf {
        log_folder(&self.folder)
    }

    /// The file of the workspace's tables.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("workspaces/1.db")
    }
}

/// Creates the workspace every place has.
pub(crate) fn create(installation: &Installation) -> anyhow::Result<Created> {
    let new = New {
        workspace: "bench",
        write_key: Some(WRITE_KEY),
        sensors_project: None,
        partitions: 1,
        time_zone: "Asia/Shanghai",
    };
    Ok(init::create(installation, &new)?)
}

/// Where the log of the first workspace of an installation is.
pub(crate) fn log_folder(folder: &Path) -> PathBuf {
    folder.join("log/1/0")
}

/// Now.
pub(crate) fn now() -> Instant {
    MachineClock::default().now()
}

/// Opens a log to append to it.
pub(crate) fn open_log(folder: &Path) -> anyhow::Result<Arc<dyn Log>> {
    let options = log::sqlite::Options::new(Arc::new(MachineClock::default()), Arc::new(MachineIds));
    Ok(Arc::new(SqliteLog::open(folder, options)?))
}

/// Appends `messages` of the traffic in frames of as many messages as `frame_messages` draws. Returns the
/// bytes of the frames.
pub(crate) fn feed(
    log: &dyn Log,
    traffic: &mut Traffic,
    messages: u64,
    mut frame_messages: impl FnMut() -> u64,
) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut left, mut total, mut waiting, mut waiting_bytes) = (messages, 0, Vec::new(), 0);
    while left > 0 {
        let count = frame_messages().min(left);
        left -= count;
        let raw: Vec<String> = (0..count).map(|_| traffic.message()).collect();
        let body = frame(&raw);
        total += body.len() as u64;
        waiting_bytes += body.len();
        waiting.push(log.append(now(), Bytes::from(body)));
        if waiting_bytes > FEED_BYTES || left == 0 {
            runtime.block_on(futures_util::future::try_join_all(waiting.drain(..)))?;
            waiting_bytes = 0;
        }
    }
    Ok(total)
}

/// The frame the collector would make of these messages.
fn frame(messages: &[String]) -> Vec<u8> {
    let received = now();
    let frame = Frame {
        protocol: Protocol::Segment,
        received,
        receipt: MachineIds.fresh(),
        source: SourceNo(1),
        sent_at: Some(received),
        is_import: false,
        ip: Some("203.0.113.9"),
        user_agent: Some("analytics-node-next/latest"),
        shared: None,
        first: 0,
        events: messages.iter().map(|m| m.as_bytes()).collect(),
    };
    frame.encode()
}
