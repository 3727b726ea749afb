//! Commands: what people decide enters the log like an event, so that a replay decides the same.
//!
//! A route checks a command, submits it, and answers once the pipeline has applied it. The pipeline
//! applies it inside the transaction of its batch, through the handler of the context it belongs to.

use std::pin::Pin;

use db::Tx;
use kernel::{Instant, Scope};
use serde_json::Value;

use crate::batch::Context;

/// One thing to be done, as it is written into the log.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Command {
    /// What to do, for example `identity.merge`.
    pub name: String,
    /// A fresh id: a command that is replayed is recognised by it. Hexadecimal.
    pub id: String,
    /// When it was given, in microseconds.
    pub at_us: i64,
    /// Who gave it.
    pub actor: String,
    /// The particulars.
    pub body: Value,
}

impl Command {
    /// When it was given.
    pub fn at(&self) -> Instant {
        Instant(self.at_us)
    }
}

/// What a route may ask for.
pub trait Commands: Send + Sync {
    /// Appends a command to the workspace's log and resolves when the pipeline has applied it.
    ///
    /// # Errors
    /// The log cannot take it, or the pipeline does not get to it in time (it will be applied later).
    fn submit<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'static str,
        body: Value,
    ) -> Pin<Box<dyn Future<Output = kernel::Result<Command>> + Send + 'a>>;
}

/// What a context does with its commands.
pub trait Handler: Send {
    /// The commands it knows.
    fn names(&self) -> &'static [&'static str];

    /// Applies one. The caller records it in the audit log.
    ///
    /// # Errors
    /// The command does not fit the state; it is skipped, and nothing of it is kept.
    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()>;
}
