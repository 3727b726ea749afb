//! The stages of intake, in the order events pass them.

mod check_plan;
pub mod dedupe;
mod filter;
mod keep_objects;
pub mod members;
mod quarantine_rejects;
mod set_plan;

pub use check_plan::CheckPlan;
pub use dedupe::{Dedupe, Remember, Seen};
pub use keep_objects::KeepObjects;
pub use quarantine_rejects::QuarantineRejects;
pub use set_plan::{PLAN_SET, SetPlan};
