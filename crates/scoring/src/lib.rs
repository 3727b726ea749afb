//! Scores, tiers and stages of a party as pure formulas. Pure: no I/O, no clock, no randomness.
//!
//! | module | decides |
//! |---|---|
//! | [`model`] | the face: which models there are, what they need, what a value is |
//! | [`facts`] | what is known of one party, as plain structs |
//! | [`constants`] | what is computed over everyone |
//! | [`settings`] | the numbers of the definitions and their defaults |
//! | [`peers`] | whom a party is compared with |
//! | [`activity`] | activity |
//! | [`lifecycle`] | relation and purchase machines |
//! | [`tier`] | nine stars, nine diamonds |
//! | [`statistics`] | quantiles, ranks, intervals, fits |

pub mod activity;
pub mod constants;
pub mod day;
pub mod facts;
pub mod lifecycle;
pub mod model;
pub mod money;
pub mod peers;
pub mod settings;
pub mod statistics;
pub mod tier;

pub use constants::{Builder, Constants};
pub use day::Day;
pub use facts::Facts;
pub use model::{Model, Value};
pub use money::Money;
pub use settings::Settings;
