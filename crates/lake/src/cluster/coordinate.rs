//! The coordinator: admits a question, finds who is there, spreads it, and asks it again if a worker is lost.
//!
//! An answer is whole or there is none: nothing of an attempt is given on before the attempt has ended well.
//! The last attempt is made in this process, so that a question is answered while nobody else is left.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion_distributed::{DistributedExt, SessionStateBuilderExt};
use kernel::time::Clock;
use parking_lot::Mutex;
use question::{Partial, People, Plan};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::codegen::http::HeaderValue;
use url::Url;

use super::channel::{Channels, Members, Resolver};
use super::leaf::Codec;
use super::pass::{Pass, Secret};
use super::tasks::Tasks;
use super::verdict::Verdict;
use super::work::{Questions, Sql, Work};
use crate::error::{Error, Result};
use crate::lake::Snapshot;
use crate::question::Asking;
use crate::sql::{self, Answer, Limits};
use crate::table::schema::Dataset;

/// Attempts on workers before the question is answered here.
const ATTEMPTS_MAX: usize = 3;
/// Questions on the workers at once; others wait within their deadline.
const QUESTIONS_MAX: usize = 8;
/// With fewer the work is not split, and is better done here.
const WORKERS_MIN: usize = 2;
/// Rows that wait for a file travel with the question, up to so many bytes; with more it is answered here.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Bytes of files each part of SQL on a worker reads at least.
const PART_BYTES: usize = 16 << 20;

/// A guarantee to break, for the drill that must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A question whose worker is lost is not asked again.
    NoRetry,
}

/// How questions were answered so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// On workers.
    pub spread: u64,
    /// In this process.
    pub here: u64,
    /// Attempts that lost a worker.
    pub lost: u64,
}

/// The workers of an installation, seen from whoever asks. Cloning shares it.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    workers: Vec<Url>,
    secret: Secret,
    clock: Arc<dyn Clock>,
    settings: Settings,
    channels: Channels,
    turns: Semaphore,
    absent: Mutex<HashSet<Url>>,
    spread: AtomicU64,
    here: AtomicU64,
    lost: AtomicU64,
}

#[derive(Clone, Copy)]
struct Settings {
    bytes_min: u64,
    part_bytes: usize,
    sabotage: Option<Sabotage>,
}

/// Who the workers are.
impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.inner.workers.iter().map(Url::as_str)).finish()
    }
}

impl Cluster {
    /// A cluster of the workers at these addresses (`http://host:port`). Nobody is called yet.
    ///
    /// # Errors
    /// [`Error::Refused`] for an address that is none.
    pub fn new(workers: &[String], secret: Secret, clock: Arc<dyn Clock>) -> Result<Self> {
        let parse = |text: &String| {
            let url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
            url.ok_or_else(|| Error::Refused(format!("`{text}` is no worker; http://host:port would be")))
        };
        let workers = workers.iter().map(parse).collect::<Result<Vec<_>>>()?;
        let settings = Settings { bytes_min: 0, part_bytes: PART_BYTES, sabotage: None };
        Ok(Self::of(workers, secret, clock, settings))
    }

    fn of(workers: Vec<Url>, secret: Secret, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let inner = Inner {
            workers,
            secret,
            clock,
            settings,
            channels: Channels::default(),
            turns: Semaphore::new(QUESTIONS_MAX),
            absent: Mutex::default(),
            spread: AtomicU64::default(),
            here: AtomicU64::default(),
            lost: AtomicU64::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    fn set(&self, settings: Settings) -> Self {
        let inner = &self.inner;
        Self::of(inner.workers.clone(), inner.secret.clone(), inner.clock.clone(), settings)
    }

    /// The same, answering here what reads files of fewer bytes than this.
    #[must_use]
    pub fn from_bytes(&self, bytes_min: u64) -> Self {
        self.set(Settings { bytes_min, ..self.inner.settings })
    }

    /// The same, splitting SQL into parts of about so many bytes.
    #[must_use]
    pub fn in_parts_of(&self, part_bytes: usize) -> Self {
        self.set(Settings { part_bytes: part_bytes.max(1), ..self.inner.settings })
    }

    /// The same with a guarantee broken.
    #[must_use]
    pub fn sabotaged(&self, sabotage: Sabotage) -> Self {
        self.set(Settings { sabotage: Some(sabotage), ..self.inner.settings })
    }

    /// How questions were answered so far.
    pub fn tally(&self) -> Tally {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Tally { spread: read(&self.inner.spread), here: read(&self.inner.here), lost: read(&self.inner.lost) }
    }

    /// Runs one SELECT over a snapshot of the lake that is called `root` among all lakes. The answer is
    /// collected before its first page, within the memory of the limits.
    ///
    /// # Errors
    /// As [`Snapshot::query`].
    pub async fn query(
        &self,
        root: &str,
        snapshot: &Snapshot,
        text: &str,
        limits: Limits,
        cancel: CancellationToken,
    ) -> Result<Answer> {
        sql::select(text)?;
        let deadline = Instant::now() + limits.time;
        let work = Sql { snapshot, text, limits, cancel: cancel.clone(), deadline };
        self.run(root, snapshot, &work, Terms { limits, deadline, cancel }).await
    }

    /// Answers a question about everybody over a snapshot of the lake called `root`, in `time`.
    ///
    /// # Errors
    /// As [`Snapshot::ask`], and [`Error::Limit`] when the time is over.
    pub async fn ask(
        &self,
        root: &str,
        snapshot: &Snapshot,
        question: (&Arc<Plan>, &Arc<People>),
        asking: Asking,
        time: Duration,
    ) -> Result<question::Answer> {
        let found = self.partial(root, snapshot, question, asking, time).await?;
        Ok(question.0.finish(found, question.1))
    }

    /// What is found about everybody but those left out, over a snapshot of the lake called `root`, in `time`.
    ///
    /// # Errors
    /// As [`Snapshot::partial`], and [`Error::Limit`] when the time is over.
    pub async fn partial(
        &self,
        root: &str,
        snapshot: &Snapshot,
        question: (&Arc<Plan>, &Arc<People>),
        asking: Asking,
        time: Duration,
    ) -> Result<Partial> {
        let limits = Limits { time, ..Limits::default() };
        let terms = Terms { limits, deadline: Instant::now() + time, cancel: asking.cancel.clone() };
        let (plan, people) = question;
        let work = Questions { snapshot, plan, people, asking };
        self.run(root, snapshot, &work, terms).await
    }

    async fn run<W: Work>(
        &self,
        root: &str,
        snapshot: &Snapshot,
        work: &W,
        terms: Terms,
    ) -> Result<W::Found> {
        let over = || sql::out_of_time(&terms.limits);
        tokio::select! {
            () = terms.cancel.cancelled() => Err(Error::Cancelled),
            found = timeout_at(terms.deadline, self.attempts(root, snapshot, work, &terms)) => {
                found.map_err(|_| over())?
            }
        }
    }

    async fn attempts<W: Work>(
        &self,
        root: &str,
        snapshot: &Snapshot,
        work: &W,
        terms: &Terms,
    ) -> Result<W::Found> {
        let inner = &*self.inner;
        if work.is_worth_it() && self.is_worth_it(snapshot) {
            let _turn = inner.turns.acquire().await.map_err(|_| Error::Cancelled)?;
            let resolver = self.resolver(root, &terms.limits)?;
            for _ in 0..ATTEMPTS_MAX {
                let members = self.present(&resolver).await;
                if members.len() < WORKERS_MIN {
                    break;
                }
                let workers = members.len();
                let session = self.session(terms, members, resolver.clone());
                let session = session.map_err(|error| sql::failed(&error, &terms.limits))?;
                match work.spread(&session, workers, terms).await {
                    Ok(found) => {
                        inner.spread.fetch_add(1, Ordering::Relaxed);
                        return Ok(found);
                    }
                    Err(Verdict::Final(error)) => return Err(error),
                    Err(Verdict::Lost(why)) => self.lost(why)?,
                }
            }
        }
        inner.here.fetch_add(1, Ordering::Relaxed);
        work.here().await
    }

    /// Whether the files are many, and what waits is little.
    fn is_worth_it(&self, snapshot: &Snapshot) -> bool {
        let waiting: usize = snapshot.pinned(Dataset::Events).chunks.iter().map(|chunk| chunk.bytes).sum();
        snapshot.files(Dataset::Events).1 >= self.inner.settings.bytes_min && waiting <= WAITING_BYTES_MAX
    }

    fn resolver(&self, root: &str, limits: &Limits) -> Result<Resolver> {
        let micros = i64::try_from(limits.time.as_micros()).unwrap_or(i64::MAX);
        let pass = Pass { root: root.to_owned(), until: self.inner.clock.now().plus(micros) };
        let pass = HeaderValue::from_str(&pass.seal(&self.inner.secret)?);
        let pass = pass.map_err(|e| Error::Refused(e.to_string()))?;
        Ok(Resolver { channels: self.inner.channels.clone(), pass })
    }

    /// The workers that answer now. Who is missing is said when it goes and when it is back.
    async fn present(&self, resolver: &Resolver) -> Vec<Url> {
        let mut present = Vec::new();
        for (url, state) in resolver.probe(&self.inner.workers).await {
            let mut absent = self.inner.absent.lock();
            match state {
                Ok(()) => {
                    if absent.remove(&url) {
                        tracing::info!(worker = %url, "the worker is back");
                    }
                    present.push(url);
                }
                Err(why) => {
                    if absent.insert(url.clone()) {
                        tracing::warn!(worker = %url, why, "the worker is left out");
                    }
                }
            }
        }
        present
    }

    fn lost(&self, why: String) -> Result<()> {
        self.inner.lost.fetch_add(1, Ordering::Relaxed);
        if self.inner.settings.sabotage == Some(Sabotage::NoRetry) {
            return Err(Error::Storage(format!("a worker was lost: {why}")));
        }
        tracing::warn!(why, "a worker was lost; the question is asked again");
        Ok(())
    }

    fn session(
        &self,
        terms: &Terms,
        members: Vec<Url>,
        resolver: Resolver,
    ) -> std::result::Result<SessionContext, DataFusionError> {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(sql::config(&terms.limits))
            .with_runtime_env(sql::runtime(&terms.limits)?)
            .with_distributed_planner()
            .with_distributed_worker_resolver(Members(members))
            .with_distributed_channel_resolver(resolver)
            .with_distributed_user_codec(Codec::of_coordinator())
            .with_distributed_desired_task_count_handler(Tasks)
            .with_distributed_scale_up_leaf_node_handler(Tasks)
            .with_distributed_file_scan_config_bytes_per_partition(self.inner.settings.part_bytes)?
            .with_distributed_metrics_collection(false)?
            .build();
        Ok(SessionContext::new_with_state(state))
    }
}

/// Within what a question is answered.
pub(super) struct Terms {
    pub(super) limits: Limits,
    pub(super) deadline: Instant,
    pub(super) cancel: CancellationToken,
}
