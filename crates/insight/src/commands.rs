//! Applies what people define: audiences and their rules.

use criteria::Rule;
use db::Tx;
use identity::store::node::number_reserve;
use intake::batch::Context;
use intake::command::{Command, Handler};
use kernel::id::base32;
use kernel::{Failure, Key, PartyNo};
use serde::{Deserialize, Serialize};

use crate::live::{all_there, no_circle, users};
use crate::store::audience::{Audience, AudienceNo, Mode, audience_all, audience_by_id, audience_put};

/// A new audience, or another definition of one.
pub const AUDIENCE_PUT: &str = "audience.put";
/// An audience is put away.
pub const AUDIENCE_ARCHIVE: &str = "audience.archive";

/// Name of the sequence.
const AUDIENCES: &str = "audience";

/// Body of [`AUDIENCE_PUT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Put {
    /// The audience to change; a new one if absent.
    #[serde(default)]
    pub audience: Option<String>,
    /// What people call it.
    pub name: String,
    /// When it is looked at again.
    pub mode: Mode,
    /// Its rule.
    pub rule: serde_json::Value,
}

/// Body of [`AUDIENCE_ARCHIVE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Archive {
    /// The audience.
    pub audience: String,
}

/// Applies the commands of insight.
pub struct Define;

impl Handler for Define {
    fn names(&self) -> &'static [&'static str] {
        &[AUDIENCE_PUT, AUDIENCE_ARCHIVE]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        match command.name.as_str() {
            AUDIENCE_PUT => put(tx, context, command),
            _ => archive(tx, context, command),
        }
    }
}

/// The id of the audience a command makes: made of the command's own, so that a replay makes the same.
pub fn audience_id(secret: &[u8; 32], command: &Command) -> String {
    format!("aud_{}", base32(&Key::of(secret, &[b"audience", command.id.as_bytes()]).0))
}

fn body<T: serde::de::DeserializeOwned>(command: &Command) -> kernel::Result<T> {
    serde_json::from_value(command.body.clone()).map_err(|e| Failure::invalid("body", e.to_string()))
}

fn put(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let put: Put = body(command)?;
    let text = put.rule.to_string();
    let rule = Rule::parse(&text)?;
    let audiences = audience_all(&context.scope, tx)?;
    all_there(&rule, &audiences)?;
    no_circle(&rule, put.audience.as_deref().unwrap_or_default(), &audiences)?;
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
            id: audience_id(&context.secret, command),
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
    Ok(audience_put(&context.scope, tx, &audience)?)
}

fn archive(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let archive: Archive = body(command)?;
    let known = audience_by_id(&context.scope, tx, &archive.audience)?.filter(|a| !a.is_archived);
    let known = known.ok_or_else(|| Failure::not_found("audience"))?;
    let users = users(&archive.audience, &audience_all(&context.scope, tx)?);
    if !users.is_empty() {
        return Err(Failure::conflict(format!("other audiences ask for it: {}", users.join(", "))));
    }
    let audience = Audience {
        version: known.version + 1,
        is_archived: true,
        filled: Some(PartyNo(0)),
        actor: command.actor.clone(),
        changed: command.at(),
        ..known
    };
    Ok(audience_put(&context.scope, tx, &audience)?)
}
