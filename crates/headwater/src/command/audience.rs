//! `headwater audience`: audiences on a terminal: define one, try a rule, see who is in it, who came and
//! went, and why. Text of others is stripped of what could act on the terminal.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use kernel::Failure;
use serde_json::{Value, json};

use super::client::{self, Api, Connection, Page, plain};
use super::party::{moment, text};
use super::say;

/// How often it is looked whether an audience is filled.
const POLL: Duration = Duration::from_millis(250);
/// Items a page of the API has at most.
const PAGE_MAX: usize = 200;

/// Define audiences and see who is in them.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Audience {
    #[command(subcommand)]
    action: Action,
}

// A variant's own comment would hide the longer help of its action.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    List(Any),
    Create(Create),
    Preview(Preview),
    Show(One),
    Members(Members),
    Changes(Changes),
    Explain(Explain),
}

/// List all audiences.
#[derive(Clone, Debug, Args)]
struct Any {
    #[command(flatten)]
    connection: Connection,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Define an audience and wait until everybody was looked at.
#[derive(Clone, Debug, Args)]
struct Create {
    /// What people call it
    name: String,
    #[command(flatten)]
    rule: RuleFile,
    /// When it is looked at again
    #[arg(long, value_enum, default_value = "live")]
    mode: Mode,
    /// Return at once; it is filled in the background
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    any: Any,
}

/// Count the parties a rule holds for.
#[derive(Clone, Debug, Args)]
struct Preview {
    #[command(flatten)]
    rule: RuleFile,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Name at most N of them
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(0..=200))]
    limit: u32,
    #[command(flatten)]
    any: Any,
}

/// Show an audience and its rule.
#[derive(Clone, Debug, Args)]
struct One {
    /// Its id
    #[arg(value_name = "AUDIENCE")]
    id: String,
    #[command(flatten)]
    any: Any,
}

/// List who is in an audience.
#[derive(Clone, Debug, Args)]
struct Members {
    #[command(flatten)]
    one: One,
    /// At most N
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    limit: u32,
}

/// List who entered and left an audience, in order.
#[derive(Clone, Debug, Args)]
struct Changes {
    #[command(flatten)]
    members: Members,
    /// Only changes after this one
    #[arg(long, value_name = "SEQ", default_value = "0")]
    after: u64,
}

/// Show why a party is in an audience, or is not.
#[derive(Clone, Debug, Args)]
struct Explain {
    /// A party id, or an identifier such as `mobile:19900001234`, `user_id:u-1`
    #[arg(value_name = "ID|KIND:VALUE")]
    who: String,
    /// The audience
    #[arg(long, value_name = "AUDIENCE", required_unless_present = "rule", conflicts_with = "rule")]
    audience: Option<String>,
    /// Instead of an audience: a file with a rule, or `-` for standard input
    #[arg(long, value_name = "FILE|-")]
    rule: Option<PathBuf>,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    #[command(flatten)]
    any: Any,
}

#[derive(Clone, Debug, Args)]
struct RuleFile {
    /// File with the rule as JSON, or `-` for standard input
    #[arg(long, value_name = "FILE|-")]
    rule: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// With every fact, and when time alone changes it
    Live,
    /// When a job runs
    Scheduled,
    /// Once, now
    Static,
}

impl Audience {
    /// Does what was asked.
    ///
    /// # Errors
    /// The rule cannot be read, or the server refuses.
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
            Self::Create(create) => &create.any,
            Self::Preview(preview) => &preview.any,
            Self::Show(one) => &one.any,
            Self::Members(members) => &members.one.any,
            Self::Changes(changes) => &changes.members.one.any,
            Self::Explain(explain) => &explain.any,
        }
    }

    async fn run(&self, api: &Api, is_json: bool) -> anyhow::Result<()> {
        let (answer, tell): (Value, fn(&Value)) = match self {
            Self::List(_) => (every(api, &["audiences"], &[], usize::MAX).await?, tell_list),
            Self::Create(create) => (create.run(api).await?, tell_audience),
            Self::Preview(preview) => {
                let body = json!({ "rule": read(&preview.rule.rule)?, "as_of": preview.as_of,
                    "limit": preview.limit });
                (api.post(&["audiences", "preview"], &body).await?, tell_preview)
            }
            Self::Show(one) => (api.get(&["audiences", &one.id], &[]).await?, tell_audience),
            Self::Members(members) => {
                let path = ["audiences", &members.one.id, "members"];
                (every(api, &path, &[], members.limit as usize).await?, tell_members)
            }
            Self::Changes(changes) => (changes.run(api).await?, tell_changes),
            Self::Explain(explain) => (explain.run(api).await?, tell_why),
        };
        match is_json {
            true => say(answer),
            false => tell(&answer),
        }
        Ok(())
    }
}

impl Create {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let mode = self.mode.to_possible_value().map(|mode| mode.get_name().to_owned());
        let body = json!({ "name": self.name, "rule": read(&self.rule.rule)?, "mode": mode });
        let mut made: Value = api.post(&["audiences"], &body).await?;
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        while !self.no_wait && made["is_filled"] == false {
            tokio::time::sleep(POLL).await;
            made = api.get(&["audiences", &id], &[]).await?;
        }
        Ok(made)
    }
}

impl Changes {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let Members { one, limit } = &self.members;
        let (mut items, mut after) = (Vec::new(), self.after);
        let mut left = *limit as usize;
        loop {
            let (after_seq, page) = (after.to_string(), left.min(PAGE_MAX).to_string());
            let query = [("after_seq", after_seq.as_str()), ("limit", page.as_str())];
            let mut answer: Value = api.get(&["audiences", &one.id, "changes"], &query).await?;
            after = answer["next_seq"].as_u64().unwrap_or(after);
            let found = answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            left -= found.len().min(left);
            let is_end = found.len() < PAGE_MAX || left == 0;
            items.extend(found);
            if is_end {
                return Ok(json!({ "items": items, "next_seq": after }));
            }
        }
    }
}

impl Explain {
    async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let rule = self.rule.as_ref().map(read).transpose()?;
        let party: Value = match self.who.split_once(':') {
            Some((kind, value)) => api.get(&["parties", "by", kind, value], &[]).await?,
            None => json!({ "id": self.who }),
        };
        let mut body = json!({ "as_of": self.as_of });
        match rule {
            Some(rule) => body["rule"] = rule,
            None => body["audience"] = self.audience.clone().into(),
        }
        api.post(&["parties", party["id"].as_str().unwrap_or_default(), "explain"], &body).await
    }
}

/// Reads a rule. Whether it is one, the server decides.
fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin().lock().take(8 << 20))?,
        false => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
    };
    let not_json = |error: serde_json::Error| Failure::invalid("--rule", format!("not JSON: {error}"));
    Ok(serde_json::from_str(&text).map_err(not_json)?)
}

/// The items of a list, at most so many.
pub(super) async fn every(
    api: &Api,
    path: &[&str],
    filters: &[(&str, &str)],
    most: usize,
) -> anyhow::Result<Value> {
    let (mut items, mut cursor) = (Vec::<Value>::new(), None::<String>);
    loop {
        let limit = (most - items.len()).min(PAGE_MAX).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(filters);
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Page<Value> = api.get(path, &query).await?;
        items.extend(page.items);
        match page.next {
            Some(next) if items.len() < most => cursor = Some(next),
            next => return Ok(json!({ "items": items, "next": next })),
        }
    }
}

pub(super) fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

pub(super) fn at(value: &Value) -> String {
    moment(value.as_str().unwrap_or_default())
}

fn tell_list(answer: &Value) {
    for audience in items(answer) {
        let (id, name, mode) = (text(&audience["id"]), text(&audience["name"]), text(&audience["mode"]));
        let filling = if audience["is_filled"] == false { "  (filling)" } else { "" };
        say(format_args!("{id}  {:>9}  {mode:<9}  {name}{filling}", audience["count"]));
    }
}

fn tell_audience(audience: &Value) {
    let (name, id) = (text(&audience["name"]), text(&audience["id"]));
    say(format_args!("{name}  {id}"));
    let state = match (&audience["is_archived"], &audience["is_filled"]) {
        (Value::Bool(true), _) => ", put away",
        (_, Value::Bool(false)) => ", still being filled",
        _ => "",
    };
    say(format_args!("{} members{state}", audience["count"]));
    let (mode, version, by) = (text(&audience["mode"]), &audience["version"], text(&audience["actor"]));
    say(format_args!("{mode}, version {version} of {} by {by}", at(&audience["changed_at"])));
    for line in audience["text"]["en"].as_str().unwrap_or_default().lines() {
        say(format_args!("  {}", plain(line)));
    }
}

fn tell_preview(preview: &Value) {
    let (count, ms) = (&preview["count"], &preview["elapsed_ms"]);
    say(format_args!("{count} parties as of {}  ({ms} ms)", at(&preview["as_of"])));
    preview["sample"].as_array().into_iter().flatten().for_each(|id| say(text(id)));
}

fn tell_members(answer: &Value) {
    items(answer).for_each(|member| say(format_args!("{}  {}", text(&member["id"]), at(&member["since"]))));
}

fn tell_changes(answer: &Value) {
    for change in items(answer) {
        let entered = if change["entered"] == true { "entered" } else { "left   " };
        let (seq, party, cause) = (&change["seq"], text(&change["party"]), text(&change["cause"]));
        say(format_args!("{seq:>9}  {}  {entered}  {party}  {cause}", at(&change["at"])));
    }
}

fn tell_why(why: &Value) {
    let holds = if why["holds"] == true { "holds" } else { "does not hold" };
    let until = match why["changes_at"].is_string() {
        true => format!("; can change at {}", at(&why["changes_at"])),
        false => String::new(),
    };
    say(format_args!("{}  {holds} as of {}{until}", text(&why["party"]), at(&why["as_of"])));
    tell_part(&why["evidence"], 0);
}

fn tell_part(part: &Value, depth: usize) {
    let (indent, mark) = ("  ".repeat(depth), if part["holds"] == true { "[x]" } else { "[ ]" });
    let name = part["name"].as_str().map_or_else(String::new, |name| format!(" {}", plain(name)));
    let measured = part.get("measured").map_or_else(String::new, |value| format!(": {}", text(value)));
    let compared = match (part.get("op"), part.get("literal")) {
        (Some(op), Some(literal)) => format!(" ({} {})", text(op), text(literal)),
        (Some(op), None) => format!(" ({})", text(op)),
        _ => String::new(),
    };
    say(format_args!("{indent}{mark} {}{name}{measured}{compared}", text(&part["kind"])));
    for event in part["events"].as_array().into_iter().flatten() {
        say(format_args!(
            "{indent}      {}  {}  {}",
            at(&event["time"]),
            text(&event["event"]),
            text(&event["id"])
        ));
    }
    part["members"].as_array().into_iter().flatten().for_each(|part| tell_part(part, depth + 1));
}
