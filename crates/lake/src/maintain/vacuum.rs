//! Deletes data files that no version anybody may still read refers to.
//!
//! A file goes when it was removed from the table longer ago than the grace, or was never part of it
//! (a flush that crashed before its commit) and is older than the grace; and never while a snapshot
//! of this process holds it.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use kernel::time::MILLISECOND;
use object_store::path::Path;

use super::Done;
use crate::error::Result;
use crate::table::Table;

/// Files that no log knows are left alone for this long whatever the grace: their commit may be
/// under way.
const UNKNOWN_KEPT_MS: i64 = 60 * 60 * 1_000;

/// Deletes what has been out of the table for `grace` microseconds.
pub(crate) async fn vacuum(table: &Arc<Table>, grace: i64, done: &mut Done) -> Result<()> {
    let now_ms = table.now_ms();
    let before_ms = now_ms.saturating_sub(grace / MILLISECOND);
    let root = Path::from(table.name());
    let objects: Vec<_> = table.context.store.list(Some(&root)).try_collect().await?;
    // Listed first and looked up after: what a commit adds in between is found as live.
    let doomed: Vec<Path> = {
        let live = table.live.read();
        let alive: HashSet<&str> = live.files.iter().map(|f| f.path.as_str()).collect();
        let is_doomed = |path: &str, modified_ms: i64| match live.removed.get(path) {
            Some(removed) => {
                let is_held = removed.file.as_ref().is_some_and(|file| Arc::strong_count(file) > 1);
                removed.at_ms <= before_ms && !is_held
            }
            None => modified_ms <= before_ms.min(now_ms - UNKNOWN_KEPT_MS),
        };
        objects
            .iter()
            .filter(|object| {
                let Some(path) = relative(&object.location, &root) else { return false };
                path.ends_with(".parquet")
                    && !path.starts_with('_')
                    && !alive.contains(path.as_str())
                    && is_doomed(&path, object.last_modified.timestamp_millis())
            })
            .map(|object| object.location.clone())
            .collect()
    };
    let paths = futures_util::stream::iter(doomed.clone().into_iter().map(Ok)).boxed();
    let deleted: Vec<Path> = table.context.store.delete_stream(paths).try_collect().await?;
    let mut live = table.live.write();
    for path in deleted.iter().filter_map(|path| relative(path, &root)) {
        live.removed.remove(&path);
    }
    done.files_deleted += deleted.len();
    Ok(())
}

fn relative(path: &Path, root: &Path) -> Option<String> {
    Some(path.prefix_match(root)?.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
}
