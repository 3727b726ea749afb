//! Statistics the formulas share. All of it takes its input in a fixed order and adds in that order.

pub mod distribution;
pub mod interval;
pub mod quantile;

pub use distribution::Distribution;
pub use quantile::{median, quantile, sorted};
