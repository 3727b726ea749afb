//! The stages of insight, in the order events pass them.

mod append_timeline;
mod evaluate_audiences;
mod index_search;
mod update_profile;

pub use append_timeline::AppendTimeline;
pub use evaluate_audiences::{EvaluateAudiences, WeightsOf};
pub use index_search::IndexSearch;
pub use update_profile::UpdateProfile;
