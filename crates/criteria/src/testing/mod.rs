//! For the property tests of this and other crates: a naive evaluator, random rules and random parties.
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
