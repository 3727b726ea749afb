//! Puts rejected events aside, each as a frame that brings it back when it is replayed.

use db::Tx;

use crate::batch::{Batch, Stage, State};
use crate::store::quarantine::{self, Quarantined};

/// Writes every rejected event to quarantine.
pub struct QuarantineRejects;

impl Stage for QuarantineRejects {
    fn name(&self) -> &'static str {
        "quarantine_rejects"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        for event in batch.events.iter() {
            if let State::Rejected(reject) = &event.state {
                let item = Quarantined {
                    id: event.key,
                    source: event.source(),
                    class: reject.class.to_owned(),
                    field: reject.field.clone(),
                    reason: reject.reason.clone(),
                    event: event.record.as_ref().map_or_else(String::new, |r| r.event.to_string()),
                    received: event.frame.received,
                    state: "open".to_owned(),
                    frame: event.frame.only(event.index).encode(),
                };
                quarantine::quarantine_put(&batch.context.scope, tx, &item)?;
            }
        }
        Ok(())
    }
}
