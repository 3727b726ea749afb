//! Tables of intake: keys already seen, the tracking plan, quarantine, things that are not parties.

pub mod digest;
pub mod object;
pub mod plan;
pub mod quarantine;
pub mod seen;
