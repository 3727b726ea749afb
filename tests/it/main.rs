//! The whole system.

mod fixtures;
mod properties;
mod store;
mod truths;
