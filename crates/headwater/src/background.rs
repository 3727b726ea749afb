//! What goes on beside the requests of a server: clean-up, the lake, jobs, deliveries.

use std::time::Duration;

use jobs::Runner;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::runtime::Runtime;
use crate::{dispatcher, feeder, reconcile};

/// How long a stop waits for each of them.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The tasks beside the requests, until they are stopped.
pub struct Background {
    reconciling: JoinHandle<()>,
    jobs: Option<JoinHandle<()>>,
    stop_jobs: CancellationToken,
    feeding: Option<JoinHandle<()>>,
    dispatching: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Background {
    /// Starts what the roles of this process ask for.
    pub fn start(runtime: &Runtime, dispatches: bool, log_days: u32) -> Self {
        let (stop, stop_jobs) = (CancellationToken::new(), CancellationToken::new());
        let reconciling = tokio::spawn(reconcile::run(runtime.clone(), log_days));
        let feeds = runtime.lake().is_some();
        let feeding =
            feeds.then(|| tokio::spawn(feeder::run(runtime.clone(), feeder::Pace::default(), stop.clone())));
        let jobs = runtime.processes().then(|| {
            let handle = tokio::runtime::Handle::current();
            let (installation, kinds) = (runtime.installation().clone(), crate::kinds::all(runtime));
            let runner = Runner::new(installation, kinds, runtime.owner(), handle);
            tokio::spawn(runner.run(stop_jobs.clone()))
        });
        let dispatching = dispatches.then(|| tokio::spawn(dispatcher::run(runtime.clone(), stop.clone())));
        Self { reconciling, jobs, stop_jobs, feeding, dispatching, stop }
    }

    /// Stops all of it in the order in which one needs another.
    pub async fn stop(self) {
        self.reconciling.abort();
        // Jobs first: what they still do goes through the log and the store.
        self.stop_jobs.cancel();
        if let Some(jobs) = self.jobs {
            let _ = jobs.await;
        }
        // What the lake has in memory goes to its files; what it does not know yet stays in the feed.
        self.stop.cancel();
        if let Some(feeding) = self.feeding
            && tokio::time::timeout(STOP_PATIENCE, feeding).await.is_err()
        {
            tracing::warn!("the lake was not flushed; it will be told again");
        }
        if let Some(dispatching) = self.dispatching
            && tokio::time::timeout(STOP_PATIENCE, dispatching).await.is_err()
        {
            tracing::warn!("messages were still on their way; what is not recorded is sent again");
        }
    }
}
