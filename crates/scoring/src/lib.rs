//! Scores, tiers and stages of a party as pure formulas. Pure: no I/O, no clock, no randomness.
//!
//! | module | decides |
//! |---|---|
//! | [`model`] | the face: which models there are, what they need, what a value is |
//! | [`facts`] | what is known of one party, as plain structs |
//! | [`constants`] | what is computed over everyone |
//! | [`settings`] | the numbers of the definitions and their defaults |
//! | [`peers`] | whom a party is compared with |
//! | [`rfm`] | recency, frequency, money: code, ten segments, eight value groups |
//! | [`activity`], [`demand`], [`purchasing_power`], [`quality`], [`total`] | the four scores and their total |
//! | [`loyalty`], [`willingness`], [`price_sensitivity`] | what a visitor is like |
//! | [`rhythm`], [`silence`] | own rhythm, silence against it, warnings |
//! | [`lifecycle`] | relation and purchase machines |
//! | [`clv`] | what a customer will be worth, behind gates |
//! | [`tier`] | nine stars, nine diamonds, nine blocks of treatment |
//! | [`preference`] | channels, payment, time, taste |
//! | [`lookalike`], [`together`] | people like these, things bought with these |
//! | [`churn`] | churn rate, quality of warnings, reasons |
//! | [`sufficiency`] | when a model may be believed |
//! | [`statistics`] | quantiles, ranks, intervals, fits |

pub mod model;

pub mod constants;
pub mod facts;
pub mod peers;
pub mod settings;

pub mod activity;
pub mod churn;
pub mod clv;
pub mod demand;
pub mod lifecycle;
pub mod lookalike;
pub mod loyalty;
pub mod preference;
pub mod price_sensitivity;
pub mod purchasing_power;
pub mod quality;
pub mod rfm;
pub mod rhythm;
pub mod silence;
pub mod sufficiency;
pub mod tier;
pub mod together;
pub mod total;
pub mod willingness;

pub mod day;
pub mod money;
pub mod statistics;

pub use constants::{Builder, Constants};
pub use day::Day;
pub use facts::Facts;
pub use model::{Model, Value};
pub use money::Money;
pub use settings::Settings;
