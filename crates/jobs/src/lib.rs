//! Work that takes longer than a request: one table, one scheduler.
