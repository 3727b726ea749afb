//! Insight, first part: the profile and the timeline of a party.
//!
//! Both are read, not stored: facts lie under nodes, and a party's profile is the fold of the facts of
//! its nodes. A merge or unmerge therefore changes every answer at once and moves nothing. Which of
//! several values of a field counts is decided by [`rules::survivorship`], whatever the order they
//! arrived in.

pub mod commands;
pub mod constants;
pub mod live;
pub mod lookalike;
pub mod models;
pub mod profile;
pub mod refresh;
pub mod routes;
pub mod rules;
pub mod search;
pub mod stages;
pub mod store;
pub mod timeline;
