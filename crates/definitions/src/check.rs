//! Everything that can be known to be wrong before anything is changed, with the file and line of each.
//!
//! What only the server can know (a text compared with a number, an identity rule against the parties there
//! are) it says when the plan asks it; nothing is changed by then either.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Rule;
use intake::store::plan::PropertyKind;
use jobs::rules::cadence::When;
use kernel::Failure;
use serde_json::Value;

use crate::files::{Definition, Fault, Read};
use crate::kinds::{self, IDENTITY, Kind, World, placeholder};
use crate::plan::names;

/// Characters of the id of a source, an audience and a schedule.
const ID_CHARS_MAX: usize = 64;

/// Everything that is wrong, by file.
pub(crate) fn check(read: &Read, world: &World) -> Vec<Fault> {
    let mut faults = read.faults.clone();
    let ids = |kind: Kind| -> BTreeSet<&str> {
        let known = world.items().iter().filter(|item| item.kind == kind).map(|item| item.id.as_str());
        let named = read.definitions.iter().filter(|file| file.kind == kind).map(|file| file.id.as_str());
        known.chain(named).collect()
    };
    let (audiences, schedules, tags) = (ids(Kind::Audience), ids(Kind::Schedule), ids(Kind::Tag));
    let destinations = ids(Kind::Destination);
    let is_there = |kind: Kind, id: &str| match kind {
        Kind::Tag => tags.contains(id),
        Kind::Audience => audiences.contains(id),
        Kind::Destination => destinations.contains(id),
        // Audiences that have a schedule have it under their id.
        _ => schedules.contains(id) || audiences.contains(id),
    };
    for file in &read.definitions {
        let known = file.kind.fields();
        for name in file.body.as_object().into_iter().flatten().map(|(name, _)| name) {
            if !known.is_empty() && !known.contains(&name.as_str()) {
                let message =
                    format!("`{name}` is no field of `{}`: {}", file.kind.folder().0, known.join(", "));
                faults.push(file.fault(&format!("/{name}"), message));
            }
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let is_named_plainly =
            matches!(file.kind, Kind::Source | Kind::Audience | Kind::Destination | Kind::Schedule);
        if is_named_plainly && (file.id.len() > ID_CHARS_MAX || !file.id.chars().all(is_plain)) {
            let message = format!("an id is 1 to {ID_CHARS_MAX} of `a`–`z`, `0`–`9`, `-`, `_`");
            faults.push(file.fault("/id", message));
        }
        match file.kind {
            Kind::Identity => identity(file, &mut faults),
            Kind::Plan => plan(file, &mut faults),
            Kind::Source => source(file, world, &mut faults),
            Kind::Tag => tag(file, &mut faults),
            Kind::Audience => audience(file, &mut faults),
            Kind::Destination => destination(file, world, &mut faults),
            Kind::Schedule => schedule(file, world, &mut faults),
        }
        for (kind, id) in names(file.kind, &file.id, &file.body) {
            if !is_there(kind, &id) {
                let pointer = match (file.kind, kind) {
                    (Kind::Schedule, Kind::Schedule) => "/when/after",
                    (Kind::Schedule, _) => "/input",
                    (Kind::Destination, _) => "/follows",
                    _ => "/rule",
                };
                faults.push(file.fault(pointer, format!("there is no {} `{id}`", kind.folder().1)));
            }
        }
    }
    rings(read, world, &mut faults);
    faults.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    faults
}

fn identity(file: &Definition, faults: &mut Vec<Fault>) {
    if file.id != IDENTITY {
        faults.push(
            file.fault("/id", format!("there is one document of identity rules; its id is `{IDENTITY}`")),
        );
    }
    let document = match serde_json::from_value::<identity::rules::Document>(file.body.clone()) {
        Ok(document) => document,
        Err(error) => return faults.push(file.fault("", error.to_string())),
    };
    if let Err(wrong) = identity::rules::Rules::new(document) {
        faults.push(file.fault("", Failure::from(wrong).to_string()));
    }
}

fn plan(file: &Definition, faults: &mut Vec<Fault>) {
    let Some(properties) = file.body["properties"].as_object() else {
        return faults.push(file.fault("/properties", "`properties` names the types of properties"));
    };
    for (name, kind) in properties {
        if kind.as_str().and_then(PropertyKind::parse).is_none() {
            let message = "text, number, boolean, list, object or any";
            faults.push(file.fault(&format!("/properties/{name}"), message));
        }
    }
}

fn source(file: &Definition, world: &World, faults: &mut Vec<Fault>) {
    if let Some(key) = file.body.get("write_key")
        && placeholder(key).is_none()
    {
        let message =
            "a secret does not lie in a file; write `${NAME}` for what the environment has under NAME";
        faults.push(file.fault("/write_key", message));
    }
    let project = |body: &Value| body.get("sensors_project").filter(|project| !project.is_null()).cloned();
    if let Some(known) = world.item(Kind::Source, &file.id)
        && project(&known.body) != project(&file.body)
    {
        faults.push(file.fault("/sensors_project", "the project of a source cannot be changed"));
    }
}

fn tag(file: &Definition, faults: &mut Vec<Fault>) {
    match kinds::tag(&file.id, &file.body) {
        Ok(document) => match document.check() {
            Ok(()) => {}
            Err(Failure::Invalid { field, message }) => {
                faults.push(file.fault(&format!("/{}", field.replace('.', "/")), message));
            }
            Err(other) => faults.push(file.fault("", other.to_string())),
        },
        Err(error) => faults.push(file.fault("", error.to_string())),
    }
}

fn audience(file: &Definition, faults: &mut Vec<Fault>) {
    if file.body["name"].as_str().is_none_or(|name| name.trim().is_empty()) {
        faults.push(file.fault("/name", "name the audience, a text"));
    }
    let mode = file.body.get("mode").and_then(Value::as_str).unwrap_or("live");
    if !["live", "scheduled", "static"].contains(&mode)
        || file.body.get("mode").is_some_and(|m| !m.is_string())
    {
        faults.push(file.fault("/mode", "live, scheduled or static"));
    }
    if let Err(wrong) = Rule::parse(&file.body["rule"].to_string()) {
        faults.push(file.fault(&format!("/rule{}", wrong.pointer), wrong.message));
    }
    match file.body.get("schedule") {
        None | Some(Value::Null) => {}
        Some(_) if mode != "scheduled" => {
            faults.push(file.fault("/schedule", "goes with the mode `scheduled` only"));
        }
        Some(when) => time(file, ("/schedule", when), faults),
    }
}

fn destination(file: &Definition, world: &World, faults: &mut Vec<Fault>) {
    let named = &file.body["target"]["secret"];
    let is_kept = named.as_str().is_some_and(|id| world.secrets.contains_key(id));
    if !named.is_null() && placeholder(named).is_none() && !is_kept {
        let message = "a secret does not lie in a file; write `${NAME}` for one that is kept under NAME, or \
                       that the environment has there";
        faults.push(file.fault("/target/secret", message));
    }
    match serde_json::from_value::<activation::rules::definition::Definition>(file.body.clone()) {
        Ok(definition) => match definition.check() {
            Ok(()) => {}
            Err(Failure::Invalid { field, message }) => {
                faults.push(file.fault(&format!("/{}", field.replace('.', "/")), message));
            }
            Err(other) => faults.push(file.fault("", other.to_string())),
        },
        Err(error) => faults.push(file.fault("", error.to_string())),
    }
}

fn schedule(file: &Definition, world: &World, faults: &mut Vec<Fault>) {
    let kind = file.body["kind"].as_str().unwrap_or_default();
    if !world.jobs.contains(kind) {
        let known: Vec<_> = world.jobs.iter().map(String::as_str).collect();
        faults.push(file.fault("/kind", format!("`{kind}` is not one of {}", known.join(", "))));
    }
    time(file, ("/when", &file.body["when"]), faults);
}

fn time(file: &Definition, (pointer, when): (&str, &Value), faults: &mut Vec<Fault>) {
    match serde_json::from_value::<When>(when.clone()) {
        // The workspace's own zone is known to be one.
        Ok(when) => match when.in_zone("UTC").read() {
            Ok(_) => {}
            Err(Failure::Invalid { field, message }) => {
                let below = field.strip_prefix("when").unwrap_or_default().replace('.', "/");
                faults.push(file.fault(&format!("{pointer}{below}"), message));
            }
            Err(other) => faults.push(file.fault(pointer, other.to_string())),
        },
        Err(error) => faults.push(file.fault(pointer, error.to_string())),
    }
}

/// Definitions that would name one another in a ring once everything is applied.
fn rings(read: &Read, world: &World, faults: &mut Vec<Fault>) {
    let known = world.items().iter().map(|item| (item.kind, item.id.as_str(), &item.body));
    let files = read.definitions.iter().map(|file| (file.kind, file.id.as_str(), &file.body));
    // Of files, what they say counts.
    let all: BTreeMap<(Kind, String), BTreeSet<(Kind, String)>> =
        known.chain(files).map(|(kind, id, body)| ((kind, id.to_owned()), names(kind, id, body))).collect();
    for file in &read.definitions {
        let own = (file.kind, file.id.clone());
        let (mut seen, mut next) = (BTreeSet::new(), all.get(&own).into_iter().flatten().collect::<Vec<_>>());
        while let Some(named) = next.pop() {
            if *named == own {
                let pointer = if file.kind == Kind::Schedule { "/when/after" } else { "/rule" };
                let message = format!("`{}` would name itself, through what it names", file.id);
                faults.push(file.fault(pointer, message));
                break;
            }
            if seen.insert(named) {
                next.extend(all.get(named).into_iter().flatten());
            }
        }
    }
}
