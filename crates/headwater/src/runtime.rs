//! What runs: a log and a worker for each partition of each workspace.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use insight::stages::WeightsOf;
use intake::batch::Context;
use kernel::{Failure, Scope, WorkspaceNo};
use log::Log;
use parking_lot::Mutex;
use pipeline::{Progress, Worker};
use tokio::sync::watch;
use workspace::{Installation, Workspace};

use crate::applier::{Applier, Recent};
use crate::logs::LogLocation;
use crate::sql::Sandbox;
use crate::{handlers, stages};

/// Guarantees to break on purpose; all off unless a drill turns one on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sabotage {
    /// Of the log.
    pub log: Option<log::sqlite::Sabotage>,
    /// Of the worker.
    pub worker: Option<pipeline::Sabotage>,
    /// Of the stages.
    pub stages: Option<stages::Sabotage>,
}

/// How the pipelines run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the logs are.
    pub log: LogLocation,
    /// Whether this process appends to the logs.
    pub collects: bool,
    /// Whether this process applies them.
    pub processes: bool,
    /// Only these partitions; all if empty.
    pub partitions: Vec<u32>,
    /// How workers read.
    pub worker: pipeline::Options,
    /// Free disk the log leaves alone.
    pub reserve_bytes: Option<u64>,
    /// Below which folder or prefix the lakes are; without one there are none.
    pub lake: Option<lake::Place>,
    /// Who else works on questions over the lakes.
    pub cluster: Option<lake::cluster::Cluster>,
    /// Where SQL that people type runs; without one there is none.
    pub sandbox: Option<Sandbox>,
    /// Where destinations may be.
    pub guard: channels::Guard,
    /// For drills.
    pub sabotage: Sabotage,
}

/// One partition of one workspace.
pub struct Partition {
    /// Its log.
    pub log: Arc<dyn Log>,
    /// How far its worker in this process has come.
    pub progress: watch::Receiver<Progress>,
}

/// Every workspace's partitions. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    installation: Installation,
    options: Options,
    open: Mutex<HashMap<WorkspaceNo, Arc<Open>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
    handle: tokio::runtime::Handle,
}

/// An open workspace.
pub struct Open {
    /// The workspace.
    pub workspace: Arc<Workspace>,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// Its latest events.
    pub recent: Recent,
    /// Its lake, while this process feeds it.
    pub lake: crate::feeder::Slot,
}

impl Runtime {
    /// A runtime with nothing open. Workers use `handle` to wait.
    pub fn new(installation: Installation, options: Options, handle: tokio::runtime::Handle) -> Self {
        let inner = Inner {
            installation,
            options,
            open: Mutex::default(),
            threads: Mutex::default(),
            stop: Arc::default(),
            handle,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Opens every workspace that is not open yet.
    ///
    /// # Errors
    /// A log or database that cannot be opened.
    pub fn open_all(&self) -> kernel::Result<()> {
        self.inner.installation.workspaces().iter().try_for_each(|w| self.open(w.no).map(drop))
    }

    /// A workspace's logs and workers, started on first use.
    ///
    /// # Errors
    /// A log or database that cannot be opened, or no such workspace.
    pub fn open(&self, no: WorkspaceNo) -> kernel::Result<Arc<Open>> {
        let mut open = self.inner.open.lock();
        if let Some(found) = open.get(&no) {
            return Ok(Arc::clone(found));
        }
        let workspace = self.inner.installation.workspace(no)?;
        let recent = Recent::default();
        let partitions = (0..workspace.partitions)
            .map(|partition| self.start(&workspace, partition, &recent))
            .collect::<kernel::Result<Vec<_>>>()?;
        let found = Arc::new(Open { workspace, partitions, recent, lake: Default::default() });
        open.insert(no, Arc::clone(&found));
        Ok(found)
    }

    fn start(&self, workspace: &Arc<Workspace>, no: u32, recent: &Recent) -> kernel::Result<Partition> {
        let inner = &self.inner;
        let log = self.open_log(workspace, no)?;
        let (sender, progress) = watch::channel(Progress::default());
        let is_mine = inner.options.partitions.is_empty() || inner.options.partitions.contains(&no);
        if inner.options.processes && is_mine {
            let worker = self.worker(workspace, no, Arc::clone(&log), recent, sender)?;
            let (stop, handle) = (Arc::clone(&inner.stop), inner.handle.clone());
            let name = format!("pipeline-{}-{no}", workspace.no.0);
            let thread = std::thread::Builder::new().name(name).spawn(move || worker.run(&stop, &handle));
            inner.threads.lock().push(thread.map_err(Failure::internal)?);
        }
        Ok(Partition { log, progress })
    }

    fn worker(
        &self,
        workspace: &Workspace,
        partition: u32,
        log: Arc<dyn Log>,
        recent: &Recent,
        progress: watch::Sender<Progress>,
    ) -> kernel::Result<Worker> {
        let scope = Scope::system(workspace.no, "pipeline");
        let context = context(workspace, partition);
        let sabotage = self.inner.options.sabotage;
        let weights = weights_of(&self.inner.installation, &scope);
        let stages = stages::stages(sabotage.stages, weights);
        let mut program = Applier::new(context, stages, handlers::all(), Arc::clone(recent));
        if self.inner.options.lake.is_some() {
            program = program.feeding();
        }
        Ok(Worker {
            log,
            pool: self.inner.installation.store().workspace(workspace.no)?,
            scope,
            partition,
            program: Box::new(program),
            clock: Arc::clone(self.inner.installation.clock()),
            options: pipeline::Options { sabotage: sabotage.worker, ..self.inner.options.worker.clone() },
            progress,
            owned: None,
        })
    }

    fn open_log(&self, workspace: &Workspace, partition: u32) -> kernel::Result<Arc<dyn Log>> {
        let (installation, options) = (&self.inner.installation, &self.inner.options);
        if !options.collects {
            return Ok(options.log.open_reader(installation, workspace, partition)?);
        }
        let (clock, ids) = (Arc::clone(installation.clock()), Arc::clone(installation.ids()));
        let mut log = log::sqlite::Options::new(clock, ids);
        log.reserve_bytes = options.reserve_bytes.unwrap_or(log.reserve_bytes);
        log.sabotage = options.sabotage.log;
        Ok(options.log.open(installation, workspace, partition, log)?)
    }

    /// The installation.
    pub fn installation(&self) -> &Installation {
        &self.inner.installation
    }

    /// Below which folder or prefix the lakes are, if there are any.
    pub fn lake(&self) -> Option<&lake::Place> {
        self.inner.options.lake.as_ref()
    }

    /// The workers that questions over the lakes may be spread over, if there are any.
    pub fn cluster(&self) -> Option<&lake::cluster::Cluster> {
        self.inner.options.cluster.as_ref()
    }

    /// Where SQL that people type runs, if anywhere.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.inner.options.sandbox.as_ref()
    }

    /// Where destinations may be.
    pub fn guard(&self) -> &channels::Guard {
        &self.inner.options.guard
    }

    /// The name of this process among those that apply the same partitions.
    pub fn owner(&self) -> &str {
        &self.inner.options.worker.owner
    }

    /// The workspaces that are open now.
    pub fn opened(&self) -> Vec<Arc<Open>> {
        self.inner.open.lock().values().cloned().collect()
    }

    /// Whether this process applies the logs.
    pub fn processes(&self) -> bool {
        self.inner.options.processes
    }

    /// Whether this process appends to the logs.
    pub fn collects(&self) -> bool {
        self.inner.options.collects
    }

    /// Stops: appends that were admitted become durable, batches that were begun are finished.
    pub async fn stop(&self) {
        let open: Vec<Arc<Open>> = self.inner.open.lock().values().cloned().collect();
        for partition in open.iter().flat_map(|o| &o.partitions) {
            if let Err(error) = partition.log.close().await {
                tracing::error!(%error, "closing the log");
            }
        }
        self.inner.stop.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.inner.threads.lock());
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|t| drop(t.join())));
        let _ = joined.await;
    }
}

/// What is fixed for one partition of a workspace.
pub fn context(workspace: &Workspace, partition: u32) -> Context {
    Context {
        scope: Scope::system(workspace.no, "pipeline"),
        secret: workspace.secret,
        partition,
        partitions: workspace.partitions,
        time_zone: workspace.time_zone.clone(),
    }
}

/// How much the word of each source of a workspace weighs, whenever it is asked.
pub fn weights_of(installation: &Installation, scope: &Scope) -> WeightsOf {
    let (installation, scope) = (installation.clone(), scope.clone());
    Arc::new(move || insight::routes::weights(&installation, &scope))
}
