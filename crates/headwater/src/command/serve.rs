//! `headwater serve`: everything, or some roles of it, until told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use kernel::Failure;
use tokio::net::TcpListener;

use super::cluster::{Compute, Workers};
use super::say;
use super::setting::Setting;
use crate::background::Background;
use crate::http::{Faces, Server};
use crate::machine::MachineClock;
use crate::runtime::{Options, Runtime, Sabotage};
use crate::sql::Sandbox;
use crate::stages;

/// Collect, process and serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    setting: Setting,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "HEADWATER_LISTEN")]
    listen: SocketAddr,
    /// What this process does; all but compute if absent
    #[arg(long, value_name = "ROLES", value_enum, value_delimiter = ',')]
    role: Vec<Role>,
    /// Partitions this process applies; all if absent
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    partitions: Vec<u32>,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    compute: Compute,
    /// Stop accepting events when less than this is free on the disk, in MiB
    #[arg(long, value_name = "MIB")]
    reserve: Option<u64>,
    /// Days that processed entries stay in the event log
    #[arg(long, value_name = "DAYS", default_value_t = LOG_DAYS, value_parser = clap::value_parser!(u32).range(1..))]
    log_days: u32,
    /// Networks that destinations may be in besides the public internet, such as 10.1.0.0/16; http is for
    /// them only
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', env = "HEADWATER_ALLOW_NETWORKS")]
    allow_networks: Vec<channels::Network>,
    /// Folder that destinations may put files in, each workspace in one of its own below it; none if absent
    #[arg(long, value_name = "DIR", env = "HEADWATER_EXPORT_DIR")]
    export_dir: Option<PathBuf>,
    /// Log lines as JSON, for collection by machines
    #[arg(long)]
    log_json: bool,
    /// Break a guarantee on purpose; for drills that must notice
    #[arg(long, value_name = "NAME", value_enum, hide = true)]
    sabotage: Vec<SabotageName>,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Take events and make them durable.
    Collect,
    /// Apply the log to the store, and run jobs.
    Process,
    /// The API and the page.
    Serve,
    /// Send what destinations follow.
    Dispatch,
    /// Work on questions of other processes; alone in its process, and it needs no store.
    Compute,
}

/// A guarantee to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SabotageName {
    /// The log answers before it has written.
    AckBeforeAppend,
    /// The log does not wait for the disk.
    NoFsync,
    /// The cursor moves before the work, in a transaction of its own.
    CursorOutsideTransaction,
    /// Every copy of an event counts.
    NoDedupe,
}

/// How long the raw log is kept unless told otherwise: it holds personal data in clear.
const LOG_DAYS: u32 = 30;
/// How long a stop waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

impl Serve {
    /// A server of every role at an address, as `headwater demo` runs it.
    pub fn new(setting: Setting, listen: SocketAddr) -> Self {
        let (role, partitions, sabotage) = Default::default();
        let (log_days, allow_networks) = (LOG_DAYS, Vec::new());
        let (workers, compute) = Default::default();
        let (reserve, log_json, export_dir) = (None, false, None);
        Self {
            setting,
            listen,
            role,
            partitions,
            workers,
            compute,
            reserve,
            log_days,
            allow_networks,
            export_dir,
            log_json,
            sabotage,
        }
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// The store, a log or the address cannot be opened.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        start_logging(self.log_json, "info");
        let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
        runtime.block_on(self.serve(|address| say(format_args!("listening on http://{address}"))))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Serves; `ready` learns the address before the first request is answered.
    ///
    /// # Errors
    /// The store, a log or the address cannot be opened.
    pub async fn serve(self, ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
        if self.role.contains(&Role::Compute) {
            if self.role.len() > 1 {
                return Err(Failure::invalid("role", "compute runs in a process of its own").into());
            }
            return self.compute.serve(&self.setting, self.listen, ready).await;
        }
        let plays = |role: Role| self.plays(role);
        let faces = Faces { collects: plays(Role::Collect), serves: plays(Role::Serve) };
        let options = self.options(faces)?;
        let setting = self.setting.clone();
        let handle = tokio::runtime::Handle::current();
        // Opening blocks on files and, for PostgreSQL, on a runtime of its own.
        let runtime = tokio::task::spawn_blocking(move || {
            let runtime = Runtime::new(setting.open()?, options, handle);
            runtime.open_all()?;
            anyhow::Ok(runtime)
        })
        .await??;
        let server = Server::new(runtime.clone());
        let listener =
            TcpListener::bind(self.listen).await.with_context(|| format!("listening on {}", self.listen))?;
        let address = listener.local_addr()?;
        ready(address);
        let router = server.router(faces).into_make_service_with_connect_info::<SocketAddr>();
        let background = Background::start(&runtime, self.plays(Role::Dispatch), self.log_days);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            asked_to_stop().await;
            tracing::info!("stopping");
            drop(stop);
        });
        tokio::select! {
            served = async { serving.await } => served?,
            () = async { let _ = stopped.await; tokio::time::sleep(STOP_PATIENCE).await } => {
                tracing::warn!("some requests were still being answered");
            }
        }
        background.stop().await;
        runtime.stop().await;
        Ok(())
    }

    fn plays(&self, role: Role) -> bool {
        self.role.is_empty() || self.role.contains(&role)
    }

    fn options(&self, faces: Faces) -> anyhow::Result<Options> {
        Ok(Options {
            log: self.setting.log_location(),
            collects: faces.collects || self.role.is_empty(),
            processes: self.plays(Role::Process),
            partitions: self.partitions.clone(),
            worker: pipeline::Options { owner: owner(), ..pipeline::Options::default() },
            reserve_bytes: self.reserve.map(|mib| mib << 20),
            lake: self.plays(Role::Process).then(|| self.setting.lakes()).transpose()?,
            cluster: self.workers.cluster(Arc::new(MachineClock::default()))?,
            sandbox: Some(Sandbox::new(std::env::current_exe()?, self.setting.clone())),
            guard: channels::Guard::new(self.allow_networks.clone()).with_exports(self.export_dir.clone()),
            sabotage: sabotage(&self.sabotage),
        })
    }
}

/// Tells this process from others that apply the same partitions.
fn owner() -> String {
    format!("{}-{}", std::process::id(), uuid_text())
}

fn uuid_text() -> String {
    use kernel::id::IdSource;
    workspace::credential::hex(&crate::machine::MachineIds.fresh()[10..])
}

fn sabotage(names: &[SabotageName]) -> Sabotage {
    let mut sabotage = Sabotage::default();
    for name in names {
        match name {
            SabotageName::AckBeforeAppend => sabotage.log = Some(log::sqlite::Sabotage::AckBeforeAppend),
            SabotageName::NoFsync => sabotage.log = Some(log::sqlite::Sabotage::NoFsync),
            SabotageName::CursorOutsideTransaction => {
                sabotage.worker = Some(pipeline::Sabotage::CursorOutsideTransaction);
            }
            SabotageName::NoDedupe => sabotage.stages = Some(stages::Sabotage::NoDedupe),
        }
    }
    sabotage
}

/// Ends when the process is asked to stop.
pub(super) async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses them, else those of `level` and above. No line holds
/// personal data.
pub fn start_logging(as_json: bool, level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if as_json { lines.json().try_init() } else { lines.try_init() };
}
