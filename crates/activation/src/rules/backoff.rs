//! How long to wait after failures: twice as long each time, up to a limit, with chance so that many who
//! failed together do not come back together.

use kernel::time::{MILLISECOND, MINUTE, SECOND};

/// After the first failure, at most.
const FIRST_MICROS: i64 = SECOND;
/// Longest wait: what a receiver that is back has to wait for its next message.
const WAIT_MICROS_MAX: i64 = 5 * MINUTE;
/// Shortest wait.
const WAIT_MICROS_MIN: i64 = 100 * MILLISECOND;

/// The wait after so many failures (1 or more), in microseconds. `draw` is any number, equally likely.
pub fn wait(failures: u32, draw: u64) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let most = (FIRST_MICROS << doublings).min(WAIT_MICROS_MAX);
    WAIT_MICROS_MIN + (draw % (most - WAIT_MICROS_MIN + 1) as u64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_five_minutes_and_no_draw_leaves_its_bounds() {
        assert_eq!(wait(1, SECOND as u64 - WAIT_MICROS_MIN as u64), SECOND);
        for failures in 0..100 {
            let most =
                (0..5_000u64).map(|n| wait(failures, n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).max().unwrap();
            let bound = (SECOND << failures.saturating_sub(1).min(20)).min(WAIT_MICROS_MAX);
            assert!((bound / 2..=bound).contains(&most), "{failures}: {most}");
            assert_eq!(wait(failures, 0), WAIT_MICROS_MIN);
        }
    }
}
