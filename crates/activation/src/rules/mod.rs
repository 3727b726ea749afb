//! What decides: no clock, no randomness, no I/O.

pub mod backoff;
pub mod consent;
pub mod definition;
pub mod settle;
pub mod snapshot;
pub mod target;
