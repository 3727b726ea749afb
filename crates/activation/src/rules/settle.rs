//! What becomes of a change after a try, and of a destination after a round of them.

use channels::{Attempt, Outcome};
use kernel::Instant;
use kernel::time::{DAY, SECOND};

use super::backoff::wait;

/// Tries after which a message is given up, if the destination takes others.
pub const TRIES_MAX: u32 = 8;
/// How long a message is tried if the destination takes nothing at all.
pub const PATIENCE_MICROS: i64 = 3 * DAY;

/// Where a change is at one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is to be tried, again or for the first time.
    Waiting,
    /// The destination has it.
    Delivered,
    /// It was given up; it can be replayed.
    Dead,
    /// It must not leave.
    Blocked,
    /// There was nothing to tell: the destination never heard of the party, or heard of a later change.
    Skipped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Delivered, Self::Dead, Self::Blocked, Self::Skipped];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// What is known of the tries of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Where it is.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// When for the first time.
    pub first: Instant,
    /// Not before.
    pub retry: Instant,
    /// Why it is where it is; empty if there is nothing to say.
    pub reason: String,
}

/// How a destination does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Rounds in a row in which it took nothing.
    pub failures: u32,
    /// Left alone until then.
    pub retry: Instant,
    /// When it last took something.
    pub success: Instant,
    /// When it last took nothing.
    pub failure: Instant,
    /// Why.
    pub reason: String,
}

/// How a destination does after a round: taking one message, or refusing one for good, is a sign of life.
#[must_use]
pub fn health(before: &Health, attempts: &[Attempt], now: Instant, draw: u64) -> Health {
    let mut after = before.clone();
    let is = |test: fn(&Outcome) -> bool| attempts.iter().any(|attempt| test(&attempt.outcome));
    let is_alive = is(|o| matches!(o, Outcome::Delivered | Outcome::Refused { .. }));
    if is(|outcome| *outcome == Outcome::Delivered) {
        after.success = now;
    }
    let (mut pause, mut reason) = (0, None);
    for attempt in attempts {
        if let Outcome::Later { reason: why, pause_seconds } = &attempt.outcome {
            pause = pause.max(i64::from(pause_seconds.unwrap_or(0)) * SECOND);
            reason = reason.or(Some(why));
        }
    }
    let Some(reason) = reason else {
        if is_alive {
            (after.failures, after.retry) = (0, Instant(0));
        }
        return after;
    };
    after.failures = if is_alive { 0 } else { after.failures.saturating_add(1) };
    let wait = if is_alive { pause } else { pause.max(wait(after.failures, draw)) };
    after.retry = if wait == 0 { Instant(0) } else { now.plus(wait) };
    (after.failure, after.reason) = (now, reason.clone());
    after
}

/// What becomes of a change after a try. `health` is how the destination does after the round.
#[must_use]
pub fn settle(before: &Tries, attempt: &Attempt, health: &Health, now: Instant, draw: u64) -> Tries {
    let first = if before.attempts == 0 { now } else { before.first };
    let tried = Tries { attempts: before.attempts + 1, first, ..before.clone() };
    match &attempt.outcome {
        Outcome::Delivered => Tries { state: State::Delivered, reason: String::new(), ..tried },
        Outcome::Refused { reason } => Tries { state: State::Dead, reason: reason.clone(), ..tried },
        Outcome::Untried => before.clone(),
        Outcome::Later { reason, .. } => {
            // One that takes others is not waiting for better days: this message is the trouble.
            let is_hopeless = tried.attempts >= TRIES_MAX && health.success > first;
            let is_old = now.0.saturating_sub(first.0) > PATIENCE_MICROS;
            let state = if is_hopeless || is_old { State::Dead } else { State::Waiting };
            // A destination that takes nothing has a pace of its own.
            let retry = if health.failures > 0 { now } else { now.plus(wait(tried.attempts, draw)) };
            Tries { state, retry, reason: reason.clone(), ..tried }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> Tries {
        Tries {
            state: State::Waiting,
            attempts: 0,
            first: Instant(0),
            retry: Instant(0),
            reason: String::new(),
        }
    }

    fn busy(pause_seconds: Option<u32>) -> Attempt {
        let outcome = Outcome::Later { reason: "answered 503".into(), pause_seconds };
        Attempt { outcome, code: Some(503), latency_us: 1 }
    }

    const NOW: Instant = Instant(1_000 * SECOND);

    #[test]
    fn a_destination_that_takes_nothing_is_left_alone_longer_each_time_until_it_takes_something() {
        let mut health_now = Health::default();
        for round in 1..=20 {
            health_now = health(&health_now, &[busy(None), busy(None)], NOW, u64::MAX / 3);
            assert_eq!(health_now.failures, round);
            assert!(health_now.retry > NOW);
        }
        health_now = health(&health_now, &[busy(None), Attempt::DELIVERED], NOW, 0);
        assert_eq!((health_now.failures, health_now.retry, health_now.success), (0, Instant(0), NOW));
        assert_eq!(health(&health_now, &[Attempt::UNTRIED], NOW, 0), health_now, "nothing was tried");
    }

    #[test]
    fn a_receiver_that_asks_for_a_pause_gets_it() {
        let asked = health(&Health::default(), &[busy(Some(900)), Attempt::DELIVERED], NOW, 0);
        assert_eq!((asked.failures, asked.retry), (0, NOW.plus(900 * SECOND)));
    }

    #[test]
    fn a_message_is_given_up_when_others_get_through_or_after_days_when_none_does() {
        let down = Health { failures: 1, ..Health::default() };
        let (mut alone, mut beside) = (new(), new());
        for _ in 0..TRIES_MAX {
            assert_eq!(beside.state, State::Waiting);
            alone = settle(&alone, &busy(None), &down, NOW, 0);
            beside =
                settle(&beside, &busy(None), &Health { success: NOW.plus(1), ..Health::default() }, NOW, 0);
        }
        assert_eq!((alone.state, alone.retry, beside.state), (State::Waiting, NOW, State::Dead));
        let later = NOW.plus(PATIENCE_MICROS + 1);
        assert_eq!(settle(&alone, &busy(None), &down, later, 0).state, State::Dead);
    }

    #[test]
    fn what_is_refused_is_dead_at_once_and_what_was_not_tried_is_as_before() {
        let refused = settle(&new(), &Attempt::refused("answered 422"), &Health::default(), NOW, 0);
        assert_eq!(
            (refused.state, refused.attempts, refused.reason.as_str()),
            (State::Dead, 1, "answered 422")
        );
        assert_eq!(settle(&new(), &Attempt::UNTRIED, &Health::default(), NOW, 0), new());
    }

    #[test]
    fn a_state_reads_back_its_name() {
        assert!(State::ALL.into_iter().all(|state| State::parse(state.name()) == Some(state)));
        assert_eq!(State::parse("lost"), None);
    }
}
