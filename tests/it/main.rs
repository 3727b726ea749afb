//! The whole system.

mod store;
