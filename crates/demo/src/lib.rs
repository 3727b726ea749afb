//! Demo worlds with known answers, and one real-shaped clickstream.
//!
//! [`World::generate`] draws the workspace `xiulin` (岫邻生活, shops, an app, a mini-program) and those
//! merchant contacts of `chengdi` (澄滴饮品) that share a mobile with it. Every count is planted: marks
//! are dealt out from a shuffled pack, never tossed, so the expected answers are exact integers.
//! One seed gives the same bytes on every run. The truth is a separate file that the product never
//! reads; nothing in an id, a name or the order of messages tells it.
//!
//! The crate draws and formats. It does not send, store or judge anything.

mod behaviour;
mod calendar;
pub mod clickstream;
mod contacts;
mod draw;
mod faults;
mod ids;
mod message;
mod names;
mod orders;
mod people;
mod quota;
mod schedule;
mod sessions;
mod traps;
mod truth;
mod wire;
mod world;

pub use message::Message;
pub use quota::Profile;
pub use world::World;

/// Every (workspace, source) pair a message of this crate may carry, for creating sources beforehand.
pub const SOURCES: [(&str, &str); 9] = [
    ("xiulin", "pos"),
    ("xiulin", "mini-program"),
    ("xiulin", "app"),
    ("xiulin", "web"),
    ("xiulin", "call-centre"),
    ("xiulin", "store"),
    ("xiulin", "orders"),
    ("chengdi", "crm"),
    ("clickstream", "web"),
];

#[cfg(test)]
mod tests;
