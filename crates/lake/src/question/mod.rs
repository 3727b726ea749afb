//! Runs questions over a snapshot: each bucket's operator is fed, and what they find is merged.
//!
//! What is asked and what an answer means is `question`'s; which rows there are, `scan`'s. A worker of a
//! cluster asks for the partial answer of some buckets ([`Snapshot::partial`]); in process all buckets are asked.

mod feed;

use std::sync::Arc;

use parking_lot::Mutex;
use question::{Answer, Partial, People, Plan, Slice};
use roaring::RoaringBitmap;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::lake::Snapshot;
use crate::scan::{self, Job, PartySet, Wanted};
use crate::table::schema::Dataset;

/// How a question is asked.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Only these buckets; all if `None`.
    pub buckets: Option<Vec<u32>>,
    /// Buckets at work at once; 0 is as many as tokio has threads.
    pub threads: usize,
    /// People whose rows are left out, because somebody else answers for them.
    pub excluded: Option<Arc<RoaringBitmap>>,
    /// Ends the work.
    pub cancel: CancellationToken,
}

/// What the work on every bucket shares.
struct Question {
    plan: Arc<Plan>,
    people: Arc<People>,
    asking: Asking,
    job: Arc<Job>,
    buckets: u32,
    found: Mutex<Partial>,
}

impl Snapshot {
    /// In how many buckets parties are.
    pub fn buckets(&self) -> u32 {
        self.pinned(Dataset::Events).table.buckets
    }

    /// Answers a question about everybody.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a file that cannot be read.
    pub async fn ask(&self, plan: &Arc<Plan>, people: &Arc<People>, asking: Asking) -> Result<Answer> {
        let found = self.partial(plan, people, asking).await?;
        Ok(plan.finish(found, people))
    }

    /// What the operators of some buckets find.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a file that cannot be read.
    pub async fn partial(&self, plan: &Arc<Plan>, people: &Arc<People>, asking: Asking) -> Result<Partial> {
        let buckets = self.buckets();
        let party = plan.needs().party;
        let asked = asking.buckets.clone().unwrap_or_else(|| (0..buckets).collect());
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let turns = Arc::new(Semaphore::new(if asking.threads == 0 { processors } else { asking.threads }));
        // Whoever drops this future wants no answer.
        let cancel = asking.cancel.child_token();
        let _guard = cancel.clone().drop_guard();
        let asking = Asking { cancel, ..asking };
        let excluded = asking.excluded.as_ref().map(|parties| PartySet::of(parties.iter()));
        let question = Arc::new(Question {
            plan: plan.clone(),
            people: people.clone(),
            job: Arc::new(Job::new(self.clone(), Wanted::of_question(plan.needs()), excluded)),
            buckets,
            asking,
            found: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for bucket in
            asked.into_iter().filter(|bucket| party.is_none_or(|party| party.0 % buckets == *bucket))
        {
            let (question, turns) = (question.clone(), turns.clone());
            tasks.spawn(async move {
                let _turn = turns.acquire_owned().await.map_err(|_| Error::Cancelled)?;
                question.run(bucket).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(stopped)??;
        }
        Ok(std::mem::take(&mut *question.found.lock()))
    }
}

impl Question {
    /// Answers for one bucket.
    async fn run(self: Arc<Self>, bucket: u32) -> Result<()> {
        let cancel = self.asking.cancel.clone();
        let pieces = tokio::select! {
            () = cancel.cancelled() => return Err(Error::Cancelled),
            pieces = scan::read_bucket(&self.job, bucket) => pieces?,
        };
        let work = tokio::task::spawn_blocking(move || {
            let slice = Slice { bucket, buckets: self.buckets };
            let found = feed::feed(&self, slice, &pieces)?;
            self.found.lock().merge(found);
            Ok(())
        });
        work.await.map_err(stopped)?
    }
}

fn stopped(error: tokio::task::JoinError) -> Error {
    Error::Storage(format!("a question stopped: {error}"))
}
