//! Identity: which identifiers belong to one customer, now and for every instant of the past.
//!
//! `rules` decides, purely and from content alone; what is stored, served and streamed lies beside it.

pub mod commands;
pub mod dry_run;
pub mod party;
pub mod reading;
pub mod resolve;
pub mod routes;
pub mod rules;
pub mod stages;
pub mod store;
