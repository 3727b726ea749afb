//! Tables of insight: what was said of nodes, their events, terms to find them by; audiences and tags.

pub mod audience;
pub mod audience_version;
pub mod constant;
pub mod digest;
pub mod lake_feed;
pub mod membership;
pub mod search_term;
pub mod tag;
pub mod tag_assignment;
pub mod tag_value;
pub mod timeline;
pub mod timer;
pub mod trait_fact;
