//! Tables of insight: what was said of nodes, their events, and terms to find them by.

pub mod audience;
pub mod audience_version;
pub mod digest;
pub mod lake_feed;
pub mod membership;
pub mod search_term;
pub mod timeline;
pub mod timer;
pub mod trait_fact;
