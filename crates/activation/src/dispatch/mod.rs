//! Serves destinations: each by a task of its own, with a window, a pace and a memory of its own, so that
//! one that is slow or gone delays no other.

mod plan;
mod record;
mod server;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use channels::Guard;
use identity::reading::Reader;
use kernel::Scope;
use kernel::time::SECOND;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workspace::Workspace;

use crate::ports::{ConsentOf, Ledgers};
use crate::store::destination::{DestinationNo, destination_page};

pub use server::{Server, Step};

/// Changes on their way to one destination at a time: what it costs in memory, and what is sent again after
/// a crash.
pub const WINDOW: usize = 256;
/// Changes sent to see whether a destination that took nothing is back.
const PROBE: usize = 4;
/// Changes that may wait at a destination; then no others are looked at.
const WAITING_MAX: usize = 1_000;
/// How long a process that says nothing keeps a destination, in microseconds. Longer than a round takes.
const LEASE_MICROS: i64 = 60 * SECOND;
/// How often it is looked for changes, and for new destinations.
const LOOK: Duration = Duration::from_millis(250);
/// Pause after a failure of our own.
const PAUSE: Duration = Duration::from_secs(5);
/// Destinations of one workspace.
pub const DESTINATIONS_MAX: usize = 200;

/// What serves the destinations of a workspace. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    inner: Arc<Inner>,
}

struct Inner {
    reader: Reader,
    workspace: Arc<Workspace>,
    scope: Scope,
    guard: Guard,
    ledgers: Ledgers,
    consent: Arc<dyn ConsentOf>,
    owner: String,
}

/// What a dispatcher works with.
pub struct Parts {
    /// Reads the workspace.
    pub reader: Reader,
    /// The workspace.
    pub workspace: Arc<Workspace>,
    /// Where messages may go.
    pub guard: Guard,
    /// What can be followed.
    pub ledgers: Ledgers,
    /// What people allow.
    pub consent: Arc<dyn ConsentOf>,
    /// Tells this process from others.
    pub owner: String,
}

impl Dispatcher {
    /// A dispatcher for one workspace.
    pub fn new(parts: Parts) -> Self {
        let Parts { reader, workspace, guard, ledgers, consent, owner } = parts;
        let scope = Scope::system(workspace.no, "dispatch");
        Self { inner: Arc::new(Inner { reader, workspace, scope, guard, ledgers, consent, owner }) }
    }

    /// Serves every destination until it is told to stop; new ones are found.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let mut served: HashSet<DestinationNo> = HashSet::new();
        while !stop.is_cancelled() {
            match self.destinations().await {
                Ok(found) => {
                    for no in found {
                        if served.insert(no) {
                            tracker.spawn(serve(self.server(no), stop.clone()));
                        }
                    }
                }
                Err(failure) => tracing::warn!(%failure, "destinations are not read; trying again"),
            }
            pause(&stop, LOOK).await;
        }
        tracker.close();
        tracker.wait().await;
    }

    /// What serves one destination.
    pub fn server(&self, no: DestinationNo) -> Server {
        Server::new(self.clone(), no)
    }

    /// The destinations there are.
    ///
    /// # Errors
    /// As the database says.
    pub async fn destinations(&self) -> kernel::Result<Vec<DestinationNo>> {
        let this = self.clone();
        blocking(move || {
            let pool = this.inner.reader.installation().pool(&this.inner.scope)?;
            let all =
                pool.read(|tx| destination_page(&this.inner.scope, tx, DestinationNo(0), DESTINATIONS_MAX))?;
            Ok(all.into_iter().map(|destination| destination.no).collect())
        })
        .await
    }
}

/// Serves one destination until it is told to stop.
async fn serve(mut server: Server, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match server.step().await {
            Ok(Step::Worked) => {}
            Ok(Step::Idle) => pause(&stop, LOOK).await,
            Err(failure) => {
                tracing::warn!(destination = server.no().0, %failure, "a destination is not served; trying again");
                pause(&stop, PAUSE).await;
            }
        }
    }
}

async fn pause(stop: &CancellationToken, time: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> kernel::Result<T> + Send + 'static,
) -> kernel::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(kernel::Failure::internal)?
}
