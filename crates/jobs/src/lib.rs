//! Work that takes longer than a request: one table of jobs, one scheduler.
//!
//! A context states what it can do as a *kind* ([`work::Work`]); a *job* is one time it is to be done, with
//! an input; a *schedule* makes jobs. Of each kind and key at most one job runs at a time, in one process:
//! a claim raises the job's epoch, and everything the process writes afterwards names that epoch, so a
//! process that was thought dead cannot finish what another has taken over.
//!
//! Schedules are definitions and change by commands through the log; jobs, and why a schedule did or did
//! not make one, are only operational and are written directly. A rebuilt workspace has its schedules
//! and no jobs.

pub mod commands;
pub mod order;
pub mod routes;
pub mod rules;
pub mod run;
pub mod runner;
pub mod scheduler;
pub mod store;
pub mod work;

pub use run::Run;
pub use runner::Runner;
pub use work::{Kinds, Retries, Running, Work};
