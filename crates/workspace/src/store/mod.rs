//! The installation's tables (workspaces, tokens, sources) and each workspace's audit log.

pub mod audit;
pub mod source;
pub mod token;
pub mod workspace;
