//! Tells the lake what the pipeline has applied, exactly once, and keeps the lake in order.
//!
//! ```text
//! pipeline's transaction ─▶ lake_feed: which events are whose ─▶ read them from the log ─▶ buffer ─▶ flush
//! ```
//!
//! The feed is written with the batch, the lake's commit carries how far it has come, and what it has is
//! taken off the feed afterwards: a crash anywhere repeats nothing and loses nothing.

mod ask;
mod rows;
mod tables;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use insight::store::lake_feed::{Feed, feed_page, feed_remove};
use kernel::{Failure, Scope};
use lake::{Column, Handover, Kind, Lake, Place, Writer};
use tokio::time::Instant;
use workspace::{Installation, Workspace};

use ask::Fed;
pub use ask::Slot;
pub use upkeep::Pace;
use upkeep::{MAINTAIN_AFTER, Upkeep};

use crate::runtime::{Open, Runtime};

/// How often the feed is looked at: what an answer may be behind.
const LOOK: Duration = Duration::from_millis(300);
/// How long rows wait in memory for others to share a file with.
const FLUSH_AFTER: Duration = Duration::from_secs(15);
/// Bytes that wait in memory before that.
const FLUSH_BYTES: usize = 64 << 20;
/// How often identifiers and customers are written anew, if anything happened; less often if it takes long.
const TABLES_AFTER: Duration = Duration::from_secs(60);
/// Of all time, one part in so many may go into that.
const TABLES_PART: u32 = 20;
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// Batches read from the feed at a time.
const FEEDS: usize = 8;

/// Where the lake of a workspace is, among all lakes.
pub fn place(lakes: &Place, workspace: &Workspace) -> Place {
    lakes.within(&root(workspace))
}

/// What the lake of a workspace is called among all lakes.
pub fn root(workspace: &Workspace) -> String {
    workspace.no.0.to_string()
}

/// How the lake of any workspace is opened.
pub fn options(installation: &Installation) -> lake::Options {
    // What shops ask about most; a column that does not fit costs nothing but its name.
    let hot = [
        ("total", Kind::Decimal),
        ("revenue", Kind::Decimal),
        ("price", Kind::Decimal),
        ("quantity", Kind::Decimal),
        ("amount", Kind::Decimal),
        ("sku", Kind::Text),
        ("product_id", Kind::Text),
        ("order_id", Kind::Text),
        ("category", Kind::Text),
    ];
    let hot = hot.map(|(name, kind)| Column::new(name, kind)).to_vec();
    lake::Options {
        hot,
        ..lake::Options::new(Arc::clone(installation.clock()), Arc::clone(installation.ids()))
    }
}

/// Feeds the lakes of every workspace until the runtime stops; workspaces opened later are found.
pub async fn run(runtime: Runtime, pace: Pace, stop: tokio_util::sync::CancellationToken) {
    let mut tasks: Vec<(kernel::WorkspaceNo, tokio::task::JoinHandle<()>)> = Vec::new();
    loop {
        for open in runtime.opened() {
            let no = open.workspace.no;
            if tasks.iter().all(|(known, _)| *known != no) {
                tasks.push((no, tokio::spawn(follow(runtime.clone(), open, pace, stop.clone()))));
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    for (_, task) in tasks {
        let _ = task.await;
    }
}

/// Feeds one lake; whatever fails is begun again from what the lake has.
async fn follow(runtime: Runtime, open: Arc<Open>, pace: Pace, stop: tokio_util::sync::CancellationToken) {
    while !stop.is_cancelled() {
        // Of several workers the one that has the first partition feeds the lake, of all partitions.
        if open.partitions[0].progress.borrow().is_owner {
            let fed = match Feeder::open(&runtime, &open, pace).await {
                Ok(mut feeder) => feeder.run(&stop).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = fed {
                tracing::warn!(workspace = open.workspace.no.0, %failure, "the lake is not fed; trying again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(if runtime.processes() { RETRY } else { MAINTAIN_AFTER }) => {}
        }
    }
}

/// Feeds one lake.
struct Feeder {
    runtime: Runtime,
    open: Arc<Open>,
    scope: Scope,
    lake: Lake,
    writer: Arc<Writer>,
    /// Says to whoever asks the lake how far it has been fed, until this feeder is dropped.
    fed: Fed,
    flushed: Instant,
    upkeep: Upkeep,
    /// When identifiers and customers are written next.
    tables_due: Instant,
    is_news: bool,
}

impl Feeder {
    async fn open(runtime: &Runtime, open: &Arc<Open>, pace: Pace) -> kernel::Result<Self> {
        let installation = runtime.installation();
        let lakes = runtime.lake().ok_or_else(|| Failure::internal("a lake is fed that is not there"))?;
        let place = place(lakes, &open.workspace);
        let (lake, repairs) = Lake::open(&place, options(installation)).await.map_err(failed)?;
        for repair in repairs {
            tracing::warn!(workspace = open.workspace.no.0, ?repair, "the lake was mended");
        }
        let writer = Arc::new(lake.writer().await.map_err(failed)?);
        let fed = open.lake.open(&lake, &writer);
        let now = Instant::now();
        Ok(Self {
            runtime: runtime.clone(),
            open: Arc::clone(open),
            scope: Scope::system(open.workspace.no, "lake"),
            lake,
            writer,
            fed,
            flushed: now,
            upkeep: Upkeep::new(pace, now),
            tables_due: now + FLUSH_AFTER,
            is_news: true,
        })
    }

    async fn run(&mut self, stop: &tokio_util::sync::CancellationToken) -> kernel::Result<()> {
        loop {
            let is_stopping = stop.is_cancelled();
            while self.feed().await? {}
            self.fed.tell();
            let waiting = self.writer.waiting();
            let is_old = waiting.rows > 0 && self.flushed.elapsed() >= FLUSH_AFTER;
            if is_old || waiting.bytes >= FLUSH_BYTES || is_stopping {
                self.flush().await?;
            }
            if is_stopping {
                return Ok(());
            }
            self.keep_up().await?;
            if self.is_news && Instant::now() >= self.tables_due {
                let start = Instant::now();
                tables::write(&self.runtime, &self.open.workspace, &self.lake).await?;
                self.tables_due = Instant::now() + TABLES_AFTER.max(start.elapsed() * TABLES_PART);
                self.is_news = false;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.open.lake.called() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Hands over what the pipeline applied since; whether there was anything.
    async fn feed(&mut self) -> kernel::Result<bool> {
        let mut is_more = false;
        for partition in 0..self.open.partitions.len() as u32 {
            let after = self.writer.position(partition).unwrap_or(0);
            let (runtime, open, scope) = (self.runtime.clone(), Arc::clone(&self.open), self.scope.clone());
            let read = move || read(&runtime, &open, &scope, partition, after);
            for handover in blocking(read).await? {
                self.writer.hand_over(handover).map_err(failed)?;
                (is_more, self.is_news) = (true, true);
            }
            if self.writer.waiting().bytes >= FLUSH_BYTES {
                self.flush().await?;
            }
        }
        Ok(is_more)
    }

    async fn flush(&mut self) -> kernel::Result<()> {
        self.writer.flush().await.map_err(failed)?;
        self.flushed = Instant::now();
        tables::append_changes(&self.runtime, &self.scope, &self.lake).await?;
        let done: Vec<(u32, u64)> = (0..self.open.partitions.len() as u32)
            .filter_map(|partition| Some((partition, self.writer.committed(partition)?)))
            .collect();
        let (runtime, scope) = (self.runtime.clone(), self.scope.clone());
        blocking(move || {
            runtime.installation().pool(&scope)?.write(|tx| {
                done.iter().try_for_each(|(partition, until)| feed_remove(&scope, tx, *partition, *until))
            })?;
            Ok(())
        })
        .await
    }
}

/// The next batches of a partition, with their events.
fn read(
    runtime: &Runtime,
    open: &Open,
    scope: &Scope,
    partition: u32,
    after: u64,
) -> kernel::Result<Vec<Handover>> {
    let pool = runtime.installation().pool(scope)?;
    let feeds: Vec<Feed> = pool.read(|tx| feed_page(scope, tx, partition, after, FEEDS))?;
    let log = &open.partitions[partition as usize].log;
    let mut known = after;
    let mut handovers = Vec::with_capacity(feeds.len());
    for feed in feeds {
        let events = rows::events(&open.workspace, &pool, scope, log.as_ref(), &feed)?;
        handovers.push(Handover { partition, after: known, position: feed.position, events });
        known = feed.position;
    }
    Ok(handovers)
}

/// What was applied and is in no file yet, for a reader beside the one who feeds.
///
/// # Errors
/// As the database or the log says.
pub fn unflushed(
    installation: &Installation,
    workspace: &Workspace,
    log: &crate::logs::LogLocation,
) -> kernel::Result<Vec<Handover>> {
    let scope = Scope::system(workspace.no, "lake");
    let pool = installation.pool(&scope)?;
    let mut handovers = Vec::new();
    for partition in 0..workspace.partitions {
        let log = log.open_reader(installation, workspace, partition).map_err(Failure::internal)?;
        let feeds = pool.read(|tx| feed_page(&scope, tx, partition, 0, usize::MAX >> 1))?;
        for feed in feeds {
            let events = rows::events(workspace, &pool, &scope, log.as_ref(), &feed)?;
            handovers.push(Handover { partition, after: feed.position - 1, position: feed.position, events });
        }
    }
    Ok(handovers)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> kernel::Result<T> + Send + 'static,
) -> kernel::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?
}

fn failed(error: lake::Error) -> Failure {
    Failure::unavailable(format!("the lake: {error}"))
}
