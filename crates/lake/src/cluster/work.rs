//! What can be spread over workers, and how the same is done in this process.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt32Type;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::StreamExt;
use question::{Partial, People, Plan};
use tokio_util::sync::CancellationToken;

use super::balance;
use super::coordinate::Terms;
use super::leaf::QuestionTable;
use super::verdict::{Verdict, judge};
use super::wire::Asked;
use crate::error::{Error, Result};
use crate::lake::Snapshot;
use crate::question::Asking;
use crate::sql::{self, Answer, Limits};
use crate::table::schema::Dataset;

/// A question in a form that can be asked again.
#[async_trait::async_trait]
pub(super) trait Work: Sync {
    /// Its whole answer.
    type Found: Send;

    /// Whether there is anything to split.
    fn is_worth_it(&self) -> bool;

    /// One attempt on so many workers.
    async fn spread(
        &self,
        session: &SessionContext,
        workers: usize,
        terms: &Terms,
    ) -> std::result::Result<Self::Found, Verdict>;

    /// In this process.
    async fn here(&self) -> Result<Self::Found>;
}

/// One SELECT.
pub(super) struct Sql<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) text: &'a str,
    pub(super) limits: Limits,
    pub(super) cancel: CancellationToken,
    pub(super) deadline: tokio::time::Instant,
}

#[async_trait::async_trait]
impl Work for Sql<'_> {
    type Found = Answer;

    fn is_worth_it(&self) -> bool {
        true
    }

    async fn spread(
        &self,
        session: &SessionContext,
        _: usize,
        terms: &Terms,
    ) -> std::result::Result<Answer, Verdict> {
        let judged = |error: DataFusionError| judge(&error, &self.limits);
        self.snapshot.register(session, &self.limits, None).map_err(Verdict::Final)?;
        let statement = sql::select(self.text).map_err(Verdict::Final)?;
        let stream = sql::stream(session, statement).await.map_err(judged)?;
        let whole = collected(stream, &self.limits).await?;
        Ok(Answer::of(whole, self.limits, terms.deadline, terms.cancel.clone()))
    }

    async fn here(&self) -> Result<Answer> {
        let time = self.deadline.saturating_duration_since(tokio::time::Instant::now());
        self.snapshot.query(self.text, Limits { time, ..self.limits }, self.cancel.clone()).await
    }
}

/// Reads a stream to its end, or to one row more than is wanted, and gives it back from memory.
async fn collected(
    mut stream: SendableRecordBatchStream,
    limits: &Limits,
) -> std::result::Result<SendableRecordBatchStream, Verdict> {
    let schema = stream.schema();
    let (mut batches, mut rows, mut bytes) = (Vec::<DataFusionResult<RecordBatch>>::new(), 0, 0);
    while rows <= limits.rows
        && let Some(batch) = stream.next().await
    {
        let batch = batch.map_err(|error| judge(&error, limits))?;
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        if bytes > limits.memory_bytes {
            return Err(Verdict::Final(sql::out_of_memory(limits)));
        }
        batches.push(Ok(batch));
    }
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures_util::stream::iter(batches))))
}

/// A question about everybody.
pub(super) struct Questions<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) plan: &'a Arc<Plan>,
    pub(super) people: &'a Arc<People>,
    pub(super) asking: Asking,
}

#[async_trait::async_trait]
impl Work for Questions<'_> {
    type Found = Partial;

    /// A question about one person reads one bucket, and whoever asks for some buckets has split it already.
    fn is_worth_it(&self) -> bool {
        self.plan.needs().party.is_none() && self.asking.buckets.is_none()
    }

    async fn spread(
        &self,
        session: &SessionContext,
        workers: usize,
        terms: &Terms,
    ) -> std::result::Result<Partial, Verdict> {
        let judged = |error: DataFusionError| judge(&error, &terms.limits);
        let asked = Arc::new(Asked {
            plan: self.plan.clone(),
            people: self.people.clone(),
            excluded: self.asking.excluded.clone(),
            snapshot: self.snapshot.clone(),
            threads: self.asking.threads,
        });
        let groups = balance::deal(&balance::weights(self.snapshot.pinned(Dataset::Events)), workers);
        let table = session.read_table(Arc::new(QuestionTable { asked, groups })).map_err(judged)?;
        let mut stream = table.execute_stream().await.map_err(judged)?;
        let (mut found, mut buckets) = (Partial::default(), 0);
        while let Some(batch) = stream.next().await {
            buckets += merge(&mut found, &batch.map_err(judged)?)?;
        }
        // Whatever the engine says: an answer with a part missing is none.
        if buckets != self.snapshot.buckets() {
            let why = format!("{buckets} of {} buckets were answered", self.snapshot.buckets());
            return Err(Verdict::Lost(why));
        }
        Ok(found)
    }

    async fn here(&self) -> Result<Partial> {
        self.snapshot.partial(self.plan, self.people, self.asking.clone()).await
    }
}

/// Takes in the parts of a batch; of how many buckets they are.
fn merge(found: &mut Partial, batch: &RecordBatch) -> std::result::Result<u32, Verdict> {
    let unreadable = || Verdict::Lost("a part of an answer cannot be read".into());
    let partials = batch.column(0).as_binary_opt::<i32>().ok_or_else(unreadable)?;
    let buckets = batch.column(1).as_primitive_opt::<UInt32Type>().ok_or_else(unreadable)?;
    for row in 0..partials.len() {
        found.merge(Partial::from_bytes(partials.value(row)).map_err(|_| unreadable())?);
    }
    Ok(buckets.iter().flatten().sum())
}

impl From<Error> for Verdict {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}
