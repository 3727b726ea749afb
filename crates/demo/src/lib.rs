//! Demo worlds with known answers, and one real-shaped clickstream.
//!
//! [`World::generate`] draws the workspace `xiulin` (岫邻生活, shops, an app, a mini-program); those merchant
//! contacts of `chengdi` (澄滴饮品) that share a mobile with it, and outlets to be compared; the customers of
//! a bank, `xiujin` (岫金银行); and the few of a car dealer, `yulan` (驭岚汽车). Every count is planted: marks
//! are dealt out from a shuffled pack, never tossed, so the expected answers are exact integers.
//! One seed gives the same bytes on every run. The truth is a separate file that the product never
//! reads; nothing in an id, a name or the order of messages tells it.
//!
//! The crate draws and formats. It does not send, store or judge anything.

mod behaviour;
mod calendar;
pub mod clickstream;
mod closure;
mod contacts;
mod draw;
mod elsewhere;
mod faults;
mod ids;
mod lives;
mod marks;
mod message;
mod names;
mod orders;
mod payments;
mod people;
mod quota;
mod rhythms;
mod schedule;
mod sessions;
mod showroom;
mod touches;
mod traps;
mod truth;
mod wire;
mod world;

pub use message::Message;
pub use quota::Profile;
pub use world::World;

/// Every (workspace, source) pair a message of this crate may carry, for creating sources beforehand.
pub const SOURCES: [(&str, &str); 12] = [
    ("xiulin", "pos"),
    ("xiulin", "mini-program"),
    ("xiulin", "app"),
    ("xiulin", "web"),
    ("xiulin", "call-centre"),
    ("xiulin", "store"),
    ("xiulin", "orders"),
    ("xiulin", "messaging"),
    ("chengdi", "crm"),
    ("xiujin", "core"),
    ("yulan", "dms"),
    ("clickstream", "web"),
];

#[cfg(test)]
mod tests;
