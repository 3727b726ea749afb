//! A server in a process of its own, started from this very program.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::http::Connection;

/// The first argument that makes this program behave as `headwater`.
pub(crate) const AS_HEADWATER: &str = "headwater";
/// Kernel clock ticks a second, as `/proc` counts them on every Linux of today.
const TICKS: f64 = 100.0;

/// A running server. Killed when dropped.
pub(crate) struct Server {
    process: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// When it was started.
    pub(crate) started: Instant,
    output: BufReader<std::process::ChildStdout>,
}

/// Figures of a workspace's pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    /// Events processed, deduplicated and quarantined.
    pub(crate) done: u64,
    /// Parties.
    pub(crate) parties: u64,
    /// Whether nothing waits in the log.
    pub(crate) is_drained: bool,
}

/// This program as `headwater` with these arguments; its log lines go to `headwater.err` in the folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_HEADWATER).args(arguments).env("RUST_LOG", "warn").stdin(Stdio::null());
    command.stderr(File::options().create(true).append(true).open(folder.join("headwater.err"))?);
    Ok(command)
}

impl Server {
    /// `headwater serve` on a folder, with more arguments; returns once it says where it listens.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let data = folder.to_str().context("a folder whose name is not UTF-8")?;
        let mut arguments = vec!["serve", "--data", data, "--listen", "127.0.0.1:0"];
        arguments.extend_from_slice(more);
        let mut command = command(folder, &arguments)?;
        let started = Instant::now();
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("its output was asked for")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().rsplit("http://").next().and_then(|text| text.parse().ok());
        let address = address.with_context(|| format!("`{line}`; see headwater.err in {data}"))?;
        Ok(Self { process, address, started, output })
    }

    /// Processor time it has used.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds(&self.process.id().to_string())
    }

    /// A field of its `/proc/…/status`, in bytes.
    pub(crate) fn memory(&self, field: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(field)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// The pipeline's figures.
    pub(crate) async fn status(&self, token: &str) -> anyhow::Result<Status> {
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.get("/api/v1/pipeline", token).await?;
        let json: serde_json::Value = serde_json::from_slice(answer.body)?;
        let number = |name: &str| json[name].as_u64().unwrap_or(0);
        Ok(Status {
            done: number("processed") + number("deduplicated") + number("quarantined"),
            parties: number("parties"),
            is_drained: number("log_head") == number("applied"),
        })
    }

    /// Waits until nothing is left in the log.
    pub(crate) async fn drained(&self, token: &str) -> anyhow::Result<Status> {
        loop {
            let status = self.status(token).await?;
            if status.is_drained {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.output.buffer();
    }
}

/// Processor time of this process.
pub(crate) fn own_processor_seconds() -> f64 {
    processor_seconds("self")
}

fn processor_seconds(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces; user and system time are fields 14 and 15 of the whole.
    let after = text.rsplit(") ").next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
