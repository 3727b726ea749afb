//! The built-in models of `scoring`, read from what is stored.
//!
//! ```text
//! plan: rules of one leaf each, which say what a model looks at
//!   │
//!   ├─► read: what these rules measure of one party ─► scoring::Facts ─► Model::apply
//!   └─► batch: the same for everybody ─► scoring::Constants
//! ```
//!
//! The stream and the batch read facts with the same code, so they cannot disagree. What of a party a model
//! reads is written in `scoring::model::needs`.

pub mod apply;
pub mod batch;
pub mod config;
mod live;
pub mod lookalike;
pub mod names;
pub mod plan;
pub mod read;

#[cfg(test)]
mod tests;

pub use apply::{CONSTANTS, Ready, Said};
pub use config::Config;
pub(crate) use live::prepare;
pub use names::Names;
pub use plan::Plan;
