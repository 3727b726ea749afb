//! Whether a job that did not end well is tried again, and when.

use kernel::Failure;
use kernel::time::{HOUR, SECOND};

/// The pause before the second attempt, in microseconds; each further one is twice as long.
pub const DELAY_FIRST_MICROS: i64 = 10 * SECOND;
/// The longest pause, in microseconds.
pub const DELAY_MAX_MICROS: i64 = HOUR;

/// The pause after `attempt` attempts, at least one, in microseconds.
pub fn delay_micros(attempt: u32) -> i64 {
    let doublings = attempt.saturating_sub(1).min(20);
    (DELAY_FIRST_MICROS << doublings).min(DELAY_MAX_MICROS)
}

/// Whether what went wrong may go well another time: a lack that passes or a broken part, but not a wrong
/// input.
pub fn is_passing(failure: &Failure) -> bool {
    matches!(failure, Failure::Unavailable { .. } | Failure::Internal(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_ten_seconds_to_an_hour() {
        let seconds = |attempt| delay_micros(attempt) / SECOND;
        assert_eq!([1, 2, 3, 9, 10, 1_000].map(seconds), [10, 20, 40, 2_560, 3_600, 3_600]);
    }

    #[test]
    fn a_wrong_input_is_not_tried_again() {
        assert!(is_passing(&Failure::unavailable("later")) && is_passing(&Failure::internal("broken")));
        assert!(!is_passing(&Failure::invalid("rule", "no")) && !is_passing(&Failure::not_found("audience")));
    }
}
