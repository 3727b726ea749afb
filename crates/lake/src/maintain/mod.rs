//! Keeps tables small, sorted and clean: compaction, restamping, checkpoints, clean-up, vacuum, erasure.
//!
//! All of it runs beside the writer and beside readers: files are replaced by commits, and a file
//! that a snapshot of this process still holds is never deleted. One maintenance at a time.

mod compact;
mod erase;
mod restamp;
mod vacuum;

use std::sync::Arc;

use deltalake::DeltaTableBuilder;
use deltalake::checkpoints;
use kernel::time::DAY;
use url::Url;

use crate::error::{Error, Result};
use crate::table::Table;
pub(crate) use compact::{compact, compact_plain};
pub(crate) use erase::erase;
pub use restamp::Owners;
pub(crate) use restamp::restamp;
pub(crate) use vacuum::vacuum;

/// Commits after which a checkpoint is due: opening reads at most so many files.
pub const CHECKPOINT_COMMITS: i64 = 32;

/// When maintenance does what. The defaults suit a running installation.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Flushed files of the running week after which they are compacted.
    pub flushed_max: usize,
    /// Compacted files of one bucket of the running week after which they become one.
    pub compacted_max: usize,
    /// How long after a week's end its late events are waited for, in microseconds.
    pub week_closed_after: i64,
    /// How long removed files stay for other engines that still read an older version, in
    /// microseconds.
    pub removed_kept: i64,
    /// How long commits stay in the log, in microseconds.
    pub log_kept: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            flushed_max: 30,
            compacted_max: 4,
            week_closed_after: DAY,
            removed_kept: 7 * DAY,
            log_kept: DAY,
        }
    }
}

/// What one round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Files that were replaced.
    pub files_replaced: usize,
    /// Files they were replaced by.
    pub files_written: usize,
    /// Whether a checkpoint was written.
    pub has_checkpoint: bool,
    /// Files deleted for good.
    pub files_deleted: usize,
    /// Rows that got the number of another party.
    pub rows_restamped: u64,
}

/// Writes a checkpoint when one is due, and forgets commits that it made needless.
pub(crate) async fn checkpoint(table: &Arc<Table>, policy: &Policy, commits: i64) -> Result<bool> {
    let (version, last) = {
        let live = table.live.read();
        (live.version, live.checkpoint)
    };
    if version - last < commits {
        return Ok(false);
    }
    let failed = |e: deltalake::DeltaTableError| Error::Storage(format!("checkpoint: {e}"));
    // The address only names the root of the store that is handed in.
    let address = Url::parse(&format!("memory:///{}", table.name())).expect("names of tables are plain");
    let builder = DeltaTableBuilder::from_url(address.clone()).map_err(failed)?;
    let delta = builder
        .with_storage_backend(table.context.store.clone(), address)
        .with_version(version.unsigned_abs())
        .load()
        .await
        .map_err(failed)?;
    checkpoints::create_checkpoint(&delta, None).await.map_err(failed)?;
    table.live.write().checkpoint = version;
    let before_ms = table.now_ms() - policy.log_kept / kernel::time::MILLISECOND;
    let log = delta.log_store();
    checkpoints::cleanup_expired_logs_for(version.unsigned_abs(), log.as_ref(), before_ms, None)
        .await
        .map_err(failed)?;
    Ok(true)
}
