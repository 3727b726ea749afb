//! Who browses when: sessions of a few events, few people doing most of it.

use crate::calendar::{BEHAVIOUR_FROM, LATEST};
use crate::draw::{Draw, Part, zipf_shares};
use crate::people::{People, Record};
use crate::schedule::{Moment, Schedule, What};

/// Schedules exactly `count` events over the digital records of persons who are still around.
pub(crate) fn schedule(people: &People, count: usize, seed: u64, schedule: &mut Schedule) {
    let mut draw = Draw::new(seed, Part::Behaviour);
    let is_around = |r: &Record| r.is_digital() && people.persons[r.person as usize].until == LATEST;
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
                schedule.add(at, What::Browse { record: no, moment });
                at = (at + draw.between(5, 120)).min(LATEST);
            }
        }
    }
}
