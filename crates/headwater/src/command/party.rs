//! `headwater party`: one person on a terminal: who, what is known and from where, what happened, and why
//! the identifiers are one person. Text of others is stripped of what could act on the terminal.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{self, Api, Connection, Page, plain};
use super::say;

/// Show a person or business.
#[derive(Clone, Debug, Args)]
pub struct Party {
    /// A party id, or an identifier such as `mobile:19900001234`, `user_id:u-1`, `email:wang@example.com`
    #[arg(value_name = "ID|KIND:VALUE")]
    who: String,
    #[command(flatten)]
    connection: Connection,
    /// Show the latest N events
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    timeline: Option<u32>,
    /// Show why its identifiers are one person
    #[arg(long)]
    explain: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

/// What is shown, with everything else the API says kept for `--json`.
#[derive(Serialize, Deserialize)]
struct Item {
    id: String,
    identifiers: Vec<Identifier>,
    traits: BTreeMap<String, Value>,
    #[serde(default)]
    provenance: BTreeMap<String, Provenance>,
    event_count: u64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Identifier {
    kind: String,
    value: String,
    #[serde(default)]
    first_seen: String,
    #[serde(default)]
    is_shared: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Provenance {
    source: String,
    time: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Event {
    event: String,
    time: String,
    source: String,
    properties: Value,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Explanation {
    paths: Vec<Route>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Route {
    from: Named,
    to: Named,
    steps: Vec<Link>,
}

#[derive(Serialize, Deserialize)]
struct Named {
    kind: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Link {
    a: Named,
    b: Named,
    cause: String,
    first_seen: Option<String>,
    last_seen: Option<String>,
    evidence: String,
}

impl Party {
    /// Prints the party.
    ///
    /// # Errors
    /// There is none, or the server refuses.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let session = self.connection.open().await?;
            let shown = self.show(&session.api).await;
            session.close().await;
            shown.map(|()| ExitCode::SUCCESS)
        })
    }

    async fn show(&self, api: &Api) -> anyhow::Result<()> {
        let path: Vec<&str> = match self.who.split_once(':') {
            Some((kind, value)) => vec!["parties", "by", kind, value],
            None => vec!["parties", &self.who],
        };
        let item: Item = api.get(&path, &[]).await?;
        let events = match self.timeline {
            Some(most) => Some(events(api, &item.id, most as usize).await?),
            None => None,
        };
        let why: Option<Explanation> = match self.explain {
            true => Some(api.get(&["parties", &item.id, "explain"], &[]).await?),
            false => None,
        };
        if self.json {
            say(json!({ "party": item, "timeline": events, "explain": why }));
            return Ok(());
        }
        tell(&item);
        events.iter().for_each(|events| tell_events(events));
        why.iter().for_each(tell_why);
        Ok(())
    }
}

async fn events(api: &Api, id: &str, most: usize) -> anyhow::Result<Vec<Event>> {
    let (mut events, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let limit = (most - events.len()).min(200).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Page<Event> = api.get(&["parties", id, "timeline"], &query).await?;
        events.extend(page.items);
        match page.next {
            Some(next) if events.len() < most => cursor = Some(next),
            _ => return Ok(events),
        }
    }
}

/// A heading's rows share a width, so that values stand below each other.
fn width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| plain(name).chars().count()).max().unwrap_or(0).min(32)
}

fn tell(item: &Item) {
    let name = item.traits.get("name").and_then(Value::as_str).unwrap_or("(no name)");
    say(format_args!("{}  {}", plain(name), plain(&item.id)));
    let seen = match (&item.first_seen, &item.last_seen) {
        (Some(first), Some(last)) => format!(", {} to {}", moment(first), moment(last)),
        _ => String::new(),
    };
    say(format_args!("{} events{seen}", item.event_count));
    say("\nidentifiers");
    let wide = width(item.identifiers.iter().map(|i| i.kind.as_str()));
    for i in &item.identifiers {
        let shared = if i.is_shared { "  (shared with others at other times)" } else { "" };
        say(format_args!(
            "  {:<wide$}  {}  since {}{shared}",
            plain(&i.kind),
            plain(&i.value),
            moment(&i.first_seen)
        ));
    }
    say("\ntraits");
    let wide = width(item.traits.keys().map(String::as_str));
    for (field, value) in &item.traits {
        let from = item.provenance.get(field);
        let from =
            from.map_or_else(String::new, |p| format!("  ({}, {})", plain(&p.source), moment(&p.time)));
        say(format_args!("  {:<wide$}  {}{from}", plain(field), text(value)));
    }
}

fn tell_events(events: &[Event]) {
    say("\ntimeline");
    for event in events {
        let (event_name, source) = (plain(&event.event), plain(&event.source));
        say(format_args!("  {}  {event_name}  ({source})  {}", moment(&event.time), text(&event.properties)));
    }
}

fn tell_why(why: &Explanation) {
    say("\nwhy these are one person");
    let named = |named: &Named| format!("{}:{}", plain(&named.kind), plain(&named.value));
    for path in &why.paths {
        say(format_args!("  {} = {}", named(&path.from), named(&path.to)));
        for step in &path.steps {
            let when = match (&step.first_seen, &step.last_seen) {
                (Some(first), Some(last)) if first != last => {
                    format!(", {} to {}", moment(first), moment(last))
                }
                (Some(at), _) => format!(", {}", moment(at)),
                _ => String::new(),
            };
            let cause = plain(&step.cause).replace('_', " ");
            say(format_args!(
                "    {} {cause} {}{when}  [{}]",
                named(&step.a),
                named(&step.b),
                plain(&step.evidence)
            ));
        }
    }
}

/// Text as it is, everything else as JSON.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| plain(&value.to_string()), plain)
}

/// `2026-06-30 15:59:59` (UTC) of an RFC 3339 instant.
pub(super) fn moment(at: &str) -> String {
    plain(&at.chars().take(19).collect::<String>().replace('T', " "))
}
