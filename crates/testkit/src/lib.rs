//! What tests share: a clock turned by hand, ids that count, servers of their own, both databases.
#![allow(clippy::unwrap_used, reason = "a fixture that does not work is a failed test")]

pub mod clock;
mod databases;
pub mod ids;
pub mod mariadb;
pub mod nats;
pub mod postgres;
pub mod sshd;

pub use clock::ManualClock;
pub use ids::CountingIds;
pub use nats::Server as NatsServer;
pub use postgres::Server as PostgresServer;
pub use tempfile::TempDir;

/// A folder of the test's own, gone with the value.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new().prefix("headwater-test.").tempdir().unwrap()
}
