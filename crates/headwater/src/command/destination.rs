//! `headwater destination`: destinations on a terminal: define one, try it, see how it does, what was sent
//! and what was not.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use kernel::Failure;
use serde_json::{Value, json};

use super::client::{self, Api, Connection, plain};
use super::party::text;
use super::say;

/// Define destinations and see what is sent there.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Destination {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List all destinations
    List(Any),
    /// Define a destination
    Create(Create),
    /// Show a destination and how it does
    Show(One),
    /// Send a test message
    Test(One),
    /// Stop sending for a while
    Pause(One),
    /// Go on sending
    Resume(One),
    /// List what was sent and what was not, the latest first
    Log(Log),
    /// Try all dead letters again
    Replay(One),
    /// Send everybody in an audience, as a list
    Send(Send),
    /// Show the lists that were sent, the latest first
    Lists(One),
    /// Keep a secret for destinations; it is never shown again
    Secret(Secret),
}

#[derive(Clone, Debug, Args)]
struct Any {
    #[command(flatten)]
    connection: Connection,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct Create {
    /// File with the definition as JSON, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct One {
    /// Its id
    #[arg(value_name = "DESTINATION")]
    id: String,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct Log {
    #[command(flatten)]
    one: One,
    /// Only changes that are `waiting`, `delivered`, `dead`, `blocked` or `skipped`
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Clone, Debug, Args)]
struct Send {
    #[command(flatten)]
    one: One,
    /// The audience
    #[arg(long, value_name = "AUDIENCE")]
    audience: String,
}

#[derive(Clone, Debug, Args)]
struct Secret {
    /// What people call it
    name: String,
    /// File with the secret, or `-` for standard input; a fresh key for signed webhooks if absent
    #[arg(long, value_name = "FILE|-")]
    file: Option<PathBuf>,
    #[command(flatten)]
    any: Any,
}

impl Destination {
    /// Does what was asked.
    ///
    /// # Errors
    /// A file cannot be read, or the server refuses.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let any = self.action.any().clone();
            let session = any.connection.open().await?;
            let done = self.action.run(&session.api, any.json).await;
            session.close().await;
            done.map(|()| ExitCode::SUCCESS)
        })
    }
}

/// How an answer is shown to people.
type Tell = fn(&Value);

impl Action {
    fn any(&self) -> &Any {
        match self {
            Self::List(any) => any,
            Self::Create(create) => &create.any,
            Self::Show(one) | Self::Test(one) | Self::Pause(one) | Self::Resume(one) => &one.any,
            Self::Replay(one) | Self::Lists(one) => &one.any,
            Self::Send(send) => &send.one.any,
            Self::Log(log) => &log.one.any,
            Self::Secret(secret) => &secret.any,
        }
    }

    async fn run(&self, api: &Api, is_json: bool) -> anyhow::Result<()> {
        let (answer, tell) = self.ask(api).await?;
        if is_json {
            say(answer);
        } else {
            tell(&answer);
        }
        Ok(())
    }

    async fn ask(&self, api: &Api) -> anyhow::Result<(Value, Tell)> {
        let act = |one: &One, verb: &'static str| {
            let id = one.id.clone();
            async move { api.post(&["destinations", &id, verb], &json!({})).await }
        };
        Ok(match self {
            Self::List(_) => (api.get(&["destinations"], &[("limit", "200")]).await?, tell_all as Tell),
            Self::Create(create) => {
                let definition: Value =
                    serde_json::from_str(&read(&create.file)?).context("the definition is not JSON")?;
                (api.post(&["destinations"], &definition).await?, tell_one)
            }
            Self::Show(one) => (api.get(&["destinations", &one.id], &[]).await?, tell_one),
            Self::Test(one) => (act(one, "test").await?, tell_test),
            Self::Pause(one) => (act(one, "pause").await?, tell_one),
            Self::Resume(one) => (act(one, "resume").await?, tell_one),
            Self::Replay(one) => (act(one, "replay").await?, tell_replay),
            Self::Send(send) => {
                let of = json!({ "audience": send.audience });
                (api.post(&["destinations", &send.one.id, "lists"], &of).await?, tell_begun)
            }
            Self::Lists(one) => {
                (api.get(&["destinations", &one.id, "lists"], &[("limit", "50")]).await?, tell_lists)
            }
            Self::Log(log) => {
                let limit = log.limit.to_string();
                let mut query = vec![("limit", limit.as_str())];
                query.extend(log.state.as_deref().map(|state| ("state", state)));
                (api.get(&["destinations", &log.one.id, "deliveries"], &query).await?, tell_log)
            }
            Self::Secret(secret) => {
                let mut body = json!({ "name": secret.name });
                if let Some(file) = &secret.file {
                    body["value"] = read(file)?.trim_end_matches(['\r', '\n']).into();
                }
                (api.post(&["destination-secrets"], &body).await?, tell_secret)
            }
        })
    }
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display())).map_err(|error| {
        match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::NotFound) => Failure::not_found(format!("{}", file.display())).into(),
            _ => error,
        }
    })
}

fn tell_all(page: &Value) {
    page["items"].as_array().into_iter().flatten().for_each(tell_one);
}

fn tell_one(item: &Value) {
    let (definition, status) = (&item["definition"], &item["status"]);
    say(format_args!(
        "{}  {:<8}  {:<8}  lag {}  delivered {}  waiting {}  dead {}  blocked {}  {}",
        text(&item["id"]),
        text(&definition["target"]["kind"]),
        text(&status["state"]),
        status["lag"],
        status["delivered"],
        status["waiting"],
        status["dead"],
        status["blocked"],
        text(&definition["name"]),
    ));
    if let Some(reason) = status["last_failure"].as_str() {
        say(format_args!("    {}  {}", text(&status["last_failure_at"]), plain(reason)));
    }
}

fn tell_test(tested: &Value) {
    match tested["reason"].as_str() {
        None => say(format_args!("delivered in {} ms", tested["latency_ms"])),
        Some(reason) => say(format_args!("not delivered: {}", plain(reason))),
    }
}

fn tell_replay(replayed: &Value) {
    say(format_args!("{} dead letters will be tried again", replayed["replayed"]));
}

fn tell_log(page: &Value) {
    for item in page["items"].as_array().into_iter().flatten() {
        let verb = if item["entered"] == true { "entered" } else { "left" };
        say(format_args!(
            "{}  {:<9}  {}  {:>6}  {:<7}  {}  {}",
            text(&item["at"]),
            text(&item["state"]),
            text(&item["ledger"]),
            item["seq"],
            verb,
            text(&item["party"]),
            item["reason"].as_str().map_or_else(String::new, plain),
        ));
    }
}

fn tell_begun(begun: &Value) {
    say(format_args!("job {} sends it: `headwater job show {0}`", begun["job"]));
}

fn tell_lists(page: &Value) {
    for item in page["items"].as_array().into_iter().flatten() {
        say(format_args!(
            "{}  job {:>4}  {:<9}  {} at {}  parties {}  blocked {}  {}  {}",
            text(&item["at"]),
            item["job"],
            text(&item["state"]),
            text(&item["ledger"]),
            item["seq"],
            item["parties"],
            item["blocked"],
            item["name"].as_str().unwrap_or_default(),
            item["reason"].as_str().map_or_else(String::new, plain),
        ));
    }
}

fn tell_secret(made: &Value) {
    say(text(&made["id"]));
    if let Some(value) = made["value"].as_str() {
        say(format_args!("{}\nKeep it; it is not shown again.", plain(value)));
    }
}
