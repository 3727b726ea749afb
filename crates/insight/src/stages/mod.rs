//! The stages of insight, in the order events pass them.

mod append_timeline;
mod index_search;
mod update_profile;

pub use append_timeline::AppendTimeline;
pub use index_search::IndexSearch;
pub use update_profile::UpdateProfile;
