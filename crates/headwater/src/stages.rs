//! The order of things: what happens to an event after it is in the log.

use std::sync::Arc;

use identity::stages::ResolveIdentity;
use insight::stages::{AppendTimeline, EvaluateAudiences, IndexSearch, UpdateProfile, WeightsOf};
use intake::batch::Stage;
use intake::stages::{CheckPlan, Dedupe, KeepObjects, QuarantineRejects, Remember, Seen};

/// Breaks a guarantee of the stages on purpose, so that a drill can show it would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Every copy of an event counts.
    NoDedupe,
}

/// The stages in the order every event passes them, all in one transaction with the cursor.
pub fn stages(sabotage: Option<Sabotage>, weights: WeightsOf) -> Vec<Box<dyn Stage>> {
    let seen = Seen::default();
    let is_sabotaged = sabotage == Some(Sabotage::NoDedupe);
    vec![
        Box::new(Dedupe { seen: Arc::clone(&seen), is_sabotaged }),
        Box::new(CheckPlan::default()),
        Box::new(ResolveIdentity::default()),
        Box::new(KeepObjects),
        Box::new(UpdateProfile),
        Box::new(IndexSearch::default()),
        Box::new(AppendTimeline::default()),
        Box::new(EvaluateAudiences::new(weights)),
        Box::new(QuarantineRejects),
        Box::new(Remember { seen }),
    ]
}
