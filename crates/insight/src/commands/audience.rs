//! Audiences: defined, put away, refreshed.

use criteria::Rule;
use criteria::cycle::Reference;
use db::Tx;
use identity::store::node::number_reserve;
use intake::batch::Context;
use intake::command::Command;
use jobs::commands::By;
use jobs::rules::cadence::When;
use jobs::store::schedule::schedule_by_id;
use kernel::id::base32;
use kernel::{Failure, Key, PartyNo};
use serde::{Deserialize, Serialize};

use super::body;
use crate::live::Catalogue;
use crate::refresh::{self as job, AUDIENCE_REFRESH_KIND};
use crate::store::audience::{Audience, AudienceNo, Mode, audience_by_id, audience_fill, audience_put};

/// A new audience, or another definition of one.
pub const AUDIENCE_PUT: &str = "audience.put";
/// An audience is put away.
pub const AUDIENCE_ARCHIVE: &str = "audience.archive";
/// Everybody is looked at again for a scheduled audience.
pub const AUDIENCE_REFRESH: &str = "audience.refresh";

/// Name of the sequence.
const AUDIENCES: &str = "audience";

/// Body of [`AUDIENCE_PUT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Put {
    /// The audience to change; a new one if absent.
    #[serde(default)]
    pub audience: Option<String>,
    /// The id of a new one; one of its own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_id: Option<String>,
    /// What people call it.
    pub name: String,
    /// When it is looked at again.
    pub mode: Mode,
    /// Its rule.
    pub rule: serde_json::Value,
    /// When a scheduled audience is refreshed; as it was if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<When>,
}

/// Body of [`AUDIENCE_ARCHIVE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Archive {
    /// The audience.
    pub audience: String,
}

/// Body of [`AUDIENCE_REFRESH`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// The audience.
    pub audience: String,
}

/// The id of the audience a command makes: made of the command's own, so that a replay makes the same.
pub fn audience_id(secret: &[u8; 32], command: &Command) -> String {
    format!("aud_{}", base32(&Key::of(secret, &[b"audience", command.id.as_bytes()]).0))
}

pub(super) fn put(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let put: Put = body(command)?;
    let text = put.rule.to_string();
    let rule = Rule::parse(&text)?;
    let catalogue = Catalogue::read(&context.scope, tx)?;
    let asks = rule.references();
    catalogue.all_there("rule", &asks)?;
    let own = Reference::Audience(put.audience.clone().unwrap_or_default());
    catalogue.no_circle("rule", own, asks)?;
    let audience = match &put.audience {
        Some(id) => {
            let known = audience_by_id(&context.scope, tx, id)?.filter(|audience| !audience.is_archived);
            let known = known.ok_or_else(|| Failure::not_found("audience"))?;
            let is_same = known.rule == text && known.mode == put.mode;
            // Another name alone changes nobody's membership.
            let filled = if is_same { known.filled } else { Some(PartyNo(0)) };
            Audience { version: known.version + 1, filled, ..known }
        }
        None => Audience {
            no: AudienceNo(number_reserve(&context.scope, tx, AUDIENCES, 1)? as u32),
            id: new_id(tx, context, command, put.new_id)?,
            version: 1,
            name: String::new(),
            mode: put.mode,
            rule: String::new(),
            is_archived: false,
            actor: String::new(),
            created: command.at(),
            changed: command.at(),
            filled: Some(PartyNo(0)),
            last_seq: 0,
            members: 0,
        },
    };
    let actor = command.actor.clone();
    let audience =
        Audience { name: put.name, mode: put.mode, rule: text, actor, changed: command.at(), ..audience };
    audience_put(&context.scope, tx, &audience)?;
    schedule(tx, context, command, (&audience, put.schedule))
}

/// The id of a new audience: the one that was asked for, if it is free.
fn new_id(
    tx: &mut Tx<'_>,
    context: &Context,
    command: &Command,
    wanted: Option<String>,
) -> kernel::Result<String> {
    let Some(id) = wanted else { return Ok(audience_id(&context.secret, command)) };
    match audience_by_id(&context.scope, tx, &id)? {
        Some(_) => Err(Failure::conflict(format!("there is, or was, an audience `{id}`"))),
        None => Ok(id),
    }
}

/// Gives a scheduled audience its schedule, which has the audience's id; others have none.
fn schedule(
    tx: &mut Tx<'_>,
    context: &Context,
    command: &Command,
    (audience, when): (&Audience, Option<When>),
) -> kernel::Result<()> {
    let scope = &context.scope;
    let is_scheduled = audience.mode == Mode::Scheduled && !audience.is_archived;
    if !is_scheduled && when.is_some() {
        return Err(Failure::invalid("schedule", "goes with the mode `scheduled` only"));
    }
    if let Some(when) = when {
        let put = jobs::commands::Put {
            schedule: audience.id.clone(),
            name: audience.name.clone(),
            kind: AUDIENCE_REFRESH_KIND.to_owned(),
            input: job::input(&audience.id),
            when,
            is_paused: false,
        };
        return jobs::commands::put(scope, tx, put, By { actor: &command.actor, at: command.at() });
    }
    if !is_scheduled && schedule_by_id(scope, tx, &audience.id)?.is_some() {
        return jobs::commands::remove(scope, tx, &audience.id);
    }
    Ok(())
}

pub(super) fn refresh(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let refresh: Refresh = body(command)?;
    let known = audience_by_id(&context.scope, tx, &refresh.audience)?;
    let known = known.filter(|audience| audience.mode == Mode::Scheduled && !audience.is_archived);
    let known = known.ok_or_else(|| Failure::not_found("scheduled audience"))?;
    Ok(audience_fill(&context.scope, tx, known.no, Some(PartyNo(0)))?)
}

pub(super) fn archive(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let archive: Archive = body(command)?;
    let known = audience_by_id(&context.scope, tx, &archive.audience)?.filter(|a| !a.is_archived);
    let known = known.ok_or_else(|| Failure::not_found("audience"))?;
    let own = Reference::Audience(archive.audience.clone());
    let users = Catalogue::read(&context.scope, tx)?.users(&own);
    if !users.is_empty() {
        return Err(Failure::conflict(format!("it is asked for by {}", users.join(", "))));
    }
    let audience = Audience {
        version: known.version + 1,
        is_archived: true,
        filled: Some(PartyNo(0)),
        actor: command.actor.clone(),
        changed: command.at(),
        ..known
    };
    audience_put(&context.scope, tx, &audience)?;
    schedule(tx, context, command, (&audience, None))
}
