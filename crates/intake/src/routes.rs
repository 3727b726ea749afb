//! The HTTP half of intake.

pub mod collect;
pub mod manage;
