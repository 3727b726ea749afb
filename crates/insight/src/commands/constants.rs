//! What is known of everybody together, computed by a job and put into the log, so that a replay applies the
//! same to everybody.

use db::Tx;
use intake::batch::Context;
use intake::command::Command;
use kernel::{Failure, PartyNo};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use crate::rules::tag::{Document, How};
use crate::store::constant::{Constants, constant_current, constant_put};
use crate::store::tag::{tag_all, tag_fill};

/// Constants were computed.
pub const CONSTANTS_PUT: &str = "constants.put";

/// Characters of a name.
const NAME_CHARS_MAX: usize = 128;

/// Body of [`CONSTANTS_PUT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutConstants {
    /// What models call them.
    pub name: String,
    /// The constants.
    pub body: Value,
}

/// Puts the next version; every tag that applies it is filled again.
pub(super) fn put(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let put: PutConstants = body(command)?;
    if put.name.is_empty() || put.name.chars().count() > NAME_CHARS_MAX {
        return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters")));
    }
    let scope = &context.scope;
    let version = constant_current(scope, tx)?.get(&put.name).map_or(1, |known| known.version + 1);
    let constants = Constants {
        name: put.name,
        version,
        body: put.body.to_string(),
        actor: command.actor.clone(),
        at: command.at(),
    };
    constant_put(scope, tx, &constants)?;
    for tag in tag_all(scope, tx)? {
        let how = Document::parse(&tag.body).and_then(|document| document.how());
        if !tag.is_retired && matches!(how, Ok(How::Model { constants: name, .. }) if name == constants.name)
        {
            tag_fill(scope, tx, tag.no, Some(PartyNo(0)))?;
        }
    }
    Ok(())
}
