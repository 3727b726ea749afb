//! Intake: what other people's SDKs send becomes frames in the log, and frames become records.
//!
//! Decides who may send (write keys, origins, rate), where one event ends and the next begins, and what
//! an event says whichever protocol carried it. The bytes decide, never the Content-Type: real SDKs send
//! gzip as a form and JSON as plain text. It does not decide who a person is (`identity`), what a profile
//! holds (`insight`) or how a frame is kept (`log`).
//!
//! Invariant: an event that was answered with 200 is in the log exactly as it was sent. One bad event
//! never costs its neighbours; it is stored with them and [`rules::record::decode`] says what is wrong.

pub mod batch;
pub mod command;
pub mod ports;
pub mod routes;
pub mod rules;
pub mod stages;
pub mod store;
