//! Runs the pipeline's own worker over a log until nothing is left, and tells where the time went.
//!
//! Stages, program and log are wrapped, not changed: each wrapper adds the time its calls take to a sum.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use db::Tx;
use futures_util::future::BoxFuture;
use headwater::applier::Applier;
use headwater::runtime::{context, weights_of};
use headwater::{handlers, stages};
use intake::batch::{Batch, Context, Stage};
use kernel::Scope;
use log::{Entry, Error, Log, Offset};
use pipeline::{Counts, Program, Progress, Worker};
use tokio::sync::watch;
use workspace::Installation;

use crate::place::Place;
use crate::report;

/// What a drain took.
pub(crate) struct Drained {
    /// What became of the events.
    pub(crate) counts: Counts,
    /// From the first read to the last commit.
    pub(crate) wall: Duration,
    /// Processor time of the worker's thread.
    pub(crate) processor: Duration,
    /// Transactions.
    pub(crate) batches: u64,
    times: Times,
}

#[derive(Clone, Default)]
struct Sum(Arc<AtomicU64>);

#[derive(Default)]
struct Times {
    stages: Vec<(&'static str, Sum)>,
    apply: Sum,
    read: Sum,
    batches: Sum,
    counts: Arc<Mutex<Counts>>,
}

impl Sum {
    fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = work();
        self.0.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        value
    }

    fn seconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e9
    }
}

impl Drained {
    /// All events.
    pub(crate) fn events(&self) -> u64 {
        self.counts.processed + self.counts.deduplicated + self.counts.quarantined
    }

    /// Events a second.
    pub(crate) fn rate(&self) -> f64 {
        report::rate(self.events(), self.wall)
    }

    /// Events a second of the worker's own processor time.
    pub(crate) fn processor_rate(&self) -> f64 {
        report::rate(self.events(), self.processor)
    }

    /// Both, for people.
    pub(crate) fn rates(&self) -> String {
        report::rates(self.rate(), self.processor_rate())
    }

    /// Prints the share of each stage.
    pub(crate) fn print_shares(&self) {
        let wall = self.wall.as_secs_f64();
        let stages: f64 = self.times.stages.iter().map(|(_, sum)| sum.seconds()).sum();
        let (apply, read) = (self.times.apply.seconds(), self.times.read.seconds());
        let mut parts = vec![("read the log", read), ("decode", apply - stages)];
        parts.extend(self.times.stages.iter().map(|(name, sum)| (*name, sum.seconds())));
        parts.push(("cursor, commit, checkpoint", wall - apply - read));
        let events = self.events() as f64;
        for (name, seconds) in parts {
            let (share, micros) = (seconds / wall * 100.0, seconds * 1e6 / events);
            report::line(&format!("  {name}"), format_args!("{share:5.1} %  {micros:6.2} µs/event"));
        }
    }
}

/// Applies everything that is in `log` to the place's store, as a worker of `headwater serve` would.
pub(crate) fn drain(place: &Place, log: Arc<dyn Log>) -> anyhow::Result<Drained> {
    drain_installation(&place.installation, log)
}

/// The same for the first workspace of an installation.
pub(crate) fn drain_installation(installation: &Installation, log: Arc<dyn Log>) -> anyhow::Result<Drained> {
    let mut times = Times::default();
    let worker = worker(installation, log, &mut times)?;
    // A thread with a name, so that a profiler can tell it from the rest.
    let thread = std::thread::Builder::new().name("drain".into()).spawn(move || {
        let mut worker = worker;
        let (start, before) = (Instant::now(), report::thread_processor_time());
        let result = worker.own_and_drain(&AtomicBool::new(false));
        let (wall, processor) = (start.elapsed(), report::thread_processor_time() - before);
        result.map(|()| (wall, processor))
    })?;
    let (wall, processor) = thread.join().map_err(|_| anyhow::anyhow!("the drain panicked"))??;
    let batches = times.batches.0.load(Ordering::Relaxed);
    let counts = *times.counts.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Drained { counts, wall, processor, batches, times })
}

fn worker(installation: &Installation, log: Arc<dyn Log>, times: &mut Times) -> anyhow::Result<Worker> {
    let workspace = installation.workspaces().remove(0);
    let scope = Scope::system(workspace.no, "pipeline");
    let context = context(&workspace, 0);
    let mut timed: Vec<Box<dyn Stage>> = Vec::new();
    for inner in stages::stages(None, weights_of(installation, &scope)) {
        let sum = Sum::default();
        times.stages.push((inner.name(), sum.clone()));
        timed.push(Box::new(TimedStage { inner, sum }));
    }
    let inner = Applier::new(context, timed, handlers::all(), Default::default());
    let program = Box::new(TimedProgram {
        inner,
        sum: times.apply.clone(),
        batches: times.batches.clone(),
        counts: Arc::clone(&times.counts),
    });
    let (progress, _) = watch::channel(Progress::default());
    Ok(Worker {
        log: Arc::new(TimedLog { inner: log, sum: times.read.clone() }),
        pool: installation.store().workspace(workspace.no)?,
        scope,
        partition: 0,
        program,
        clock: Arc::clone(installation.clock()),
        options: pipeline::Options::default(),
        progress,
        owned: None,
    })
}

struct TimedStage {
    inner: Box<dyn Stage>,
    sum: Sum,
}

impl Stage for TimedStage {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        self.sum.time(|| self.inner.run(tx, batch))
    }

    fn is_due(&self, context: &Context, now: kernel::Instant) -> bool {
        self.inner.is_due(context, now)
    }

    fn tick(&mut self, tx: &mut Tx<'_>, context: &Context, now: kernel::Instant) -> kernel::Result<()> {
        self.sum.time(|| self.inner.tick(tx, context, now))
    }

    fn committed(&mut self) {
        self.inner.committed();
    }

    fn rolled_back(&mut self) {
        self.inner.rolled_back();
    }
}

struct TimedProgram {
    inner: Applier,
    sum: Sum,
    batches: Sum,
    counts: Arc<Mutex<Counts>>,
}

impl Program for TimedProgram {
    fn apply(&mut self, tx: &mut Tx<'_>, batch: u64, entries: &[Entry]) -> kernel::Result<Counts> {
        self.batches.0.fetch_add(1, Ordering::Relaxed);
        let counts = self.sum.time(|| self.inner.apply(tx, batch, entries))?;
        let mut sum = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = sum.plus(counts);
        Ok(counts)
    }

    fn is_due(&self, now: kernel::Instant) -> bool {
        self.inner.is_due(now)
    }

    fn tick(&mut self, tx: &mut Tx<'_>, now: kernel::Instant) -> kernel::Result<()> {
        self.inner.tick(tx, now)
    }

    fn committed(&mut self) {
        self.inner.committed();
    }

    fn rolled_back(&mut self) {
        self.inner.rolled_back();
    }
}

struct TimedLog {
    inner: Arc<dyn Log>,
    sum: Sum,
}

impl Log for TimedLog {
    fn append(&self, received: kernel::Instant, body: Bytes) -> BoxFuture<'_, Result<Offset, Error>> {
        self.inner.append(received, body)
    }

    fn read(&self, after: Offset, entries_max: usize, bytes_max: usize) -> Result<Vec<Entry>, Error> {
        self.sum.time(|| self.inner.read(after, entries_max, bytes_max))
    }

    fn first(&self) -> Result<Offset, Error> {
        self.inner.first()
    }

    fn head(&self) -> Result<Offset, Error> {
        self.inner.head()
    }

    fn poll(&self) -> Result<Offset, Error> {
        self.inner.poll()
    }

    fn appended(&self) -> watch::Receiver<u64> {
        self.inner.appended()
    }

    fn trim(&self, before: Offset) -> Result<(), Error> {
        self.inner.trim(before)
    }

    fn incarnation(&self) -> [u8; 16] {
        self.inner.incarnation()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.close()
    }
}
