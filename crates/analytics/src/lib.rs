//! Analytics: questions over everybody, asked by people.
//!
//! What can be asked, and what an answer means, is said in `question`; where the events are read is the
//! lake's. Here a question gets its workspace, its time zone and what the store knows of people, and every
//! number of an answer can be turned into the people behind it.

pub mod ask;
pub mod routes;
