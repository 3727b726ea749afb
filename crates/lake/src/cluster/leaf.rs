//! A question as a leaf of a plan: a partition for each group of buckets, one row from each, which is the
//! partial answer as bytes and the number of buckets it stands for.

use std::fmt;
use std::sync::Arc;

use arrow::array::{BinaryArray, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use kernel::id::IdSource;
use kernel::time::Clock;
use tokio_util::sync::CancellationToken;

use super::pause::{Pause, Point};
use super::room::{House, Room};
use super::wire::{self, Asked};
use crate::error::Error;
use crate::question::Asking;
use crate::table::Context;

/// Columns of a part: the partial, and of how many buckets it is.
pub(super) fn schema() -> SchemaRef {
    let fields = [("partial", DataType::Binary), ("buckets", DataType::UInt32)];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec()))
}

/// The leaf. Each group of buckets is a partition.
#[derive(Clone)]
pub(super) struct QuestionExec {
    pub(super) asked: Arc<Asked>,
    pub(super) groups: Vec<Vec<u32>>,
    properties: Arc<PlanProperties>,
    pause: Option<Arc<Pause>>,
}

impl QuestionExec {
    pub(super) fn new(asked: Arc<Asked>, groups: Vec<Vec<u32>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { asked, groups, properties: Arc::new(properties), pause: None }
    }
}

impl fmt::Debug for QuestionExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionExec: buckets={:?}", self.groups)
    }
}

impl DisplayAs for QuestionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl ExecutionPlan for QuestionExec {
    fn name(&self) -> &str {
        "QuestionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let group = self.groups.get(partition).cloned().ok_or_else(|| no_such_part(partition))?;
        let (asked, pause) = (self.asked.clone(), self.pause.clone());
        let cancel = CancellationToken::new();
        let asking = Asking {
            buckets: Some(group.clone()),
            threads: asked.threads,
            excluded: asked.excluded.clone(),
            cancel: cancel.clone(),
        };
        let part = async move {
            // Whoever asked may go away in the middle.
            let _stop = cancel.drop_guard();
            let found = asked.snapshot.partial(&asked.plan, &asked.people, asking).await;
            let found = found.map_err(failed)?.to_bytes();
            Pause::at(pause.as_deref(), Point::Answer).await;
            let partial = BinaryArray::from_vec(vec![found.as_slice()]);
            let buckets = UInt32Array::from(vec![group.len() as u32]);
            Ok(RecordBatch::try_new(schema(), vec![Arc::new(partial), Arc::new(buckets)])?)
        };
        let stream = futures_util::stream::once(part);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), stream)))
    }
}

fn no_such_part(partition: usize) -> DataFusionError {
    DataFusionError::Internal(format!("a question has no part {partition}"))
}

fn failed(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The leaf as a table, which is how a session is asked to plan it.
pub(super) struct QuestionTable {
    pub(super) asked: Arc<Asked>,
    pub(super) groups: Vec<Vec<u32>>,
}

impl fmt::Debug for QuestionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionTable: buckets={:?}", self.groups)
    }
}

#[async_trait::async_trait]
impl TableProvider for QuestionTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(QuestionExec::new(self.asked.clone(), self.groups.clone())))
    }
}

/// Carries leaves from a coordinator to workers.
pub(super) struct Codec {
    worker: Option<(Arc<Room>, Context, Option<Arc<Pause>>)>,
}

impl Codec {
    /// For a coordinator, who only sends.
    pub(super) fn of_coordinator() -> Self {
        Self { worker: None }
    }

    /// For a worker, who reads the lake of `room`.
    pub(super) fn of_worker(
        room: Arc<Room>,
        house: &House,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let context = Context { store: room.store.clone(), clock, ids, memory_bytes: 0 };
        Self { worker: Some((room, context, house.pause.clone())) }
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some((room, context, pause)) = &self.worker else {
            return Err(DataFusionError::Internal("a coordinator is sent no question".into()));
        };
        let (asked, buckets) = wire::read(bytes, room, context.clone()).map_err(failed)?;
        Ok(Arc::new(QuestionExec {
            pause: pause.clone(),
            ..QuestionExec::new(Arc::new(asked), vec![buckets])
        }))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(leaf) = node.downcast_ref::<QuestionExec>() else {
            return Err(DataFusionError::NotImplemented(format!("{} on a cluster", node.name())));
        };
        bytes.extend(wire::write(&leaf.asked, &leaf.groups.concat()));
        Ok(())
    }
}
