//! `headwater schedule`: what runs by itself, when, and why it did not, on a terminal.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use kernel::Failure;
use serde_json::{Value, json};

use super::audience::{at, every, items};
use super::client::{self, Api};
use super::job::{Any, Waiting};
use super::party::text;
use super::say;

/// Define what runs by itself, and see why it did or did not.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Schedule {
    #[command(subcommand)]
    action: Action,
}

// A variant's own comment would hide the longer help of its action.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List schedules with the next time each is due
    List(Any),
    /// Show a schedule: its next times, what it waits for, and why it ran or did not
    Show(One),
    Set(Set),
    /// Stop a schedule; what is due meanwhile is not made up for
    Pause(One),
    /// Let a schedule go on
    Resume(One),
    Run(RunNow),
    /// Remove a schedule; its jobs stay
    Remove(One),
}

#[derive(Clone, Debug, Args)]
struct One {
    /// Its id
    #[arg(value_name = "SCHEDULE")]
    id: String,
    #[command(flatten)]
    any: Any,
}

/// Define a schedule, new or otherwise.
#[derive(Clone, Debug, Args)]
struct Set {
    #[command(flatten)]
    one: One,
    /// The kind of its jobs; `headwater job kinds` lists them
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// Their input, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
    /// What people call it; its id if absent
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    when: When,
    /// With --cron: the time zone it is meant in; the workspace's if absent
    #[arg(long, value_name = "ZONE", requires = "cron")]
    time_zone: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct When {
    /// At these times: minute, hour, day of the month, month, day of the week
    #[arg(long, value_name = "TEXT")]
    cron: Option<String>,
    /// Every N minutes
    #[arg(long, value_name = "N")]
    every_minutes: Option<u32>,
    /// Whenever each of these schedules has run again and succeeded
    #[arg(long, value_name = "SCHEDULES", value_delimiter = ',')]
    after: Option<Vec<String>>,
}

/// Run what a schedule runs, now.
#[derive(Clone, Debug, Args)]
struct RunNow {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    waiting: Waiting,
}

impl Schedule {
    /// Does what was asked.
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
            Self::List(any) => any,
            Self::Show(one) | Self::Pause(one) | Self::Resume(one) | Self::Remove(one) => &one.any,
            Self::Set(set) => &set.one.any,
            Self::Run(run) => &run.one.any,
        }
    }

    async fn run(&self, api: &Api, any: &Any) -> anyhow::Result<ExitCode> {
        let (answer, tell): (Value, fn(&Value)) = match self {
            Self::List(_) => (every(api, &["schedules"], &[], usize::MAX).await?, tell_list),
            Self::Show(one) => (api.get(&["schedules", &one.id], &[]).await?, tell_schedule),
            Self::Set(set) => (api.put(&["schedules", &set.one.id], &set.body()?).await?, tell_schedule),
            Self::Pause(one) => {
                (api.post(&["schedules", &one.id, "pause"], &json!({})).await?, tell_schedule)
            }
            Self::Resume(one) => {
                (api.post(&["schedules", &one.id, "resume"], &json!({})).await?, tell_schedule)
            }
            Self::Run(run) => {
                let made = api.post(&["schedules", &run.one.id, "run"], &json!({})).await?;
                return run.waiting.wait(api, any, made).await;
            }
            Self::Remove(one) => (api.delete(&["schedules", &one.id]).await?, tell_removed),
        };
        match any.json {
            true => say(answer),
            false => tell(&answer),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn body(&self) -> anyhow::Result<Value> {
        let not_json = |e: serde_json::Error| Failure::invalid("--input", format!("not JSON: {e}"));
        let input: Value = serde_json::from_str(&self.input).map_err(not_json)?;
        let When { cron, every_minutes, after } = &self.when;
        let parts = [
            ("cron", json!(cron)),
            ("time_zone", json!(self.time_zone)),
            ("every_minutes", json!(every_minutes)),
            ("after", json!(after)),
        ];
        let when: serde_json::Map<_, _> =
            parts.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.to_owned(), v)).collect();
        Ok(json!({ "name": self.name, "kind": self.kind, "input": input, "when": when }))
    }
}

fn tell_list(answer: &Value) {
    for schedule in items(answer) {
        let next = match (&schedule["is_paused"], schedule["next_at"].get(0)) {
            (Value::Bool(true), _) => "paused".to_owned(),
            (_, Some(next)) => at(next),
            _ => "-".to_owned(),
        };
        let (id, kind, when) = (text(&schedule["id"]), text(&schedule["kind"]), text(&schedule["text"]));
        say(format_args!("{id:<24}  {next:<19}  {kind:<20}  {when}"));
    }
}

fn tell_schedule(schedule: &Value) {
    say(format_args!("{}  {}", text(&schedule["id"]), text(&schedule["name"])));
    say(format_args!("{} {}", text(&schedule["kind"]), text(&schedule["input"])));
    let paused = if schedule["is_paused"] == true { ", paused" } else { "" };
    say(format_args!("{}{paused}", text(&schedule["text"])));
    for next in schedule["next_at"].as_array().into_iter().flatten() {
        say(format_args!("  due {}", at(next)));
    }
    if let Some(why) = schedule["why"].as_str() {
        say(format_args!("now: {}", text(&why.into())));
    }
    for decision in schedule["decisions"].as_array().into_iter().flatten() {
        let what = match decision["job"].as_u64() {
            Some(job) => format!("job {job}"),
            None => text(&decision["detail"]),
        };
        say(format_args!("  {}  {:<18}  {what}", at(&decision["due_at"]), text(&decision["reason"])));
    }
}

fn tell_removed(schedule: &Value) {
    say(format_args!("{} is removed", text(&schedule["id"])));
}
