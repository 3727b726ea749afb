//! The `headwater` binary's parts, as a library so that tests and benches run the real thing.

pub mod applier;
pub mod background;
pub mod beside;
pub mod command;
pub mod digest;
pub mod dispatcher;
pub mod feeder;
pub mod handlers;
pub mod http;
pub mod kinds;
pub mod land;
pub mod logs;
pub mod machine;
pub mod page;
pub mod reconcile;
pub mod runtime;
pub mod sql;
pub mod stages;
