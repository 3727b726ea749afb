//! The pure half of intake, in the order an event passes through it.

pub mod frame;
pub mod open;
mod raw;
pub mod record;
mod scan;
