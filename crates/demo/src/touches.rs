//! Single moments between the shop and a person: binding a membership, a look at a shelf, messages that were
//! to wake somebody up, and whether they did.

use crate::calendar::{AS_OF, DAY};
use crate::draw::{Draw, Part};
use crate::lives::{Life, Ways};
use crate::people::People;
use crate::rhythms::WOKEN_FROM_DAYS;

/// One of them.
pub(crate) struct Touch {
    pub(crate) record: u32,
    pub(crate) at: u32,
    pub(crate) act: Act,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    Bound,
    Looked {
        dwell_s: u32,
    },
    /// A message of a campaign that wakes people up: on its way, there, and answered.
    Sent(u32),
    Delivered(u32),
    Clicked(u32),
}

/// Bindings, and attempts at waking people up.
pub(crate) fn plan(people: &People, ways: &[Ways], seed: u64) -> Vec<Touch> {
    let mut draw = Draw::new(seed, Part::Touches);
    let mut touches = Vec::new();
    let mut messages = 0..;
    for (no, (person, ways)) in (0u32..).zip(people.persons.iter().zip(ways)) {
        let Some(record) = ways.buys() else { continue };
        let known = people.records[record as usize].at;
        let binds = match person.life {
            Life::Member | Life::Super | Life::Idle => Some((known, AS_OF - 18 * DAY)),
            Life::JustBound => Some((AS_OF - 13 * DAY, AS_OF - DAY)),
            // Having been a member does not keep anybody.
            Life::Churned if no % 2 == 0 => Some((known, AS_OF - 200 * DAY)),
            _ => None,
        };
        if let Some((from, until)) = binds {
            let at = draw.waking_second(from.min(until - DAY), until);
            touches.push(Touch { record, at, act: Act::Bound });
        }
        for (day, is_answered) in attempts(person.life, &mut draw) {
            let at = draw.waking_second(AS_OF - day * DAY, AS_OF - (day - 1) * DAY);
            let message = messages.next().expect("messages do not run out");
            touches.push(Touch { record, at, act: Act::Sent(message) });
            touches.push(Touch { record, at: at + draw.between(2, 90), act: Act::Delivered(message) });
            if is_answered {
                let at = at + draw.between(3_600, 3 * DAY);
                touches.push(Touch { record, at, act: Act::Clicked(message) });
            }
        }
    }
    touches
}

/// How many days before the end somebody was to be woken up, and whether they answered. An attempt has
/// failed when fourteen days have passed.
fn attempts(life: Life, draw: &mut Draw) -> Vec<(u32, bool)> {
    let first = draw.between(WOKEN_FROM_DAYS - 12, WOKEN_FROM_DAYS - 1);
    let second = draw.between(48, 65);
    match life {
        Life::Churned | Life::WonBack => vec![(first, false), (second, false), (draw.between(31, 44), false)],
        // The third fails between a fortnight ago and now.
        Life::JustLost => vec![(first, false), (second, false), (draw.between(17, 26), false)],
        Life::Quiet => match draw.below(4) {
            0 => vec![],
            1 => vec![(second, false)],
            2 => vec![(first, false), (second, false)],
            _ => vec![(first, false), (second, false), (draw.between(31, 44), true)],
        },
        _ => vec![],
    }
}
