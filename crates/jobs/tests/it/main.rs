//! Jobs and schedules on both databases, with processes that stop, die and freeze under a clock that is
//! turned by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod claims;
mod random;
mod schedules;
mod world;
