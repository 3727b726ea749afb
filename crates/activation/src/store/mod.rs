//! Tables of activation.

pub mod delivery;
pub mod destination;
pub mod list;
pub mod run;
pub mod secret;
