//! What came of a round, written in one transaction with the cursors, under the fence.

use channels::Attempt;
use db::Tx;
use kernel::{Instant, Scope};

use super::plan::Plan;
use crate::rules::settle::{State, health, settle};
use crate::store::delivery::{Delivery, cursor_put, delivery_put, holding_remove};
use crate::store::destination::DestinationNo;
use crate::store::run::{run_fence, run_fetch, run_put};

/// A round that is over.
pub(super) struct Done<'a> {
    pub(super) destination: DestinationNo,
    pub(super) epoch: u64,
    pub(super) plan: &'a Plan,
    /// One for each message.
    pub(super) attempts: &'a [Attempt],
    pub(super) now: Instant,
    pub(super) lease: Instant,
    /// Chance, for how long to wait.
    pub(super) draw: u64,
}

/// Keeps what came of a round.
pub(super) fn record(scope: &Scope, tx: &mut Tx<'_>, done: &Done<'_>) -> kernel::Result<()> {
    run_fence(scope, tx, done.destination, done.epoch, done.lease)?;
    let mut run = run_fetch(scope, tx, done.destination)?;
    run.health = health(&run.health, done.attempts, done.now, done.draw);
    let mut deliveries = done.plan.others.clone();
    for (place, ((delivery, _), attempt)) in done.plan.sends.iter().zip(done.attempts).enumerate() {
        // Each waits for another time, though all draw once.
        let draw = done.draw.rotate_left(place as u32 % 64) ^ place as u64;
        let tries = settle(&delivery.tries, attempt, &run.health, done.now, draw);
        deliveries.push(Delivery {
            tries,
            last: done.now,
            code: attempt.code,
            latency_us: attempt.latency_us,
            ..delivery.clone()
        });
    }
    for delivery in &deliveries {
        match delivery.tries.state {
            State::Delivered => run.delivered += 1,
            State::Blocked => run.blocked += 1,
            State::Dead => run.dead += 1,
            State::Waiting | State::Skipped => {}
        }
        if delivery.tries.state == State::Delivered && !delivery.is_present {
            holding_remove(scope, tx, done.destination, &delivery.ledger, &delivery.party)?;
        }
    }
    delivery_put(scope, tx, done.destination, &deliveries)?;
    for cursor in &done.plan.cursors {
        cursor_put(scope, tx, done.destination, cursor)?;
    }
    Ok(run_put(scope, tx, done.destination, &run)?)
}
