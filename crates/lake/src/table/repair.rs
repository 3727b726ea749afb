//! Opens a log whose end may be torn, by going back to the last version that is whole.
//!
//! With the fsyncing store a tear can only come from a disk that lies, a foreign writer, or files
//! somebody removed. The commits that are taken back carried positions of the log, so the pipeline
//! hands over again what they held: nothing is lost as long as the log still has it. Commits are set
//! aside, not deleted, and newest first, so that a crash in between leaves a log without a hole.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::action::Line;
use super::replay::{self, Listing, Replayed, checkpoint_path, commit_path, read_checkpoint, read_commit};
use crate::error::{Error, Result};

/// Commits whose data files are looked at. A power cut can only hurt the very last ones.
const COMMITS_CHECKED: usize = 10;

/// What was taken back at opening, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The table.
    pub table: String,
    /// The version it stands at now; -1 when nothing was whole and the table is made anew.
    pub version: i64,
    /// The last version that was in the log.
    pub torn: i64,
    /// How it was broken.
    pub reason: String,
}

/// Whether a torn log may be mended or is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnTear {
    /// Go back to the last whole version.
    Mend,
    /// Say so and stop; for readers beside a running writer.
    Refuse,
}

/// Reads the log of `table`, mending its end if that is allowed. `None` when there is no table.
pub(crate) async fn open(
    store: &dyn ObjectStore,
    table: &str,
    on_tear: OnTear,
) -> Result<(Option<Replayed>, Option<Repair>)> {
    let listing = replay::list(store, table).await?;
    let Some(last) = listing.commits.keys().next_back().copied().max(listing.checkpoints.last().copied())
    else {
        return Ok((None, None));
    };
    let (base, dead_checkpoints) = base(store, table, &listing).await?;
    let (commits, mut tear) = tail(store, table, &listing, base.as_ref().map(|b| b.version), last).await?;
    if let Some((at, reason)) = missing_file(store, table, &commits).await? {
        tear = Some((at, reason));
    }
    let good = tear.as_ref().map_or(last, |(at, _)| at - 1);
    let mut repair = None;
    if let Some((_, reason)) = tear {
        if on_tear == OnTear::Refuse || base.as_ref().is_some_and(|b| good < b.version) {
            return Err(Error::Unreadable(format!("table `{table}` after version {good}: {reason}")));
        }
        set_aside(store, table, &listing, good).await?;
        repair = Some(Repair { table: table.to_owned(), version: good, torn: last, reason });
    } else if on_tear == OnTear::Mend {
        for version in dead_checkpoints {
            store.delete(&checkpoint_path(table, version)).await?;
        }
    }
    if good < 0 {
        return Ok((None, repair));
    }
    let mut replayed = base.unwrap_or_default();
    for (version, lines) in commits.into_iter().filter(|(version, _)| *version <= good) {
        replayed.apply(version, lines)?;
    }
    Ok((Some(replayed), repair))
}

/// The newest checkpoint that reads, and those that do not.
async fn base(
    store: &dyn ObjectStore,
    table: &str,
    listing: &Listing,
) -> Result<(Option<Replayed>, Vec<i64>)> {
    let mut dead = Vec::new();
    for &version in listing.checkpoints.iter().rev() {
        match read_checkpoint(store, table, version).await {
            Ok(replayed) => return Ok((Some(replayed), dead)),
            Err(Error::Unreadable(reason)) => {
                tracing::warn!(table, version, reason, "a checkpoint is unreadable; reading older ones");
                dead.push(version);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((None, dead))
}

/// Version and actions of the commits after the base, up to the first that is broken or missing.
type Tail = (Vec<(i64, Vec<Line>)>, Option<(i64, String)>);

async fn tail(
    store: &dyn ObjectStore,
    table: &str,
    listing: &Listing,
    base: Option<i64>,
    last: i64,
) -> Result<Tail> {
    let mut commits = Vec::new();
    for version in base.map_or(0, |v| v + 1)..=last {
        if !listing.commits.contains_key(&version) {
            return Ok((commits, Some((version, format!("commit {version} is missing")))));
        }
        match read_commit(store, table, version).await? {
            Ok(lines) => commits.push((version, lines)),
            Err(reason) => return Ok((commits, Some((version, format!("commit {version}: {reason}"))))),
        }
    }
    Ok((commits, None))
}

/// The first of the last commits that added a file which is not there whole.
async fn missing_file(
    store: &dyn ObjectStore,
    table: &str,
    commits: &[(i64, Vec<Line>)],
) -> Result<Option<(i64, String)>> {
    let recent = &commits[commits.len().saturating_sub(COMMITS_CHECKED)..];
    let removed: Vec<&str> = recent
        .iter()
        .flat_map(|(_, lines)| lines)
        .filter_map(|line| line.remove.as_ref().map(|r| r.path.as_str()))
        .collect();
    for (version, lines) in recent {
        for add in lines.iter().filter_map(|line| line.add.as_ref()) {
            if removed.contains(&add.path.as_str()) {
                continue; // Gone again; a vacuum may have taken it.
            }
            let reason = match store.head(&Path::from(format!("{table}/{}", add.path))).await {
                Ok(meta) if meta.size == add.size => continue,
                Ok(meta) => format!("file `{}` has {} of {} bytes", add.path, meta.size, add.size),
                Err(object_store::Error::NotFound { .. }) => format!("file `{}` is missing", add.path),
                Err(error) => return Err(error.into()),
            };
            return Ok(Some((*version, format!("commit {version}: {reason}"))));
        }
    }
    Ok(None)
}

/// Takes every commit and checkpoint after `good` out of the log.
async fn set_aside(store: &dyn ObjectStore, table: &str, listing: &Listing, good: i64) -> Result<()> {
    for &version in listing.checkpoints.iter().rev().filter(|v| **v > good) {
        store.delete(&checkpoint_path(table, version)).await?;
        // A hint only; readers fall back to the listing.
        drop(store.delete(&replay::log_path(table).join("_last_checkpoint")).await);
    }
    for &version in listing.commits.keys().rev().filter(|v| **v > good) {
        let from = commit_path(table, version);
        let mut number = 0;
        loop {
            let aside = Path::from(format!("{table}/_torn/{version:020}.{number}.json"));
            match store.copy_if_not_exists(&from, &aside).await {
                Err(object_store::Error::AlreadyExists { .. }) => number += 1,
                Err(object_store::Error::NotImplemented { .. }) => break store.copy(&from, &aside).await?,
                other => break other?,
            }
        }
        store.delete(&from).await?;
    }
    Ok(())
}
