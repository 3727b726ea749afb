//! Applies what people define: destinations. A command holds no credential, only the id of one.

use db::Tx;
use identity::store::node::number_reserve;
use intake::batch::Context;
use intake::command::{Command, Handler};
use kernel::id::base32;
use kernel::{Failure, Key};
use serde::{Deserialize, Serialize};

use crate::rules::definition::Definition;
use crate::store::destination::{Destination, DestinationNo, destination_by_id, destination_put};

/// A new destination, or another definition of one.
pub const DESTINATION_PUT: &str = "destination.put";
/// A destination is stopped for a while, or goes on.
pub const DESTINATION_PAUSE: &str = "destination.pause";
/// A destination is put away.
pub const DESTINATION_ARCHIVE: &str = "destination.archive";

/// Name of the sequence.
const DESTINATIONS: &str = "destination";

/// Body of [`DESTINATION_PUT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Put {
    /// The destination to change, or to make under this id; a new one with an id of its own if absent.
    #[serde(default)]
    pub destination: Option<String>,
    /// What it shall be.
    pub definition: Definition,
}

/// Body of [`DESTINATION_PAUSE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// The destination.
    pub destination: String,
    /// Whether it is stopped from now on.
    pub is_paused: bool,
}

/// Body of [`DESTINATION_ARCHIVE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Archive {
    /// The destination.
    pub destination: String,
}

/// Applies the commands of activation.
pub struct Define;

impl Handler for Define {
    fn names(&self) -> &'static [&'static str] {
        &[DESTINATION_PUT, DESTINATION_PAUSE, DESTINATION_ARCHIVE]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        match command.name.as_str() {
            DESTINATION_PUT => put(tx, context, command),
            DESTINATION_PAUSE => {
                let pause: Pause = body(command)?;
                change(tx, context, command, &pause.destination, |known| known.is_paused = pause.is_paused)
            }
            _ => {
                let archive: Archive = body(command)?;
                change(tx, context, command, &archive.destination, |known| known.is_archived = true)
            }
        }
    }
}

/// The id of the destination a command makes: made of the command's own, so that a replay makes the same.
pub fn destination_id(secret: &[u8; 32], command: &Command) -> String {
    format!("dst_{}", base32(&Key::of(secret, &[b"destination", command.id.as_bytes()]).0))
}

fn body<T: serde::de::DeserializeOwned>(command: &Command) -> kernel::Result<T> {
    serde_json::from_value(command.body.clone()).map_err(|e| Failure::invalid("body", e.to_string()))
}

fn put(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let put: Put = body(command)?;
    put.definition.check()?;
    let known = put.destination.as_deref().map(|id| destination_by_id(&context.scope, tx, id)).transpose()?;
    if let Some(mut known) = known.flatten() {
        // One that was put away goes on where it was.
        (known.definition, known.is_archived) = (put.definition, false);
        known.version += 1;
        known.actor = command.actor.clone();
        known.changed = command.at();
        return Ok(destination_put(&context.scope, tx, &known)?);
    }
    let destination = Destination {
        no: DestinationNo(number_reserve(&context.scope, tx, DESTINATIONS, 1)? as u32),
        id: put.destination.unwrap_or_else(|| destination_id(&context.secret, command)),
        version: 1,
        definition: put.definition,
        is_paused: false,
        is_archived: false,
        actor: command.actor.clone(),
        created: command.at(),
        changed: command.at(),
    };
    Ok(destination_put(&context.scope, tx, &destination)?)
}

fn change(
    tx: &mut Tx<'_>,
    context: &Context,
    command: &Command,
    id: &str,
    change: impl FnOnce(&mut Destination),
) -> kernel::Result<()> {
    let known = destination_by_id(&context.scope, tx, id)?.filter(|known| !known.is_archived);
    let mut known = known.ok_or_else(|| Failure::not_found("destination"))?;
    change(&mut known);
    known.version += 1;
    known.actor = command.actor.clone();
    known.changed = command.at();
    Ok(destination_put(&context.scope, tx, &known)?)
}
