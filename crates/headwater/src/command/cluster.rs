//! Several machines: the arguments of who asks workers, and `headwater serve --role compute`, which is one.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use kernel::Failure;
use kernel::time::Clock;
use lake::cluster::{Cluster, Pause, Point, Secret, Worker};
use tokio::net::TcpListener;

use super::say;
use super::setting::Setting;
use crate::machine::{MachineClock, MachineIds};

/// Where all nodes find the secret they share.
const SECRET_VARIABLE: &str = "HEADWATER_CLUSTER_SECRET";

/// Who else may work on questions.
#[derive(Clone, Debug, Default, Args)]
pub struct Workers {
    /// Workers that questions are spread over (http://host:port,…); all know `HEADWATER_CLUSTER_SECRET`
    #[arg(long, value_name = "URLS", value_delimiter = ',', env = "HEADWATER_WORKERS")]
    workers: Vec<String>,
    /// Smaller lakes are read here, in MiB
    #[arg(long, value_name = "MIB", default_value_t = SPREAD_MIB)]
    spread_from: u64,
}

/// Below this a second machine costs more than it brings (docs/how-to/run-a-cluster.md).
const SPREAD_MIB: u64 = 256;

impl Workers {
    /// The cluster, if there are workers.
    ///
    /// # Errors
    /// A worker that is no address, or no secret.
    pub fn cluster(&self, clock: Arc<dyn Clock>) -> anyhow::Result<Option<Cluster>> {
        if self.workers.is_empty() {
            return Ok(None);
        }
        let cluster = Cluster::new(&self.workers, secret()?, clock)?;
        Ok(Some(cluster.from_bytes(self.spread_from << 20)))
    }
}

/// How a worker works.
#[derive(Clone, Debug, Default, Args)]
pub struct Compute {
    /// Memory of all SQL that a worker runs at once, in MiB; it keeps as much of decoded columns
    #[arg(long, value_name = "MIB", default_value_t = 2_048)]
    compute_memory: usize,
    /// Wait for ever at a point (plan, read, answer), after it was passed so many times; for drills
    #[arg(long, value_name = "POINT:N", hide = true)]
    pause: Option<String>,
}

impl Compute {
    /// Works until told to stop; `ready` learns the address.
    ///
    /// # Errors
    /// No secret, no lake, or an address that cannot be listened on.
    pub async fn serve(
        &self,
        setting: &Setting,
        listen: SocketAddr,
        ready: impl FnOnce(SocketAddr),
    ) -> anyhow::Result<()> {
        let clock = Arc::new(MachineClock::default());
        let worker =
            Worker::new(setting.lakes()?, secret()?, self.compute_memory << 20, clock, Arc::new(MachineIds));
        let worker = match &self.pause {
            Some(pause) => worker.pausing(parse_pause(pause)?),
            None => worker,
        };
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        ready(listener.local_addr()?);
        worker.serve(listener, super::serve::asked_to_stop()).await?;
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "a secret has no place on a command line")]
fn secret() -> anyhow::Result<Secret> {
    let text = std::env::var(SECRET_VARIABLE).unwrap_or_default();
    let secret = Secret::parse(&text).map_err(Failure::from);
    secret.with_context(|| format!("reading `{SECRET_VARIABLE}` from the environment"))
}

fn parse_pause(text: &str) -> kernel::Result<Pause> {
    let (point, passed) = text.split_once(':').unwrap_or((text, "0"));
    match (Point::parse(point), passed.parse()) {
        (Some(point), Ok(passed)) => Ok(Pause::new(point, passed, || say("paused"))),
        _ => Err(Failure::invalid("pause", format!("`{text}` is no point of a worker"))),
    }
}
