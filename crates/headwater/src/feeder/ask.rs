//! Asking a lake that this process feeds, with everything the pipeline has applied.
//!
//! ```text
//! whoever asks ── calls ──▶ feeder: feeds at once ── tells how far ──▶ whoever asks: takes a snapshot
//! ```

use std::sync::Arc;
use std::time::Duration;

use insight::live::{Lakes, Later, Pinned};
use insight::store::lake_feed::feed_last;
use kernel::Scope;
use lake::cluster::Cluster;
use lake::{Asking, Lake, Snapshot, Writer};
use parking_lot::Mutex;
use question::{Partial, People, Plan};
use roaring::RoaringBitmap;
use tokio::sync::{Notify, watch};

use super::{blocking, failed};
use crate::runtime::Runtime;

/// How long an answer waits for the lake to be told what was applied; then the store is asked.
const WAIT: Duration = Duration::from_secs(3);

/// How long workers may take together. Whoever asks has a time of its own, and goes away when it is over.
const CLUSTER_TIME: Duration = Duration::from_secs(600);

/// The place where a workspace's lake is, while it is fed.
#[derive(Default)]
pub struct Slot {
    open: Mutex<Option<Open>>,
    call: Notify,
}

#[derive(Clone)]
struct Open {
    lake: Lake,
    writer: Arc<Writer>,
    /// Counts the times the feed was found empty.
    fed: watch::Receiver<u64>,
}

/// Tells how far a lake was fed; when it is dropped, those who wait know that nobody feeds it any more.
pub(super) struct Fed(watch::Sender<u64>);

impl Fed {
    /// Everything that was in the feed is in the lake.
    pub(super) fn tell(&self) {
        self.0.send_modify(|times| *times += 1);
    }
}

impl Slot {
    /// Shows a lake to those who ask.
    pub(super) fn open(&self, lake: &Lake, writer: &Arc<Writer>) -> Fed {
        let (sender, fed) = watch::channel(0);
        *self.open.lock() = Some(Open { lake: lake.clone(), writer: Arc::clone(writer), fed });
        Fed(sender)
    }

    /// Waits until somebody asks.
    pub(super) async fn called(&self) {
        self.call.notified().await;
    }
}

/// Batches of a partition up to a position, which the lake must have been told.
type Until = Vec<(u32, u64)>;

impl Lakes for Runtime {
    fn pin<'a>(&'a self, scope: &'a Scope) -> Later<'a, Option<Arc<dyn Pinned>>> {
        Box::pin(async move {
            let open = self.open(scope.workspace)?;
            let Some(mut slot) = open.lake.open.lock().clone() else { return Ok(None) };
            let (runtime, own, partitions) = (self.clone(), scope.clone(), open.partitions.len() as u32);
            let wanted: Until = blocking(move || {
                runtime.installation().pool(&own)?.read(|tx| {
                    let last = |no| Ok(feed_last(&own, tx, no)?.map(|last| (no, last)));
                    let found: kernel::Result<Vec<Option<(u32, u64)>>> = (0..partitions).map(last).collect();
                    Ok::<_, kernel::Failure>(found?.into_iter().flatten().collect())
                })
            })
            .await?;
            let is_told = |slot: &Open| {
                wanted.iter().all(|(no, last)| slot.writer.position(*no).is_some_and(|known| known >= *last))
            };
            let told = async {
                while !is_told(&slot) {
                    open.lake.call.notify_one();
                    slot.fed.changed().await.ok()?;
                }
                Some(())
            };
            let told = tokio::time::timeout(WAIT, told).await;
            if !matches!(told, Ok(Some(()))) {
                tracing::warn!(workspace = scope.workspace.0, "the lake is behind; the store is asked");
                return Ok(None);
            }
            let cluster = self.cluster().cloned().map(|cluster| (cluster, super::root(&open.workspace)));
            Ok(Some(Arc::new(Moment { snapshot: slot.lake.snapshot(), cluster }) as Arc<dyn Pinned>))
        })
    }
}

/// A lake at one moment.
struct Moment {
    snapshot: Snapshot,
    /// Who else can read it, and what they call it.
    cluster: Option<(Cluster, String)>,
}

impl Pinned for Moment {
    fn partial(
        &self,
        plan: Arc<Plan>,
        people: Arc<People>,
        left_out: Arc<RoaringBitmap>,
    ) -> Later<'_, Partial> {
        Box::pin(async move {
            let asking = Asking { excluded: Some(left_out), ..Asking::default() };
            let Some((cluster, root)) = &self.cluster else {
                return self.snapshot.partial(&plan, &people, asking).await.map_err(failed);
            };
            let asked = (&plan, &people);
            cluster.partial(root, &self.snapshot, asked, asking, CLUSTER_TIME).await.map_err(failed)
        })
    }
}
