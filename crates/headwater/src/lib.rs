//! The parts of the `headwater` binary that tests and benches use as well.

pub mod files;
