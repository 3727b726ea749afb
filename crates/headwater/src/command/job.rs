//! `headwater job`: what runs and what ran, on a terminal. Text of others is stripped of what could act on
//! the terminal.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use kernel::Failure;
use serde_json::{Value, json};

use super::audience::{at, every, items};
use super::client::{self, Api, Connection};
use super::party::text;
use super::say;

/// How often it is looked how far a job is.
const POLL: Duration = Duration::from_millis(500);

/// Run jobs and see what became of them.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Job {
    #[command(subcommand)]
    action: Action,
}

// A variant's own comment would hide the longer help of its action.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    List(List),
    Kinds(Any),
    Show(One),
    Run(Run),
    Cancel(One),
}

#[derive(Clone, Debug, Args)]
pub(super) struct Any {
    #[command(flatten)]
    pub(super) connection: Connection,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// List jobs, the latest first.
#[derive(Clone, Debug, Args)]
struct List {
    /// Only in this state: `queued`, `running`, `succeeded`, `failed` or `cancelled`
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only of this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only made by this schedule
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    any: Any,
}

/// A job by its number: its progress, result and what it said.
#[derive(Clone, Debug, Args)]
struct One {
    /// Its number
    #[arg(value_name = "NUMBER")]
    no: u64,
    #[command(flatten)]
    any: Any,
}

/// Run something now.
#[derive(Clone, Debug, Args)]
struct Run {
    /// Its kind; `headwater job kinds` lists them
    kind: String,
    /// What it is about, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Waiting {
    /// Return at once; it runs in the background
    #[arg(long)]
    no_wait: bool,
}

impl Job {
    /// Does what was asked. The code is 1 if a job that was waited for did not succeed.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let any = self.action.any().clone();
            let session = any.connection.open().await?;
            let done = self.action.run(&session.api, &any).await;
            session.close().await;
            done
        })
    }
}

impl Action {
    fn any(&self) -> &Any {
        match self {
            Self::List(list) => &list.any,
            Self::Kinds(any) => any,
            Self::Show(one) | Self::Cancel(one) => &one.any,
            Self::Run(run) => &run.any,
        }
    }

    async fn run(&self, api: &Api, any: &Any) -> anyhow::Result<ExitCode> {
        let (answer, tell): (Value, fn(&Value)) = match self {
            Self::List(list) => (list.run(api).await?, tell_jobs),
            Self::Kinds(_) => (api.get(&["jobs", "kinds"], &[]).await?, tell_kinds),
            Self::Show(one) => (api.get(&["jobs", &one.no.to_string()], &[]).await?, tell_job),
            Self::Cancel(one) => {
                (api.post(&["jobs", &one.no.to_string(), "cancel"], &json!({})).await?, tell_job)
            }
            Self::Run(run) => {
                let not_json = |e: serde_json::Error| Failure::invalid("--input", format!("not JSON: {e}"));
                let input: Value = serde_json::from_str(&run.input).map_err(not_json)?;
                let made = api.post(&["jobs"], &json!({ "kind": run.kind, "input": input })).await?;
                return run.waiting.wait(api, any, made).await;
            }
        };
        match any.json {
            true => say(answer),
            false => tell(&answer),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let filters = [("state", &self.state), ("kind", &self.kind), ("schedule", &self.schedule)];
        let query: Vec<_> =
            filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        every(api, &["jobs"], &query, self.limit as usize).await
    }
}

impl Waiting {
    /// Follows a job that was made until it is over, and prints it. Ctrl-C leaves it running.
    pub(super) async fn wait(self, api: &Api, any: &Any, made: Value) -> anyhow::Result<ExitCode> {
        if !self.no_wait && any.connection.data.is_some() {
            let message = "over a folder nothing runs; the job runs once a server does (--no-wait says so)";
            return Err(Failure::unavailable(message).into());
        }
        let (no, mut job) = (text(&made["no"]), made);
        let bar = client::progress("job", None);
        while !self.no_wait && ["queued", "running"].contains(&job["state"].as_str().unwrap_or_default()) {
            if let Some(total) = job["progress"]["total"].as_u64() {
                bar.set_length(total);
            }
            bar.set_position(job["progress"]["done"].as_u64().unwrap_or_default());
            bar.set_message(text(if job["state"] == "queued" {
                &job["waits_for"]
            } else {
                &job["progress"]["text"]
            }));
            tokio::time::sleep(POLL).await;
            job = api.get(&["jobs", &no], &[]).await?;
        }
        bar.finish_and_clear();
        match any.json {
            true => say(&job),
            false => tell_job(&job),
        }
        let is_fine = self.no_wait || job["state"] == "succeeded";
        Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn tell_kinds(answer: &Value) {
    items(answer).for_each(|kind| say(format_args!("{:<20}  {}", text(&kind["kind"]), text(&kind["about"]))));
}

pub(super) fn tell_jobs(answer: &Value) {
    for job in items(answer) {
        let (no, state, kind) = (&job["no"], text(&job["state"]), text(&job["kind"]));
        let by = job["schedule"].as_str().map_or_else(|| text(&job["actor"]), |id| text(&id.into()));
        let why = ["waits_for", "problem"].iter().find_map(|name| job[*name].as_str());
        let why = why.map_or_else(String::new, |why| format!("  {}", text(&why.into())));
        say(format_args!("{no:>7}  {}  {state:<9}  {kind:<20}  {by}{why}", at(&job["created_at"])));
    }
}

pub(super) fn tell_job(job: &Value) {
    say(format_args!("job {}  {}  {}", job["no"], text(&job["kind"]), text(&job["state"])));
    say(format_args!("input {}", text(&job["input"])));
    let times = [("made", "created_at"), ("begun", "started_at"), ("over", "finished_at")];
    for (word, name) in times.iter().filter(|(_, name)| job[*name].is_string()) {
        say(format_args!("{word:<5} {}", at(&job[*name])));
    }
    if job["attempts_max"].as_u64() > Some(1) {
        say(format_args!("attempt {} of {}", job["attempt"], job["attempts_max"]));
    }
    for (word, name) in [("waits for", "waits_for"), ("problem", "problem"), ("result", "result")] {
        if !job[name].is_null() {
            say(format_args!("{word}: {}", text(&job[name])));
        }
    }
    let progress = &job["progress"];
    if job["state"] == "running" {
        let total = progress["total"].as_u64().map_or_else(String::new, |total| format!(" of {total}"));
        say(format_args!("{}{total} {}", progress["done"], text(&progress["text"])));
    }
    for line in job["lines"].as_array().into_iter().flatten() {
        let mark = if line["is_problem"] == true { "!" } else { " " };
        say(format_args!("{mark} {}  {}", at(&line["at"]), text(&line["text"])));
    }
}
