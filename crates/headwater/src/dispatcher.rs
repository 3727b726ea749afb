//! Sends what destinations follow, for every workspace that is open.

use std::sync::Arc;

use activation::consent::ConsentFacts;
use activation::dispatch::{Dispatcher, Parts};
use activation::ledger::AudienceLedger;
use activation::ports::{Ledger, Ledgers};
use identity::reading::Reader;
use tokio_util::sync::CancellationToken;
use workspace::Workspace;

use crate::runtime::Runtime;

/// How often it is looked for new workspaces.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// What destinations can follow.
pub fn ledgers() -> Ledgers {
    let all: [Box<dyn Ledger>; 1] = [Box::new(AudienceLedger)];
    Arc::new(all)
}

/// What serves the destinations of a workspace.
pub fn dispatcher(runtime: &Runtime, workspace: &Arc<Workspace>) -> Dispatcher {
    Dispatcher::new(Parts {
        reader: Reader::new(runtime.installation().clone()),
        workspace: Arc::clone(workspace),
        guard: runtime.guard().clone(),
        ledgers: ledgers(),
        consent: Arc::new(ConsentFacts),
        owner: runtime.owner().to_owned(),
    })
}

/// Serves the destinations of every workspace until it is told to stop; workspaces opened later are found.
pub async fn run(runtime: Runtime, stop: CancellationToken) {
    let mut tasks: Vec<(kernel::WorkspaceNo, tokio::task::JoinHandle<()>)> = Vec::new();
    while !stop.is_cancelled() {
        for open in runtime.opened() {
            let no = open.workspace.no;
            if tasks.iter().all(|(known, _)| *known != no) {
                tasks.push((no, tokio::spawn(dispatcher(&runtime, &open.workspace).run(stop.clone()))));
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    for (_, task) in tasks {
        let _ = task.await;
    }
}
