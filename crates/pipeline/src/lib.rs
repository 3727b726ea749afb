//! The stage runtime: reads a log partition, applies it in transactions, and never twice.
//!
//! One [`Worker`] owns one partition of one workspace. Each step reads entries after the cursor, runs
//! the [`Program`] on them and moves the cursor, all in one transaction; so after any crash the
//! state is exactly that of a prefix of the log. A worker whose epoch was raised by a successor can
//! no longer commit. What an entry means is the program's business; nothing here knows events.

pub mod bisect;
pub mod cursor;
mod worker;

pub use bisect::{Work, run_bisected};
pub use cursor::{Counts, Cursor};
pub use worker::{Options, Program, Progress, Sabotage, Worker};
