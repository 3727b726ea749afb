//! What goes wrong on the way in: bad phones, clocks years ahead, messages sent twice or late, and
//! a field that is renamed. No message has two faults, and none is one that another plant's
//! truth names.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY, FAR_FUTURE, LATEST, RENAMED_FROM};
use crate::draw::{Draw, Part};
use crate::people::{People, Phone, Record, Role, Source};
use crate::quota::Quotas;
use crate::schedule::{Entry, Schedule, What};

/// The faulty messages, by number.
pub(crate) struct Faults {
    pub(crate) bad_phones: Vec<u32>,
    pub(crate) future: Vec<u32>,
    pub(crate) renamed: Vec<u32>,
    pub(crate) duplicates: Vec<u32>,
    /// Late messages, as they are scheduled.
    pub(crate) late: Vec<Entry>,
}

/// Adds the extra messages and chooses the late and doubled ones among the behaviour.
pub(crate) fn plant(people: &People, quotas: &Quotas, seed: u64, schedule: &mut Schedule) -> Faults {
    let mut draw = Draw::new(seed, Part::Faults);
    let (late, duplicates) = delay_and_double(quotas, &mut draw, schedule);
    let is_plain = |r: &Record| people.persons[r.person as usize].role == Role::Plain;

    let has_phone = |r: &Record| is_plain(r) && r.phone == Phone::Right && r.source != Source::CallCentre;
    let bad_phones = pick(people, &mut draw, quotas.bad_phones, has_phone)
        .into_iter()
        .map(|no| {
            let at = draw.waking_second(people.records[no as usize].at, LATEST);
            schedule.add(at, What::BadPhone(no))
        })
        .collect();

    let future = pick(people, &mut draw, quotas.future, |r| is_plain(r) && r.is_digital())
        .into_iter()
        .map(|no| {
            let sent = draw.waking_second(BEHAVIOUR_FROM.max(people.records[no as usize].at), LATEST);
            schedule.add_sent(sent, FAR_FUTURE + draw.below(300 * DAY), What::Future(no))
        })
        .collect();

    let called = |r: &Record| is_plain(r) && r.phone == Phone::Right && r.source == Source::CallCentre;
    let renamed = pick(people, &mut draw, quotas.renamed, called)
        .into_iter()
        .map(|no| schedule.add(RENAMED_FROM + draw.between(1, DAY / 2), What::Renamed(no)))
        .collect();
    Faults { bad_phones, future, renamed, duplicates, late }
}

fn pick(people: &People, draw: &mut Draw, count: usize, fits: impl Fn(&Record) -> bool) -> Vec<u32> {
    let order = draw.order(people.records.len()).into_iter();
    let picked: Vec<u32> = order.filter(|no| fits(&people.records[*no as usize])).take(count).collect();
    assert_eq!(picked.len(), count, "enough records can have this fault");
    picked
}

fn delay_and_double(quotas: &Quotas, draw: &mut Draw, schedule: &mut Schedule) -> (Vec<Entry>, Vec<u32>) {
    let mut late = Vec::with_capacity(quotas.late);
    let mut doubled = Vec::with_capacity(quotas.duplicates);
    for i in draw.order(schedule.entries().len()) {
        let entry = &mut schedule.entries_mut()[i as usize];
        if !matches!(entry.what, What::Browse { .. }) {
            continue;
        }
        // All late messages have arrived when the world ends.
        if late.len() < quotas.late && entry.at < AS_OF - 3 * DAY {
            entry.sent = entry.at + draw.between(3_600, 3 * DAY);
            late.push(*entry);
        } else if doubled.len() < quotas.duplicates {
            doubled.push(*entry);
        } else if late.len() == quotas.late {
            break;
        }
    }
    let duplicates = doubled
        .into_iter()
        .map(|entry| {
            schedule.repeat(entry, (entry.sent + draw.between(0, 7_200)).min(AS_OF));
            entry.no
        })
        .collect();
    (late, duplicates)
}
