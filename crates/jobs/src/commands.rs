//! Applies what people define: schedules.

use std::collections::BTreeMap;

use db::Tx;
use intake::batch::Context;
use intake::command::{Command, Handler};
use kernel::{Failure, Instant, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::cadence::When;
use crate::rules::ring::ring;
use crate::store::schedule::{
    Schedule, end_last, schedule_all, schedule_by_id, schedule_put, schedule_remove,
};

/// A new schedule, or another definition of one.
pub const SCHEDULE_PUT: &str = "schedule.put";
/// A schedule is stopped, or goes on.
pub const SCHEDULE_PAUSE: &str = "schedule.pause";
/// A schedule is removed.
pub const SCHEDULE_REMOVE: &str = "schedule.remove";

/// Body of [`SCHEDULE_PUT`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Put {
    /// Its id.
    pub schedule: String,
    /// What people call it.
    pub name: String,
    /// The kind of its jobs.
    pub kind: String,
    /// Their input.
    pub input: Value,
    /// When it is due; its time zone is named.
    pub when: When,
    /// Whether it is stopped.
    pub is_paused: bool,
}

/// Body of [`SCHEDULE_PAUSE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// The schedule.
    pub schedule: String,
    /// Whether it is stopped.
    pub is_paused: bool,
}

/// Body of [`SCHEDULE_REMOVE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remove {
    /// The schedule.
    pub schedule: String,
}

/// Applies the commands of jobs.
pub struct Define;

impl Handler for Define {
    fn names(&self) -> &'static [&'static str] {
        &[SCHEDULE_PUT, SCHEDULE_PAUSE, SCHEDULE_REMOVE]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        let (scope, by) = (&context.scope, By { actor: &command.actor, at: command.at() });
        match command.name.as_str() {
            SCHEDULE_PUT => put(scope, tx, body(command)?, by),
            SCHEDULE_PAUSE => {
                let pause: Pause = body(command)?;
                let known = schedule_by_id(scope, tx, &pause.schedule)?;
                let known = known.ok_or_else(|| Failure::not_found("schedule"))?;
                let is_paused = pause.is_paused;
                let (considered, seen) = (by.at, end_last(scope, tx)?);
                let (actor, changed) = (by.actor.to_owned(), by.at);
                let paused = Schedule { is_paused, actor, changed, considered, seen, ..known };
                Ok(schedule_put(scope, tx, &paused)?)
            }
            _ => remove(scope, tx, &body::<Remove>(command)?.schedule),
        }
    }
}

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub actor: &'a str,
    /// When.
    pub at: Instant,
}

/// Defines a schedule, for this context's command and for those that bring a schedule with them. What was
/// due before this definition is not looked at.
///
/// # Errors
/// [`Failure::Invalid`] if it makes no sense among the others; else as the database says.
pub fn put(scope: &Scope, tx: &mut Tx<'_>, put: Put, by: By<'_>) -> kernel::Result<()> {
    let all = schedule_all(scope, tx)?;
    check(&put, &all)?;
    let known = all.into_iter().find(|schedule| schedule.id == put.schedule);
    let schedule = Schedule {
        id: put.schedule,
        version: known.as_ref().map_or(1, |known| known.version + 1),
        name: put.name,
        kind: put.kind,
        input: put.input.to_string(),
        when: put.when,
        is_paused: put.is_paused,
        actor: by.actor.to_owned(),
        created: known.map_or(by.at, |known| known.created),
        changed: by.at,
        considered: by.at,
        seen: end_last(scope, tx)?,
    };
    Ok(schedule_put(scope, tx, &schedule)?)
}

/// Refuses a schedule that makes no sense among all there are.
///
/// # Errors
/// [`Failure::Invalid`] that names the field.
pub fn check(put: &Put, all: &[Schedule]) -> kernel::Result<()> {
    put.when.read()?;
    let after = put.when.after.as_deref().unwrap_or_default();
    let is_there = |id: &String| *id == put.schedule || all.iter().any(|schedule| schedule.id == *id);
    if let Some(missing) = after.iter().find(|id| !is_there(id)) {
        return Err(Failure::invalid("when.after", format!("there is no schedule `{missing}`")));
    }
    let waits = |schedule: &'_ Schedule| schedule.when.after.clone().unwrap_or_default();
    let known: Vec<(&str, Vec<String>)> =
        all.iter().map(|schedule| (schedule.id.as_str(), waits(schedule))).collect();
    let known: BTreeMap<&str, &[String]> = known.iter().map(|(id, after)| (*id, after.as_slice())).collect();
    if let Some(ring) = ring(&put.schedule, after, &known) {
        let message = format!("the schedules would wait for each other: {}", ring.join(" after "));
        return Err(Failure::invalid("when.after", message));
    }
    Ok(())
}

/// Removes a schedule.
///
/// # Errors
/// [`Failure::NotFound`], or [`Failure::Conflict`] while others wait for it.
pub fn remove(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<()> {
    let all = schedule_all(scope, tx)?;
    if !all.iter().any(|schedule| schedule.id == id) {
        return Err(Failure::not_found("schedule"));
    }
    no_user(id, &all)?;
    Ok(schedule_remove(scope, tx, id)?)
}

/// Refuses if other schedules wait for this one.
///
/// # Errors
/// [`Failure::Conflict`] that names them.
pub fn no_user(id: &str, all: &[Schedule]) -> kernel::Result<()> {
    let waits = |schedule: &&Schedule| schedule.when.after.iter().flatten().any(|after| after == id);
    let users: Vec<_> = all.iter().filter(waits).map(|schedule| schedule.id.as_str()).collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Failure::conflict(format!("other schedules wait for it: {}", users.join(", "))))
}

fn body<T: serde::de::DeserializeOwned>(command: &Command) -> kernel::Result<T> {
    serde_json::from_value(command.body.clone()).map_err(|e| Failure::invalid("body", e.to_string()))
}
