//! What a running process puts right from time to time, looking only at the state of things: workspaces
//! and sources that others created, entries of the log that are old enough to go.

use std::time::Duration;

use kernel::time::DAY;
use kernel::{Instant, Scope};
use log::{Log, Offset};
use pipeline::Cursor;

use crate::runtime::{Open, Runtime};

/// How soon another process's new workspace or source is known here.
const LOOK: Duration = Duration::from_secs(5);
/// Looks between two trims: an hour.
const LOOKS_PER_TRIM: u64 = 720;

/// Runs until it is dropped. `retention_days` is how long applied entries stay in the log.
pub async fn run(runtime: Runtime, retention_days: u32) {
    for look in 0u64.. {
        tokio::time::sleep(LOOK).await;
        // Only the process that appends may trim.
        let (runtime, trims) = (runtime.clone(), runtime.collects() && look % LOOKS_PER_TRIM == 0);
        let done = tokio::task::spawn_blocking(move || {
            runtime.installation().reload()?;
            runtime.open_all()?;
            if trims { trim_all(&runtime, retention_days) } else { Ok(()) }
        });
        match done.await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::warn!(%failure, "reconciling will be tried again"),
            Err(error) => tracing::error!(%error, "reconciling"),
        }
    }
}

/// Trims every log of the installation.
///
/// # Errors
/// As a log or database says.
pub fn trim_all(runtime: &Runtime, retention_days: u32) -> kernel::Result<()> {
    let before = runtime.installation().now().plus(-i64::from(retention_days) * DAY);
    for workspace in runtime.installation().workspaces() {
        trim(runtime, &*runtime.open(workspace.no)?, before)?;
    }
    Ok(())
}

/// Gives back what was received before `before` and is part of the state.
fn trim(runtime: &Runtime, open: &Open, before: Instant) -> kernel::Result<()> {
    let scope = Scope::system(open.workspace.no, "retention");
    let cursors = runtime.installation().pool(&scope)?.read(|tx| Cursor::all(&scope, tx))?;
    for (no, partition) in open.partitions.iter().enumerate() {
        let applied = cursors.iter().find(|c| c.partition as usize == no).map_or(0, |c| c.offset);
        let old = first_since(partition.log.as_ref(), before)?;
        let keep_from = Offset(old.0.min(applied));
        if keep_from > partition.log.first()? {
            partition.log.trim(keep_from)?;
        }
    }
    Ok(())
}

/// The first entry received at or after `since`: halves the log, because receive times only grow.
fn first_since(log: &dyn Log, since: Instant) -> kernel::Result<Offset> {
    let (mut low, mut high) = (log.first()?.0, log.head()?.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match log.read(Offset(middle.saturating_sub(1)), 1, 1)?.first() {
            Some(entry) if entry.received < since && entry.offset.0 < high => low = entry.offset.0 + 1,
            Some(_) => high = middle,
            None => high = middle,
        }
    }
    Ok(Offset(low))
}
