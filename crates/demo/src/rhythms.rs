//! Orders in a person's own rhythm: members and super customers who keep it, those who fell silent, and those
//! who buy twice a year. And single orders of those who have just begun, or come back.

use crate::calendar::{AS_OF, DAY};
use crate::draw::{Draw, Part};
use crate::lives::{Life, Ways};
use crate::orders::{Goods, Order, Planned};
use crate::people::{People, Person};

/// What a person's rhythm is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// Days from one order to the next, about.
    pub(crate) days: u32,
    pub(crate) orders: u32,
    /// Seconds since the last.
    pub(crate) silent: u32,
    /// How far an order may be from its place, in hundredths of the rhythm.
    jitter: u32,
}

/// The attempts at waking somebody up begin this many days before the end.
pub(crate) const WOKEN_FROM_DAYS: u32 = 88;

/// Draws the rhythm of a life that has one.
fn draw_rhythm(life: Life, draw: &mut Draw) -> Option<Rhythm> {
    let rhythm = |days, orders, silent, jitter| Some(Rhythm { days, orders, silent, jitter });
    match life {
        Life::Member | Life::JustBound | Life::Super => {
            let days = draw.between(25, 50);
            let orders = if life == Life::Super { draw.between(11, 700 / days) } else { draw.between(6, 12) };
            rhythm(days, orders, days * DAY * draw.between(30, 60) / 100, 8)
        }
        // Six orders and four silent rhythms of more than 78 days do not fit into two years.
        Life::Quiet => {
            let days = draw.between(5, 78);
            let cycles = draw.between(450, 900).min(72_000 / days - 515);
            let orders = draw.between(6, ((700 - days * cycles / 100) / days).clamp(6, 20));
            rhythm(days, orders, days * DAY / 100 * cycles, 12)
        }
        // Silent for longer than all attempts at waking them take.
        Life::Churned | Life::JustLost => {
            let days = draw.between(10, 55);
            let cycles = draw.between(650, 750).max((WOKEN_FROM_DAYS + 3) * 100 / days);
            let orders = draw.between(6, ((700 - days * cycles / 100) / days).clamp(6, 16));
            rhythm(days, orders, days * DAY / 100 * cycles, 12)
        }
        Life::Seasonal => rhythm(180, 4, draw.between(101 * DAY, 129 * DAY), 2),
        Life::WonBack => {
            let days = draw.between(10, 40);
            let silent = (days * 7).max(WOKEN_FROM_DAYS + 3) * DAY;
            rhythm(days, draw.between(6, 9), silent, 12)
        }
        _ => None,
    }
}

/// Plans the orders of everybody who has a rhythm, and says which it is, by person.
pub(crate) fn plan(
    people: &mut People,
    ways: &[Ways],
    seed: u64,
    planned: &mut Planned,
) -> Vec<Option<Rhythm>> {
    let mut draw = Draw::new(seed, Part::Rhythms);
    let mut rhythms = Vec::with_capacity(people.persons.len());
    for (person, ways) in people.persons.iter_mut().zip(ways) {
        let rhythm = draw_rhythm(person.life, &mut draw);
        if let (Some(rhythm), Some(record)) = (rhythm, ways.buys()) {
            keep(person, record, rhythm, &mut draw, planned);
        }
        // The last order of those who had none, or none for long.
        let days = match person.life {
            Life::FirstOrder | Life::WonBack => Some((1, 13)),
            Life::Idle => Some((16, 60)),
            _ => None,
        };
        if let (Some((from, until)), Some(record)) = (days, ways.buys()) {
            let at = draw.waking_second(AS_OF - until * DAY, AS_OF - from * DAY);
            planned.add(Order::usual(record, at));
            person.known_by.get_or_insert(at - 20 * DAY);
        }
        if person.life == Life::Young {
            person.from = AS_OF - 75 * DAY;
            person.known_by = Some(AS_OF - 16 * DAY);
        }
        rhythms.push(rhythm);
    }
    rhythms
}

fn keep(person: &mut Person, record: u32, rhythm: Rhythm, draw: &mut Draw, planned: &mut Planned) {
    // What members look for they have not bought: it is what they still want.
    let goods = if person.life.is_member() { Goods::Without(person.taste) } else { Goods::Usual };
    let mut first = AS_OF;
    for turn in 0..rhythm.orders {
        let span = rhythm.days * DAY;
        let place = AS_OF - rhythm.silent - turn * span;
        let shift = draw.between(0, 2 * span / 100 * rhythm.jitter);
        // The last order is where it must be.
        let at = if turn == 0 { place } else { place + shift - span / 100 * rhythm.jitter };
        first = first.min(at);
        planned.add(Order { goods, ..Order::usual(record, at) });
    }
    person.known_by = Some(first - 1);
}
