//! The kinds of definition: where each lies in the API, and how a change of one is carried out.
//!
//! In the order in which they are applied: what others name comes first.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Rule;
use jobs::rules::cadence::When;
use serde_json::{Map, Value, json};

use crate::plan::Step;
use crate::{Server, secret};

/// Parties named of those who would enter or leave.
const SAMPLE: u32 = 3;

/// A kind of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The identity rules, one document.
    Identity,
    /// An event of the tracking plan, with the types of its properties that people set.
    Plan,
    /// A source, without its write key.
    Source,
    /// A tag, score or stage.
    Tag,
    /// An audience, with its schedule if it has one of its own.
    Audience,
    /// A destination, without its secrets.
    Destination,
    /// A schedule that is no audience's own.
    Schedule,
}

/// The id of the one document of identity rules.
pub(crate) const IDENTITY: &str = "rules";

/// A definition of the workspace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) body: Value,
}

/// What the workspace defines, and what definitions may name besides.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) items: Vec<Item>,
    pub(crate) time_zone: String,
    /// Kinds of job.
    pub(crate) jobs: BTreeSet<String>,
    /// The names of the secrets of destinations, by id.
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Identity,
        Self::Plan,
        Self::Source,
        Self::Tag,
        Self::Audience,
        Self::Destination,
        Self::Schedule,
    ];

    /// Its folder, and what one of it is called.
    pub(crate) fn folder(self) -> (&'static str, &'static str) {
        match self {
            Self::Identity => ("identity", "identity"),
            Self::Plan => ("plan", "event"),
            Self::Source => ("sources", "source"),
            Self::Tag => ("tags", "tag"),
            Self::Audience => ("audiences", "audience"),
            Self::Destination => ("destinations", "destination"),
            Self::Schedule => ("schedules", "schedule"),
        }
    }

    /// The fields of a definition; others are mistakes. Nothing if the whole is read elsewhere.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Identity | Self::Tag | Self::Destination => &[],
            Self::Plan => &["properties"],
            Self::Source => &[
                "is_enabled",
                "origins",
                "events_per_second",
                "priority",
                "grade",
                "sensors_project",
                "write_key",
            ],
            Self::Audience => &["name", "mode", "rule", "schedule"],
            Self::Schedule => &["name", "kind", "input", "when", "is_paused"],
        }
    }

    /// Whether what no file names can be taken away.
    pub(crate) fn is_removable(self) -> bool {
        matches!(self, Self::Tag | Self::Audience | Self::Destination | Self::Schedule)
    }

    /// The definition with everything said that may be left out, and in one way only: equal if they mean the
    /// same. What cannot be read stays as it is.
    pub(crate) fn normal(self, id: &str, body: &Value, world: &World) -> Value {
        let field = |name: &str, default: Value| body.get(name).cloned().unwrap_or(default);
        let when = |value: &Value| {
            let read: Option<When> = serde_json::from_value(value.clone()).ok();
            read.map_or_else(|| value.clone(), |when| json!(when.in_zone(&world.time_zone)))
        };
        match self {
            Self::Identity => {
                let read: Option<identity::rules::Document> = serde_json::from_value(body.clone()).ok();
                read.and_then(|document| serde_json::to_value(document).ok()).unwrap_or_else(|| body.clone())
            }
            Self::Tag => {
                let read = tag(id, body).ok().and_then(|document| serde_json::to_value(document).ok());
                read.unwrap_or_else(|| body.clone())
            }
            Self::Plan => body.clone(),
            Self::Destination => secret::normal(body, world),
            Self::Source => json!({
                "is_enabled": field("is_enabled", json!(true)), "origins": field("origins", json!([])),
                "events_per_second": field("events_per_second", json!(0)),
                "priority": field("priority", json!(0)), "grade": field("grade", json!("C")),
                "sensors_project": field("sensors_project", Value::Null),
            }),
            Self::Audience => {
                let rule = field("rule", Value::Null);
                let rule =
                    Rule::parse(&rule.to_string()).ok().and_then(|r| serde_json::from_str(&r.to_json()).ok());
                json!({ "name": field("name", Value::Null), "mode": field("mode", json!("live")),
                    "rule": rule.unwrap_or_else(|| field("rule", Value::Null)),
                    "schedule": when(&field("schedule", Value::Null)) })
            }
            Self::Schedule => json!({
                "name": field("name", json!(id)), "kind": field("kind", Value::Null),
                "input": field("input", json!({})), "when": when(&field("when", Value::Null)),
                "is_paused": field("is_paused", json!(false)),
            }),
        }
    }

    /// Makes the change. Returns what people must know of it.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub(crate) async fn carry_out(self, api: &dyn Server, step: &Step) -> anyhow::Result<Option<String>> {
        let id = step.id.as_str();
        let Some(new) = &step.new else {
            // What can be removed lies under the name of its folder.
            api.delete(&[self.folder().0, id]).await?;
            return Ok(None);
        };
        let with_id = |body: &Value| {
            let mut whole = body.clone();
            whole["id"] = id.into();
            whole
        };
        match self {
            Self::Identity => drop(api.put(&["identity", "rules"], new).await?),
            Self::Plan => {
                let old = step.old.as_ref().and_then(|old| old["properties"].as_object());
                for (property, kind) in new["properties"].as_object().into_iter().flatten() {
                    if old.and_then(|old| old.get(property)) != Some(kind) {
                        api.put(&["plan", id, property], &json!({ "kind": kind })).await?;
                    }
                }
            }
            Self::Source => return source(api, step, with_id(new)).await,
            Self::Tag => {
                let mut document = new.clone();
                document["key"] = id.into();
                api.put(&["tags", id], &document).await?;
            }
            Self::Audience if step.old.is_none() => drop(api.post(&["audiences"], &with_id(new)).await?),
            Self::Audience => {
                api.put(&["audiences", id], new).await?;
                let had = step.old.as_ref().is_some_and(|old| !old["schedule"].is_null());
                if had && new["schedule"].is_null() && new["mode"] == "scheduled" {
                    api.delete(&["schedules", id]).await?;
                }
            }
            Self::Destination => {
                let (body, note) = secret::kept(api, new).await?;
                api.put(&["destinations", id], &body).await?;
                return Ok(note);
            }
            Self::Schedule => drop(api.put(&["schedules", id], new).await?),
        }
        Ok(None)
    }

    /// What the change would do to parties, as far as the server can tell beforehand.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(crate) async fn foresee(
        self,
        api: &dyn Server,
        step: &Step,
        world: &World,
    ) -> anyhow::Result<Vec<String>> {
        let rule = |body: &Option<Value>| Some(self.normal(&step.id, body.as_ref()?, world)["rule"].clone());
        match (self, &step.new) {
            (Self::Identity, Some(new)) => {
                let report: Value = api.post(&["identity", "dry-run"], new).await?;
                Ok(vec![format!(
                    "parties: {} now, {} then; {} merge, {} split",
                    report["parties_before"], report["parties_after"], report["merges"], report["splits"]
                )])
            }
            (Self::Audience, _) => match (rule(&step.old), rule(&step.new)) {
                (None, Some(new)) => preview(api, "entering", &new).await,
                (Some(old), None) => preview(api, "leaving", &old).await,
                (Some(old), Some(new)) if old != new => {
                    let mut lines =
                        preview(api, "entering", &json!({ "all": [new, { "none": [old] }] })).await?;
                    lines.extend(preview(api, "leaving", &json!({ "all": [old, { "none": [new] }] })).await?);
                    Ok(lines)
                }
                _ => Ok(Vec::new()),
            },
            _ => Ok(Vec::new()),
        }
    }
}

/// Makes or changes a source. A write key that nobody named is told once.
async fn source(api: &dyn Server, step: &Step, mut whole: Value) -> anyhow::Result<Option<String>> {
    let fields = whole.as_object_mut().map(std::mem::take).unwrap_or_default();
    let (mut change, mut making): (Map<_, _>, Map<_, _>) = Default::default();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "id" | "sensors_project" => drop(making.insert(name, value)),
            "write_key" => drop(making.insert(name, resolved(&value)?.into())),
            "is_enabled" => drop(change.insert(name, value)),
            _ => {
                change.insert(name.clone(), value.clone());
                making.insert(name, value);
            }
        }
    }
    let mut note = None;
    if step.old.is_none() {
        let named = making.contains_key("write_key");
        let made: Value = api.post(&["sources"], &Value::Object(making)).await?;
        if !named {
            note = Some(format!("its write key, shown this once: {}", text(&made["write_key"])));
        }
        change.retain(|name, value| name == "is_enabled" && *value == json!(false));
    }
    if !change.is_empty() {
        api.patch(&["sources", &step.id], &Value::Object(change)).await?;
    }
    Ok(note)
}

/// A tag's document, of its key and everything else.
///
/// # Errors
/// It is none.
pub(crate) fn tag(key: &str, body: &Value) -> serde_json::Result<insight::rules::tag::Document> {
    let mut whole = body.clone();
    whole["key"] = key.into();
    serde_json::from_value(whole)
}

/// The name in `${NAME}`.
pub(crate) fn placeholder(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.is_empty())
}

/// A secret, from the environment.
pub(crate) fn resolved(value: &Value) -> anyhow::Result<String> {
    let name = placeholder(value).unwrap_or_default();
    let found = std::env::var_os(name).and_then(|secret| secret.into_string().ok());
    found.ok_or_else(|| anyhow::anyhow!("the environment has no `{name}`"))
}

async fn preview(api: &dyn Server, word: &str, rule: &Value) -> anyhow::Result<Vec<String>> {
    let asked = api.post(&["audiences", "preview"], &json!({ "rule": rule, "limit": SAMPLE })).await;
    let answer = match asked {
        Ok(answer) => answer,
        // It asks for an audience that is only made by this plan.
        Err(error) if api.is_invalid(&error) => {
            return Ok(vec![format!("{word}: not known before what it asks for is there")]);
        }
        Err(error) => return Err(error),
    };
    let sample: Vec<_> = answer["sample"].as_array().into_iter().flatten().map(text).collect();
    let sample = if sample.is_empty() { String::new() } else { format!(", such as {}", sample.join(", ")) };
    Ok(vec![format!("{word}: {}{sample}", answer["count"])])
}

impl World {
    /// Asks for everything the workspace defines.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached.
    pub(crate) async fn fetch(api: &dyn Server) -> anyhow::Result<Self> {
        let workspace: Value = api.get(&["workspace"]).await?;
        let rules: Value = api.get(&["identity", "rules"]).await?;
        let kinds = api.every(&["jobs", "kinds"]).await?;
        let mut world = Self {
            items: Vec::new(),
            time_zone: text(&workspace["time_zone"]),
            jobs: kinds.iter().map(|kind| text(&kind["kind"])).collect(),
            secrets: secret::names(api).await?,
        };
        if rules["version"].as_u64() > Some(0) {
            world.put(Kind::Identity, IDENTITY, rules["rules"].clone());
        }
        world.plan(&api.every(&["plan"]).await?);
        for source in api.every(&["sources"]).await? {
            let id = source["id"].as_str().unwrap_or_default().to_owned();
            world.put(Kind::Source, &id, only(&source, Kind::Source.fields()));
        }
        for tag in api.every(&["tags"]).await? {
            let mut body = tag["definition"].clone();
            body.as_object_mut().and_then(|body| body.shift_remove("key"));
            if tag["is_retired"] != true && body.is_object() {
                world.put(Kind::Tag, tag["key"].as_str().unwrap_or_default(), body);
            }
        }
        let mut schedules = api.every(&["schedules"]).await?;
        for audience in api.every(&["audiences"]).await? {
            let id = audience["id"].as_str().unwrap_or_default().to_owned();
            let mut body = only(&audience, &["name", "mode", "rule"]);
            if let Some(at) = schedules.iter().position(|schedule| schedule["id"] == audience["id"]) {
                body["schedule"] = schedules.remove(at)["when"].take();
            }
            world.put(Kind::Audience, &id, body);
        }
        for destination in api.every(&["destinations"]).await? {
            let body = secret::named(&destination["definition"], &world.secrets);
            world.put(Kind::Destination, destination["id"].as_str().unwrap_or_default(), body);
        }
        for schedule in schedules {
            let id = schedule["id"].as_str().unwrap_or_default().to_owned();
            let mut body = only(&schedule, Kind::Schedule.fields());
            if body["is_paused"] == false {
                body.as_object_mut().and_then(|body| body.shift_remove("is_paused"));
            }
            world.put(Kind::Schedule, &id, body);
        }
        Ok(world)
    }

    pub(crate) fn put(&mut self, kind: Kind, id: &str, body: Value) {
        self.items.push(Item { kind, id: id.to_owned(), body });
    }

    /// The properties people planned, by event.
    fn plan(&mut self, properties: &[Value]) {
        for property in properties.iter().filter(|property| property["status"] == "planned") {
            let (event, name) = (text(&property["event"]), text(&property["property"]));
            let known = self.items.iter().position(|item| item.kind == Kind::Plan && item.id == event);
            let at = known.unwrap_or_else(|| {
                self.put(Kind::Plan, &event, json!({ "properties": {} }));
                self.items.len() - 1
            });
            self.items[at].body["properties"][name] = property["kind"].clone();
        }
    }

    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(crate) fn item(&self, kind: Kind, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.kind == kind && item.id == id)
    }
}

/// These fields of an object, in this order, without those that are null.
fn only(value: &Value, fields: &[&str]) -> Value {
    let field = |name: &&str| Some(((*name).to_owned(), value.get(*name).filter(|v| !v.is_null())?.clone()));
    Value::Object(fields.iter().filter_map(field).collect())
}

/// The text of a value; nothing of others.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
