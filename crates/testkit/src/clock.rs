//! Time that stands still until it is told to move.

use std::sync::atomic::{AtomicI64, Ordering};

use kernel::Instant;
use kernel::time::Clock;

/// A clock turned by hand. Starts at 2026-01-01T00:00:00Z unless told otherwise.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

const START: Instant = Instant(1_767_225_600_000_000);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Instant) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Shows `now` from here on.
    ///
    /// # Panics
    /// If that is earlier than what it shows: a clock never runs backwards.
    pub fn set(&self, now: Instant) {
        let before = self.0.swap(now.0, Ordering::SeqCst);
        assert!(before <= now.0, "a clock never runs backwards: {} to {now}", Instant(before));
    }

    /// Moves on by `micros`.
    ///
    /// # Panics
    /// If `micros` is negative.
    pub fn advance(&self, micros: i64) {
        assert!(micros >= 0, "a clock never runs backwards");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(START)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(clock.now(), START);
        clock.advance(5);
        assert_eq!(clock.now(), START.plus(5));
        clock.set(START.plus(7));
        assert_eq!(clock.now(), START.plus(7));
    }

    #[test]
    #[should_panic(expected = "never runs backwards")]
    fn a_manual_clock_refuses_to_run_backwards() {
        ManualClock::default().set(Instant(0));
    }
}
