//! `headwater replay`: what was put aside goes through the pipeline again.

use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{self, Connection, Session, plain};
use super::say;

/// Send events in quarantine through the pipeline again.
///
/// Do so after the cause is mended: a type in the tracking plan, a rule, the software. What is refused
/// again goes back into quarantine with its new reason.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    connection: Connection,
    /// Only events of this class, as the summary names it
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Only events put aside because of this field
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// How many at most, oldest first
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only say what waits in quarantine
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Summary {
    open: u64,
    items: Vec<Count>,
}

#[derive(Deserialize, Serialize)]
struct Count {
    class: String,
    state: String,
    count: u64,
}

#[derive(Deserialize)]
struct Replayed {
    replayed: u64,
}

impl Replay {
    /// Replays, waits until the pipeline has seen the events, and prints what is still open.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let session = self.connection.open().await?;
            let result = self.replay(&session).await;
            session.close().await;
            result
        })
    }

    async fn replay(&self, Session { api, .. }: &Session) -> anyhow::Result<ExitCode> {
        let mut replayed = 0;
        if !self.dry_run {
            let mut wanted = json!({ "limit": self.limit });
            for (name, value) in [("class", &self.class), ("field", &self.field)] {
                if let Some(value) = value {
                    wanted[name] = value.as_str().into();
                }
            }
            let answer: Replayed = api.post(&["quarantine", "replay"], &wanted).await?;
            replayed = answer.replayed;
            api.wait_applied(|_| {}).await?;
        }
        let summary: Summary = api.get(&["quarantine", "summary"], &[]).await?;
        if self.json {
            say(json!({ "replayed": replayed, "open": summary.open, "items": summary.items }));
            return Ok(ExitCode::SUCCESS);
        }
        if !self.dry_run {
            say(format_args!("replayed  {replayed}"));
        }
        say(format_args!("open      {}", summary.open));
        for item in &summary.items {
            say(format_args!("  {:<16} {:<10} {}", plain(&item.class), plain(&item.state), item.count));
        }
        Ok(ExitCode::SUCCESS)
    }
}
