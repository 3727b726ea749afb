//! What jobs decide without looking around: when something is due, whether it runs, whether it runs again.

pub mod cadence;
pub mod decide;
pub mod retry;
pub mod ring;
