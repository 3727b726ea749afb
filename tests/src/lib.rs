//! The whole system, one test binary: see `it/main.rs`.
