//! A store that closes: its customers who bought there and online, and what they do afterwards; beside a store
//! that stays open, whose customers are like them.

use crate::calendar::{CLOSED_FROM, DAY};
use crate::draw::{Draw, Part};
use crate::lives::{Life, Outcome, Ways};
use crate::orders::{Order, Planned};
use crate::people::People;

/// The store that closes, ST-017.
pub(crate) const CLOSED: u8 = 16;
/// The store it is compared with, ST-018.
pub(crate) const COMPARED: u8 = 17;
/// Days before the closing that count.
const BEFORE_DAYS: u32 = 180;
/// Days after it that count.
const AFTER_DAYS: u32 = 90;

/// Plans the orders of the customers of both stores.
pub(crate) fn plan(people: &mut People, ways: &[Ways], seed: u64, planned: &mut Planned) {
    let mut draw = Draw::new(seed, Part::Closure);
    for (person, ways) in people.persons.iter_mut().zip(ways) {
        let (home, outcome) = match person.life {
            Life::Dual(outcome) => (CLOSED, outcome),
            Life::Control(outcome) => (COMPARED, outcome),
            _ => continue,
        };
        let (Some(store), Some(online)) = (ways.store, ways.online) else { continue };
        person.address = person.address.near(home);
        // Days of the half year before, apart from each other, half of them in the store.
        let each = draw.between(3, 4);
        let step = (BEFORE_DAYS - 10) / (2 * each);
        let first_day = CLOSED_FROM / DAY - BEFORE_DAYS + 5;
        person.known_by = Some((first_day - 1) * DAY);
        for turn in 0..2 * each {
            let day = first_day + turn * step + draw.below(step);
            let record = if turn % 2 == 0 { store } else { online };
            planned.add(order(record, day, &mut draw));
        }
        let after = CLOSED_FROM / DAY;
        let later =
            |record, draw: &mut Draw| order(record, draw.between(after + 3, after + AFTER_DAYS - 5), draw);
        match outcome {
            Outcome::Store => {
                let elsewhere = if home == CLOSED { CLOSED - 1 - draw.below(2) as u8 } else { COMPARED };
                planned.add(Order { store: Some(elsewhere), ..later(store, &mut draw) });
                // Some buy online as well.
                if draw.below(3) == 0 {
                    planned.add(later(online, &mut draw));
                }
            }
            Outcome::Online => {
                (0..draw.between(1, 2)).for_each(|_| planned.add(later(online, &mut draw)));
            }
            Outcome::Nothing => {}
        }
    }
}

fn order(record: u32, day: u32, draw: &mut Draw) -> Order {
    Order::usual(record, draw.waking_second(day * DAY, (day + 1) * DAY - 1))
}
