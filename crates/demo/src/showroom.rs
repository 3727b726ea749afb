//! People who look at something in a store and buy it online, and some who only nearly do.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY};
use crate::draw::{Draw, Part};
use crate::lives::{Life, Showing, Ways};
use crate::orders::{Order, Planned};
use crate::people::People;
use crate::touches::{Act, Touch};

/// Plans what they look at and what they buy.
pub(crate) fn plan(people: &mut People, ways: &[Ways], seed: u64, planned: &mut Planned) -> Vec<Touch> {
    let mut draw = Draw::new(seed, Part::Showroom);
    let mut touches = Vec::new();
    for (person, ways) in people.persons.iter_mut().zip(ways) {
        let (Life::Showroom(showing), Some(online)) = (person.life, ways.online) else { continue };
        let looked = draw.waking_second(BEHAVIOUR_FROM + 2 * DAY, AS_OF - 30 * DAY);
        touches.push(Touch {
            record: online,
            at: looked,
            act: Act::Looked { dwell_s: draw.between(8, 240) },
        });
        let (from, until) = if showing == Showing::Late { (8, 13) } else { (1, 6) };
        let bought = looked + draw.between(from * DAY, until * DAY);
        planned.add(Order::usual(online, bought));
        if let (Showing::Both, Some(store)) = (showing, ways.store) {
            planned.add(Order::usual(store, looked - draw.between(1, 40) * DAY));
        }
        // They knew the shop before, and had long bought nothing.
        let earlier = draw.waking_second(AS_OF - 300 * DAY, AS_OF - 150 * DAY);
        planned.add(Order::usual(online, earlier));
        person.known_by = Some(earlier - DAY);
    }
    touches
}
