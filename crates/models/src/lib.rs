//! The models of `scoring`, read from what the rule language measures of one party. Pure.
//!
//! ```text
//! plan: rules of one leaf each, which say what a model looks at
//!   │
//!   └─► read: what these rules measure of one party ─► scoring::Facts ─► Model::apply
//! ```
//!
//! The stream and the batch read facts with the same code, so they cannot disagree. What of a party a model
//! reads is written in `scoring::model::needs`; what a workspace calls it otherwise in [`names`]. Loading a
//! party, and everybody, is for the caller.

pub mod apply;
pub mod config;
pub mod features;
pub mod lookalike;
pub mod names;
pub mod plan;
pub mod read;

#[cfg(test)]
mod tests;

pub use apply::{Ready, Said};
pub use config::Config;
pub use features::Features;
pub use lookalike::Lookalike;
pub use names::Names;
pub use plan::Plan;

/// The name under which the constants of all built-in models are kept if nothing else is said.
pub const CONSTANTS: &str = "scoring";
