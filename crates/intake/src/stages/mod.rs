//! The stages of intake, in the order events pass them.

pub mod dedupe;
mod check_plan;
mod filter;
mod keep_objects;
pub mod members;
mod quarantine_rejects;

pub use check_plan::CheckPlan;
pub use dedupe::{Dedupe, Remember, Seen};
pub use keep_objects::KeepObjects;
pub use quarantine_rejects::QuarantineRejects;
