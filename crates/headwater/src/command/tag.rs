//! `headwater tag`: tags, scores and stages on a terminal: define one, try it, see who has it and why, say what
//! it is of some parties. Text of others is stripped of what could act on the terminal.

mod import;
mod learn;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use kernel::Failure;
use serde_json::{Value, json};

use super::client::{self, Api, Connection, Page};
use super::party::{moment, text};
use super::say;

/// How often it is looked whether a tag is filled.
const POLL: Duration = Duration::from_millis(250);
/// Items a page of the API has at most.
const PAGE_MAX: usize = 200;

/// Define tags, scores and stages, and see who has them.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Tag {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List all tags, by category
    List(Any),
    /// Define a tag, or define it otherwise, and wait until everybody was looked at
    Put(Put),
    /// Count who would have which value
    Preview(Preview),
    /// Show a tag and its definition
    Show(One),
    /// List who has a tag
    Members(Members),
    /// List what changed, in order
    Changes(Changes),
    /// Show what a tag is of a party, and why
    Explain(Explain),
    /// Say what a tag is of a party
    Assign(Assign),
    /// Say what a tag is of everybody in a file
    Import(import::Import),
    /// Look at everybody again
    Refresh(One),
    /// Learn what the seed of a look-alike has in common
    Fit(learn::Fit),
    /// Compute what models know of everybody
    Constants(learn::Constants),
    /// Put a tag away
    Retire(One),
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
struct Put {
    /// File with the definition as JSON, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Return at once; it is filled in the background
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct Preview {
    /// File with the definition as JSON, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Show at most N parties
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(0..=200))]
    limit: u32,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct One {
    /// Its key
    #[arg(value_name = "TAG")]
    key: String,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct Members {
    #[command(flatten)]
    one: One,
    /// Only those with this value
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    limit: u32,
}

#[derive(Clone, Debug, Args)]
struct Changes {
    #[command(flatten)]
    one: One,
    /// Only changes after this one
    #[arg(long, value_name = "SEQ", default_value = "0")]
    after: u64,
    /// At most N
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
}

#[derive(Clone, Debug, Args)]
struct Explain {
    /// A party id, or an identifier such as `mobile:19900001234`, `user_id:u-1`
    #[arg(value_name = "ID|KIND:VALUE")]
    who: String,
    #[command(flatten)]
    one: One,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

#[derive(Clone, Debug, Args)]
struct Assign {
    #[command(flatten)]
    one: One,
    /// A party id, or an identifier such as `mobile:19900001234`, `user_id:u-1`
    #[arg(value_name = "ID|KIND:VALUE")]
    who: String,
    /// The value, as JSON or as text; what was said before is taken back if absent
    #[arg(value_name = "VALUE")]
    value: Option<String>,
    /// When it goes by itself, such as 2026-06-30T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Where it comes from
    #[arg(long, value_name = "NAME", default_value = "manual")]
    source: String,
}

impl Tag {
    /// Does what was asked.
    ///
    /// # Errors
    /// The definition cannot be read, or the server refuses.
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

impl Action {
    fn any(&self) -> &Any {
        match self {
            Self::List(any) => any,
            Self::Put(put) => &put.any,
            Self::Preview(preview) => &preview.any,
            Self::Show(one) | Self::Refresh(one) | Self::Retire(one) => &one.any,
            Self::Members(members) => &members.one.any,
            Self::Changes(changes) => &changes.one.any,
            Self::Explain(explain) => &explain.one.any,
            Self::Assign(assign) => &assign.one.any,
            Self::Import(import) => &import.one.any,
            Self::Fit(fit) => &fit.one.any,
            Self::Constants(constants) => &constants.any,
        }
    }

    async fn run(&self, api: &Api, is_json: bool) -> anyhow::Result<()> {
        let (answer, tell): (Value, fn(&Value)) = match self {
            Self::List(_) => (every(api, &["tags"], None, usize::MAX).await?, tell_list),
            Self::Put(put) => (put.run(api).await?, tell_tag),
            Self::Preview(preview) => (preview.run(api).await?, tell_preview),
            Self::Show(one) => (api.get(&["tags", &one.key], &[]).await?, tell_tag),
            Self::Members(members) => (members.run(api).await?, tell_members),
            Self::Changes(changes) => (changes.run(api).await?, tell_changes),
            Self::Explain(explain) => (explain.run(api).await?, tell_why),
            Self::Assign(assign) => (assign.run(api).await?, import::tell),
            Self::Import(import) => (import.run(api).await?, import::tell),
            Self::Refresh(one) => (api.post(&["tags", &one.key, "refresh"], &json!({})).await?, tell_tag),
            Self::Fit(fit) => (fit.run(api).await?, learn::tell_fit),
            Self::Constants(constants) => (constants.run(api).await?, learn::tell_constants),
            Self::Retire(one) => (api.delete(&["tags", &one.key]).await?, tell_tag),
        };
        match is_json {
            true => say(answer),
            false => tell(&answer),
        }
        Ok(())
    }
}

impl Put {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let definition = read(&self.file)?;
        let key = definition["key"].as_str().unwrap_or_default().to_owned();
        if key.is_empty() {
            return Err(Failure::invalid("key", "the definition has none").into());
        }
        let mut made: Value = api.put(&["tags", &key], &definition).await?;
        while !self.no_wait && made["is_filled"] == false {
            tokio::time::sleep(POLL).await;
            made = api.get(&["tags", &key], &[]).await?;
        }
        Ok(made)
    }
}

impl Preview {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let definition = read(&self.file)?;
        let body = json!({ "definition": definition, "as_of": self.as_of, "limit": self.limit });
        api.post(&["tags", "preview"], &body).await
    }
}

impl Members {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let value = self.value.as_deref().map(|value| ("value", value));
        every(api, &["tags", &self.one.key, "members"], value, self.limit as usize).await
    }
}

impl Changes {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let (after, limit) = (self.after.to_string(), self.limit.to_string());
        let query = [("after_seq", after.as_str()), ("limit", limit.as_str())];
        api.get(&["tags", &self.one.key, "changes"], &query).await
    }
}

impl Explain {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let party: Value = match self.who.split_once(':') {
            Some((kind, value)) => api.get(&["parties", "by", kind, value], &[]).await?,
            None => json!({ "id": self.who }),
        };
        let body = json!({ "tag": self.one.key, "as_of": self.as_of });
        api.post(&["parties", party["id"].as_str().unwrap_or_default(), "explain_tag"], &body).await
    }
}

impl Assign {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let value = self.value.as_ref().map_or(Value::Null, |text| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        });
        let mut row = json!({ "value": value, "expires_at": self.expires });
        match self.who.split_once(':') {
            Some((kind, value)) => row["identifier"] = json!({ "kind": kind, "value": value }),
            None => row["party"] = self.who.clone().into(),
        }
        let body = json!({ "source": self.source, "rows": [row] });
        api.post(&["tags", &self.one.key, "assign"], &body).await
    }
}

/// Reads a definition. Whether it is one, the server decides.
fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin().lock().take(8 << 20))?,
        false => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
    };
    let not_json = |error: serde_json::Error| Failure::invalid("definition", format!("not JSON: {error}"));
    Ok(serde_json::from_str(&text).map_err(not_json)?)
}

/// The items of a list, at most so many.
async fn every(api: &Api, path: &[&str], with: Option<(&str, &str)>, most: usize) -> anyhow::Result<Value> {
    let (mut items, mut cursor) = (Vec::<Value>::new(), None::<String>);
    loop {
        let limit = (most - items.len()).min(PAGE_MAX).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(with);
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Page<Value> = api.get(path, &query).await?;
        items.extend(page.items);
        match page.next {
            Some(next) if items.len() < most => cursor = Some(next),
            next => return Ok(json!({ "items": items, "next": next })),
        }
    }
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

fn at(value: &Value) -> String {
    moment(value.as_str().unwrap_or_default())
}

fn tell_list(answer: &Value) {
    for tag in items(answer) {
        let definition = &tag["definition"];
        let (kind, name) = (text(&definition["kind"]), text(&definition["name"]));
        let category = definition["category"].as_str().map_or_else(String::new, client::plain);
        let filling = if tag["is_filled"] == false { "  (filling)" } else { "" };
        let share = tag["coverage"].as_f64().unwrap_or_default() * 100.0;
        let key = text(&tag["key"]);
        say(format_args!(
            "{category:<16}  {key:<24}  {:>9}  {share:>5.1} %  {kind:<8}  {name}{filling}",
            tag["count"]
        ));
    }
}

fn tell_tag(tag: &Value) {
    let definition = &tag["definition"];
    say(format_args!("{}  {}", text(&definition["name"]), text(&tag["key"])));
    let state = match (&tag["is_retired"], &tag["is_filled"]) {
        (Value::Bool(true), _) => ", put away",
        (_, Value::Bool(false)) => ", still being filled",
        _ => "",
    };
    say(format_args!("{} parties{state}", tag["count"]));
    let (kind, by) = (text(&definition["kind"]), text(&tag["actor"]));
    say(format_args!("{kind}, version {} of {} by {by}", tag["version"], at(&tag["changed_at"])));
    for member in ["formula", "model", "sql", "rule", "cases"] {
        if let Some(value) = definition.get(member).filter(|value| !value.is_null()) {
            say(format_args!("  {member}: {}", text(value)));
        }
    }
}

fn tell_preview(preview: &Value) {
    let (count, parties) = (&preview["count"], &preview["parties"]);
    say(format_args!("{count} of {parties} parties as of {}", at(&preview["as_of"])));
    for one in preview["distribution"].as_array().into_iter().flatten() {
        say(format_args!("{:>9}  {}", one["count"], text(&one["value"])));
    }
    for one in preview["sample"].as_array().into_iter().flatten() {
        say(format_args!("{}  {}", text(&one["party"]), text(&one["value"])));
    }
}

fn tell_members(answer: &Value) {
    for member in items(answer) {
        let source =
            member["source"].as_str().map_or_else(String::new, |by| format!("  by {}", client::plain(by)));
        say(format_args!(
            "{}  {}  {}{source}",
            text(&member["id"]),
            at(&member["since"]),
            text(&member["value"])
        ));
    }
}

fn tell_changes(answer: &Value) {
    for change in items(answer) {
        let (party, cause) = (text(&change["party"]), text(&change["cause"]));
        let (before, value) = (text(&change["before"]), text(&change["value"]));
        say(format_args!(
            "{:>9}  {}  {party}  {before} -> {value}  {cause}",
            change["seq"],
            at(&change["at"])
        ));
    }
}

fn tell_why(why: &Value) {
    say(format_args!("{}  {}  as of {}", text(&why["party"]), text(&why["value"]), at(&why["as_of"])));
    if why["computed"] != Value::Null {
        say(format_args!("said by {}; computed: {}", text(&why["source"]), text(&why["computed"])));
    }
    if why["changes_at"].is_string() {
        say(format_args!("can change at {}", at(&why["changes_at"])));
    }
    say(text(&why["reasons"]));
}
