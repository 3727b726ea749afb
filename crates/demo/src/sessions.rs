//! Anonymous sessions whose visitor logs in later on the same browser.
//!
//! Most browsers have one visitor. A few are shared: two or three persons in turn, each session
//! ended by its own visitor's login before the next begins.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY};
use crate::draw::{Draw, Part};
use crate::lives::Life;
use crate::people::{People, Role};
use crate::quota::Quotas;

/// One anonymous session and the login that tells whose it was.
pub(crate) struct Session {
    pub(crate) browser: u32,
    pub(crate) person: u32,
    /// When each of its events happened.
    pub(crate) events: Vec<u32>,
    pub(crate) login: u32,
}

/// Draws them all.
pub(crate) fn draw(people: &mut People, quotas: &Quotas, seed: u64) -> Vec<Session> {
    let mut draw = Draw::new(seed, Part::Sessions);
    let has_old_account = |people: &People, person: u32| {
        let life = people.persons[person as usize].life;
        life.is_free()
            && life != Life::New
            && people.has_record(person, |r| r.has_account && r.at < BEHAVIOUR_FROM)
    };
    let mut visitors = people.take(&mut draw, quotas.sessions, Role::Visitor, has_old_account).into_iter();
    let mut sessions = Vec::with_capacity(quotas.sessions);
    let mut browsers = 0..;
    for turns in turns_per_browser(quotas.sessions_shared) {
        let browser = browsers.next().expect("browsers do not run out");
        // Three turns take at most 33 days.
        let mut from = draw.waking_second(BEHAVIOUR_FROM, AS_OF - 40 * DAY);
        for person in visitors.by_ref().take(turns) {
            let events = draw_events(&mut draw, from);
            let last = events[events.len() - 1];
            let login = draw.between(last + 60, last + 2 * DAY);
            from = draw.between(login + 3_600, login + 9 * DAY);
            sessions.push(Session { browser, person, events, login });
        }
    }
    for person in visitors {
        let browser = browsers.next().expect("browsers do not run out");
        let from = draw.waking_second(BEHAVIOUR_FROM, AS_OF - 2 * DAY);
        let events = draw_events(&mut draw, from);
        let last = events[events.len() - 1];
        let latest = if draw.below(2) == 0 { last + 3_600 } else { AS_OF - 3_600 };
        let login = draw.between(last + 60, latest);
        sessions.push(Session { browser, person, events, login });
    }
    // A browser's number must not tell whether it is shared, nor does a session's.
    draw.shuffle(&mut sessions);
    sessions
}

/// Splits the shared sessions into browsers of two and three in turn; never one alone.
fn turns_per_browser(sessions: usize) -> Vec<usize> {
    let mut turns = Vec::new();
    let mut left = sessions;
    while left > 0 {
        let next = match left {
            2 | 3 => left,
            4 => 2,
            _ => 2 + turns.len() % 2,
        };
        turns.push(next);
        left -= next.min(left);
    }
    turns
}

fn draw_events(draw: &mut Draw, from: u32) -> Vec<u32> {
    let mut at = from;
    let mut events = vec![at];
    for _ in 0..draw.between(2, 7) {
        at += draw.between(5, 90);
        events.push(at);
    }
    events
}
