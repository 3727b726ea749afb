//! The lake: everything that happened, as ordinary Delta tables, written exactly once and read by
//! anybody. The only crate that names Parquet, Arrow, DataFusion or Delta; none of their types
//! crosses its border.
//!
//! [`Lake`] opens the tables of one workspace; [`Writer`] takes the pipeline's batches; [`Snapshot`]
//! is what a question reads: a version of the table and what was handed over since, at one moment.

mod append;
pub mod cluster;
mod decode;
mod encode;
mod error;
mod lake;
mod maintain;
mod pick;
mod question;
mod row;
mod scan;
mod sql;
mod table;
#[cfg(test)]
mod tests;

pub use append::{BUFFER_BYTES_MAX, Handover, Taken, Waiting, Writer};
pub use error::{Error, Result};
pub use lake::{Lake, Options, Snapshot};
pub use maintain::{CHECKPOINT_COMMITS, Done, Owners, Policy};
pub use objects::{Bucket, Place};
pub use question::Asking;
pub use row::{Cell, Column, DECIMAL_SCALE, Event, Kind};
pub use scan::{Runs, Visitor, Wanted, WantedEvent};
pub use sql::{Answer, Hide, Limits, Page};
pub use table::repair::Repair;
pub use table::schema::{DATASETS, Dataset, HOT_COLUMNS_MAX};
