//! Applies what people and jobs define: audiences, tags, constants; and what they say of parties.

mod audience;
mod constants;
mod tag;

use db::Tx;
use intake::batch::Context;
use intake::command::{Command, Handler};
use kernel::Failure;

pub use audience::{AUDIENCE_ARCHIVE, AUDIENCE_PUT, AUDIENCE_REFRESH, Archive, Put, Refresh, audience_id};
pub use constants::{CONSTANTS_PUT, PutConstants};
pub use tag::{
    Assign, Assignment, REPLACE_ROWS_MAX, Replace, Row, TAG_ASSIGN, TAG_PUT, TAG_REFRESH, TAG_REPLACE,
    TAG_RETIRE, TagKey,
};

/// Applies the commands of insight.
pub struct Define;

impl Handler for Define {
    fn names(&self) -> &'static [&'static str] {
        &[
            AUDIENCE_PUT,
            AUDIENCE_ARCHIVE,
            AUDIENCE_REFRESH,
            TAG_PUT,
            TAG_RETIRE,
            TAG_REFRESH,
            TAG_ASSIGN,
            TAG_REPLACE,
            CONSTANTS_PUT,
        ]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        match command.name.as_str() {
            AUDIENCE_PUT => audience::put(tx, context, command),
            AUDIENCE_ARCHIVE => audience::archive(tx, context, command),
            AUDIENCE_REFRESH => audience::refresh(tx, context, command),
            TAG_PUT => tag::put(tx, context, command),
            TAG_RETIRE => tag::retire(tx, context, command),
            TAG_REFRESH => tag::refresh(tx, context, command),
            TAG_ASSIGN => tag::assign(tx, context, command),
            TAG_REPLACE => tag::replace(tx, context, command),
            _ => constants::put(tx, context, command),
        }
    }
}

fn body<T: serde::de::DeserializeOwned>(command: &Command) -> kernel::Result<T> {
    serde_json::from_value(command.body.clone()).map_err(|e| Failure::invalid("body", e.to_string()))
}
