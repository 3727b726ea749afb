//! Statistics the formulas share. All of it takes its input in a fixed order and adds in that order.

pub mod distribution;
pub mod interval;
pub mod logistic;
pub mod optimise;
pub mod quantile;
pub mod special;

pub use distribution::Distribution;
pub use quantile::{median, quantile, sorted};
