//! Getting something out of the house: one folder a channel.
//!
//! A [`Channel`] takes messages that were decided elsewhere (who, what, whether at all) and says what came
//! of each. It keeps nothing, tries once, and never says more of a failure than a person may read in a
//! log: no address with its secrets, no answer of others, nothing of a message. Whatever is reached by a
//! network is reached through the [`Guard`].

pub mod bucket;
mod exchange;
pub mod folder;
mod guard;
mod message;
pub mod place;
pub mod segment;
pub mod sftp;
pub mod table;
mod tls;
pub mod webhook;

pub use guard::{Guard, Network};
pub use message::{Attempt, Message, Outcome, Topic};
pub use place::{FileName, Place};

use kernel::Instant;

/// A way out.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Sends messages as of `now`; one answer for each, in their order. Messages of one party are sent in
    /// the order given, and none after one that failed.
    async fn send(&self, now: Instant, messages: &[Message]) -> Vec<Attempt>;
}
