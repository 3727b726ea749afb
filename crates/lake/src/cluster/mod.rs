//! Questions on several machines: a coordinator splits them among workers and answers for the whole.
//!
//! ```text
//! Snapshot ─▶ Cluster ── pass: root, until ─▶ Worker ── reads only `root` ─▶ files of the snapshot
//!               │  SQL: a plan of datafusion-distributed, split by files
//!               │  questions: buckets, split by bytes; each worker answers with a partial
//!               └◀─ batches, merged; on any loss the whole question again, on those that are left or here
//! ```
//!
//! A snapshot says everything a worker must know: files, rows that wait for a file, people that are hidden.
//! So a question is a read that can be repeated, and workers keep nothing. Deadlines, admission, retries and
//! who may ask are ours; the engine only moves plans and batches. Nodes trust each other by a shared secret;
//! what they say to each other is not encrypted, so they belong in a network of their own.

mod balance;
mod channel;
mod coordinate;
mod leaf;
mod pass;
mod pause;
mod room;
mod tasks;
mod verdict;
mod wire;
mod work;
mod worker;

pub use coordinate::{Cluster, Sabotage, Tally};
pub use pass::Secret;
pub use pause::{Pause, Point};
pub use worker::Worker;

/// What a worker says it is. One of another version is left out: plans are not stable between versions.
const VERSION: &str = concat!("headwater ", env!("CARGO_PKG_VERSION"), " cluster 3");
