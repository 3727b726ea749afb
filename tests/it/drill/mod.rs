//! Drills of the real program: it is killed, its disk fills up, its power is cut, its work is taken over;
//! and what it had answered 200 for is there afterwards, once.
//!
//! Everything is drawn from a seed but the scheduling of the machine. `HEADWATER_DRILL_CYCLES` makes the
//! drills longer, `HEADWATER_DRILL_SEED` different. Each drill must also fail with the guarantee it is
//! about broken on purpose, or it proves nothing.

mod client;
mod cluster;
mod disk;
mod dispatch;
mod jobs;
mod kill;
mod load;
mod nats;
mod oracle;
mod power;
mod server;
mod stop;
mod takeover;

use crate::properties::dice::Dice;

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |n| n.to_str().unwrap().parse().unwrap())
}

/// Cycles of a drill that has `default` of them in every run.
fn cycles(default: u64) -> u64 {
    number("HEADWATER_DRILL_CYCLES", default)
}

fn dice() -> Dice {
    Dice::new(number("HEADWATER_DRILL_SEED", 20_261_121))
}
