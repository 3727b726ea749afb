//! Tells the engine how a question is split: as many tasks as there are groups of buckets, one group each.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_distributed::{
    DesiredTaskCountEvent, DesiredTaskCountEventResponse, DesiredTaskCountHandler, DistributedLeafExec,
    ScaleUpLeafNodeEvent, ScaleUpLeafNodeEventResponse, ScaleUpLeafNodeHandler,
};

use super::balance;
use super::leaf::QuestionExec;
use crate::table::schema::Dataset;

/// Knows questions; leaves everything else to the engine.
pub(super) struct Tasks;

#[async_trait::async_trait]
impl DesiredTaskCountHandler for Tasks {
    async fn handle(
        &self,
        event: DesiredTaskCountEvent<'_>,
    ) -> Option<Result<DesiredTaskCountEventResponse>> {
        let leaf = event.plan.downcast_ref::<QuestionExec>()?;
        Some(Ok(DesiredTaskCountEventResponse::desired(leaf.groups.len())))
    }
}

impl ScaleUpLeafNodeHandler for Tasks {
    fn handle(&self, event: ScaleUpLeafNodeEvent) -> Option<Result<ScaleUpLeafNodeEventResponse>> {
        let leaf = event.plan.downcast_ref::<QuestionExec>()?;
        Some(scale_up(leaf, event.plan, event.task_count))
    }
}

fn scale_up(
    leaf: &QuestionExec,
    plan: &Arc<dyn ExecutionPlan>,
    tasks: usize,
) -> Result<ScaleUpLeafNodeEventResponse> {
    let mut groups = leaf.groups.clone();
    if groups.len() != tasks {
        let weights = balance::weights(leaf.asked.snapshot.pinned(Dataset::Events));
        groups = balance::deal(&weights, tasks);
        // More tasks than buckets: the rest has nothing to do.
        groups.resize(tasks, Vec::new());
    }
    let parts = groups
        .into_iter()
        .map(|group| Arc::new(QuestionExec::new(leaf.asked.clone(), vec![group])) as Arc<dyn ExecutionPlan>);
    let leaf = DistributedLeafExec::try_new(plan.clone(), parts)?;
    Ok(ScaleUpLeafNodeEventResponse::new(Arc::new(leaf)))
}
