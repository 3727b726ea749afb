//! The whole system.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api;
mod cli;
mod drill;
mod fixtures;
mod output;
mod properties;
mod store;
mod truths;
