//! `startup`: from the start of the process to the first 200 of `/readyz`, after `kill -9` under load.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;

use crate::collect::{Load, batches, block_on, run};
use crate::http::Connection;
use crate::parties::Parties;
use crate::report::{line, median, thousands, title};
use crate::server::Server;

/// Time to ready after a kill.
#[derive(Debug, Parser)]
pub(crate) struct Startup {
    /// Parties in the store, three events each
    #[arg(long, default_value_t = 1_000_000)]
    parties: u64,
    /// Kills
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// Seconds of load before each kill
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

const CONNECTIONS: usize = 8;

impl Startup {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        title(
            "startup: kill -9 under load → start → 200 on /readyz",
            "the place of profile-read, log untrimmed",
        );
        let parties = Parties::loaded(self.parties)?;
        let mut all_roles = Vec::new();
        for _ in 0..self.kills.max(1) {
            self.load_and_kill(&parties, &[])?;
            let server = Server::start(&parties.folder, &[])?;
            all_roles.push(ready(&server)?.as_secs_f64() * 1_000.0);
            block_on(server.drained(&parties.token))?;
        }
        let bytes = folder_bytes(&parties.folder.join("log"))? as f64 / f64::from(1 << 20);
        let store = folder_bytes(&parties.folder.join("workspaces"))? as f64 / f64::from(1 << 20);
        line("log, MiB; store, MiB", format_args!("{}; {}", thousands(bytes), thousands(store)));
        tell("applied log, killed while applying, ms", &mut all_roles);
        let mut backlog = Vec::new();
        let mut drained = Vec::new();
        for _ in 0..self.kills.div_ceil(2) {
            let events = self.load_and_kill(&parties, &["--role", "collect"])?;
            let server = Server::start(&parties.folder, &[])?;
            backlog.push(ready(&server)?.as_secs_f64() * 1_000.0);
            block_on(server.drained(&parties.token))?;
            drained.push((events, server.started.elapsed().as_secs_f64()));
        }
        tell("with a backlog that nobody applied, ms", &mut backlog);
        for (events, seconds) in drained {
            line(
                "  backlog applied",
                format_args!("{} events in {seconds:.1} s from the start", thousands(events as f64)),
            );
        }
        Ok(())
    }

    fn load_and_kill(&self, parties: &Parties, roles: &[&str]) -> anyhow::Result<u64> {
        let server = Server::start(&parties.folder, roles)?;
        let load = Load {
            templates: Arc::new(batches(20, 100, 200)),
            connections: CONNECTIONS,
            warm_up: Duration::ZERO,
            time: Duration::from_secs(self.seconds),
            every: Duration::ZERO,
        };
        let loaded = run(&server, &load)?;
        server.kill()?;
        Ok(loaded.events)
    }
}

fn tell(name: &str, values: &mut [f64]) {
    let middle = median(values);
    let all: Vec<String> = values.iter().map(|v| format!("{v:.0}")).collect();
    line(name, format_args!("{middle:.0}  of {}", all.join(", ")));
}

/// Time from the start of the process to the first 200.
fn ready(server: &Server) -> anyhow::Result<Duration> {
    block_on(async {
        loop {
            if let Ok(mut connection) = Connection::open(server.address).await
                && connection.get("/readyz", "").await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(server.started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
}

/// Bytes of all files below a folder.
pub(crate) fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += if data.is_dir() { folder_bytes(&entry.path())? } else { data.len() };
    }
    Ok(bytes)
}
