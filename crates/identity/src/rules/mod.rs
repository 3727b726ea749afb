//! The decisions of identity resolution: pure functions of a rule document and of what was seen.
//!
//! Nothing here reads a clock, draws a number or opens a file, and no answer depends on the order in
//! which facts arrived: stream, replay and batch agree because they ask the same questions here.

pub mod cluster;
pub mod definition;
pub mod holder;
pub mod mask;
pub mod names;
pub mod normalise;

pub use definition::{Document, Guard, Kind, KindRef, Limit, Rules, Strength};
