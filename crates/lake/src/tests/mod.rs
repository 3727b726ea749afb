//! The suite runs on a directory and on a real S3 server, and against a model that keeps every event
//! in a list.

mod asking;
mod engines;
mod maintaining;
mod opening;
mod querying;
mod restamping;
mod rules;
mod scanning;
mod spreading;
mod support;
mod writing;
