//! Who browses when: members in sessions about what they look for, the newly registered a little, and others as
//! chance has it, few of them doing most of it.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY, LATEST};
use crate::draw::{Draw, Part, zipf_shares};
use crate::lives::{Life, Ways};
use crate::orders::CATEGORIES;
use crate::people::{People, Record};
use crate::schedule::{Doing, Interest, Moment, Schedule, What};

/// A member's sessions, one in five days, and what is done in each.
const MEMBER_SESSIONS: u32 = 9;
const MEMBER_SESSION: [Doing; 10] = [
    Doing::Anything,
    Doing::Viewing,
    Doing::Viewing,
    Doing::Adding,
    Doing::Anything,
    Doing::Viewing,
    Doing::Anything,
    Doing::Adding,
    Doing::Viewing,
    Doing::Anything,
];

/// Schedules exactly `count` events.
pub(crate) fn schedule(people: &People, ways: &[Ways], count: usize, seed: u64, schedule: &mut Schedule) {
    let mut draw = Draw::new(seed, Part::Behaviour);
    let before = schedule.entries().len();
    for (person, ways) in people.persons.iter().zip(ways) {
        match (person.life, ways.online) {
            (life, Some(record)) if life.is_member() => {
                follow_interest(record, person.taste, &mut draw, schedule);
            }
            (Life::Young, Some(record)) => look_around(people, record, &mut draw, schedule),
            _ => {}
        }
    }
    let done = schedule.entries().len() - before;
    let left = count.checked_sub(done).expect("the quotas leave room for what members do");
    browse(people, left, &mut draw, schedule);
}

/// What members look for is clear at every moment of the last weeks.
fn follow_interest(record: u32, category: u8, draw: &mut Draw, schedule: &mut Schedule) {
    for session in 0..MEMBER_SESSIONS {
        let until = AS_OF - session * 5 * DAY - DAY / 2;
        let mut at = draw.waking_second(until - 2 * DAY, until);
        for (turn, doing) in MEMBER_SESSION.into_iter().enumerate() {
            let moment = Moment { opens: turn == 0, is_signed_in: true };
            schedule.add(at, What::Browse { record, moment, interest: Interest { category, doing } });
            at += draw.between(5, 120);
        }
    }
}

/// Two or three things, no two of a kind.
fn look_around(people: &People, record: u32, draw: &mut Draw, schedule: &mut Schedule) {
    let mut at = draw.waking_second(people.records[record as usize].at, LATEST - DAY);
    let first = draw.below(CATEGORIES.len() as u32) as u8;
    for turn in 0..=draw.between(2, 3) as u8 {
        let moment = Moment { opens: turn == 0, is_signed_in: true };
        let category = (first + turn) % CATEGORIES.len() as u8;
        let interest = Interest { category, doing: Doing::Viewing };
        schedule.add(at, What::Browse { record, moment, interest });
        at += draw.between(5, 120);
    }
}

/// Whether somebody who is still around may browse without a plant being touched.
fn wanders(life: Life) -> bool {
    matches!(life, Life::Regular | Life::Idle | Life::Payer(_) | Life::Dual(_) | Life::Control(_))
}

/// Sessions of a few events about everything in turn.
fn browse(people: &People, count: usize, draw: &mut Draw, schedule: &mut Schedule) {
    let is_around = |r: &Record| {
        let person = &people.persons[r.person as usize];
        r.is_digital() && !r.is_detached && wanders(person.life) && person.until == LATEST
    };
    let mut visitors: Vec<u32> =
        (0..people.records.len() as u32).filter(|no| is_around(&people.records[*no as usize])).collect();
    draw.shuffle(&mut visitors);
    let shares = zipf_shares(count, visitors.len(), 200);
    for (no, share) in visitors.into_iter().zip(shares) {
        let record = &people.records[no as usize];
        let mut left = share;
        while left > 0 {
            let events = draw.between(3, 12).min(left);
            left -= events;
            let mut at = draw.waking_second(BEHAVIOUR_FROM.max(record.at), LATEST);
            let is_signed_in = record.has_account && draw.below(100) < 60;
            for event in 0..events {
                let moment = Moment { opens: event == 0, is_signed_in };
                let category = ((no + share - left + event) % CATEGORIES.len() as u32) as u8;
                let interest = Interest { category, doing: Doing::Anything };
                schedule.add(at, What::Browse { record: no, moment, interest });
                at = (at + draw.between(5, 120)).min(LATEST);
            }
        }
    }
}
