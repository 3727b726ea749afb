//! What must hold for every history: order, copies, lateness and batches do not matter; decisions can be
//! taken back; workspaces do not touch; poison stops nobody.
//!
//! Each case is drawn from a seed. A failure prints its seed and the smallest history that still fails;
//! such a seed becomes a test of its own. `HEADWATER_PROPERTY_CASES` asks for more than 64 cases,
//! `HEADWATER_PROPERTY_SEED` for the first seed.

mod audiences;
mod decisions;
pub(crate) mod dice;
pub(crate) mod history;
mod isolation;
mod models;
mod order;
mod poison;
mod tags;
pub(crate) mod world;

use dice::Dice;
use history::Message;

/// A property of a history: what is wrong with it, if anything.
type Property = fn(seed: u64, messages: &[Message]) -> Result<(), String>;

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |n| n.to_str().unwrap().parse().unwrap())
}

/// Checks a property on histories of about `size` messages.
fn check(name: &str, size: usize, property: Property) {
    let first = number("HEADWATER_PROPERTY_SEED", 1);
    for seed in first..first + number("HEADWATER_PROPERTY_CASES", 64) {
        check_seed(name, seed, size, property);
    }
}

/// Checks a property on the history of one seed.
fn check_seed(name: &str, seed: u64, size: usize, property: Property) {
    check_messages(name, seed, &history::history(&mut Dice::new(seed), size), property);
}

/// Checks a property on one history.
fn check_messages(name: &str, seed: u64, messages: &[Message], property: Property) {
    let fails = |messages: &[Message]| {
        let result = std::panic::catch_unwind(|| property(seed, messages));
        result.unwrap_or_else(|_| Err("panic".to_owned())).err()
    };
    let Some(first) = fails(messages) else { return };
    let smallest = shrink(messages.to_vec(), &|messages| fails(messages).is_some());
    let reason = fails(&smallest).unwrap_or(first);
    let shown: Vec<_> = smallest.iter().map(Message::text).collect();
    panic!("{name}: seed {seed} fails\n{}\n{reason}", shown.join("\n"));
}

/// The smallest history, by leaving out, that still fails.
fn shrink(mut messages: Vec<Message>, fails: &dyn Fn(&[Message]) -> bool) -> Vec<Message> {
    let mut step = messages.len().div_ceil(2);
    while step > 0 {
        let mut at = 0;
        while at < messages.len() {
            let mut fewer = messages.clone();
            fewer.drain(at..(at + step).min(messages.len()));
            if fails(&fewer) {
                messages = fewer;
            } else {
                at += step;
            }
        }
        step = if step == 1 { 0 } else { step.div_ceil(2) };
    }
    messages
}
