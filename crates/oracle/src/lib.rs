//! What the rule language means, written down a second time and as simply as possible: a naive evaluator,
//! with random rules and random parties to hold the real one against. For tests only.
//!
//! [`Case::new`] makes one of each from a seed; [`Reference`] says what the specification says of it.

mod dice;
mod generate;
mod packed;
mod reference;
mod world;
mod zones;

pub use dice::Dice;
pub use generate::{Case, INSTANT_PROPERTIES};
pub use packed::Packed;
pub use reference::{Bug, Reference};
pub use world::{Event, World};

#[cfg(test)]
mod tests;
