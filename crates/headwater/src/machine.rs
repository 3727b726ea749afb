//! The only place where the machine's clock is read and its randomness drawn.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use kernel::Instant;
use kernel::id::IdSource;
use kernel::time::Clock;

/// The machine's clock, kept from running backwards.
#[derive(Debug, Default)]
pub struct MachineClock {
    latest: AtomicI64,
}

impl Clock for MachineClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one clock that reads the machine's")]
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Instant(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }
}

/// Ids and secrets from the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineIds;

impl IdSource for MachineIds {
    #[allow(clippy::disallowed_methods, reason = "this is the one source of ids that draws randomness")]
    fn fresh(&self) -> [u8; 16] {
        uuid::Uuid::now_v7().into_bytes()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one source of ids that draws randomness")]
    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        // Two version-4 UUIDs hold 244 random bits; hashing spreads them over all bytes.
        secret[..16].copy_from_slice(&uuid::Uuid::new_v4().into_bytes());
        secret[16..].copy_from_slice(&uuid::Uuid::new_v4().into_bytes());
        workspace::credential::hash(&workspace::credential::hex(&secret))
    }
}
