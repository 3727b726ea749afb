//! The lake as a reader beside the server sees it: what its files say, and what the pipeline has applied since.

use lake::{Handover, Lake};
use workspace::{Installation, Workspace};

use crate::command::setting::Setting;
use crate::feeder;

/// Opens the lake of a workspace to read it.
///
/// # Errors
/// As the store, the log or the lake says.
pub async fn open(
    setting: &Setting,
    installation: &Installation,
    workspace: &Workspace,
) -> anyhow::Result<Lake> {
    // Read before the lake, so that what is flushed in between is in both and counts once.
    let waiting =
        tokio::task::block_in_place(|| feeder::unflushed(installation, workspace, &setting.log_location()))?;
    let place = feeder::place(&setting.lakes()?, workspace);
    let options = feeder::options(installation);
    let lake = match Lake::read(&place, options.clone()).await {
        Err(lake::Error::Unreadable(_)) => Lake::open(&place, options).await?.0,
        found => found?,
    };
    let reader = lake.reader();
    for handover in waiting {
        let known = reader.position(handover.partition).unwrap_or(0);
        if handover.position > known {
            reader.hand_over(Handover { after: known, ..handover })?;
        }
    }
    Ok(lake)
}
