//! Who comes back: cohorts by the period of their first event, and in which later periods they act again.
//!
//! A person is a mask of the periods it acted in and the period it began; both come from times alone, in one
//! pass over the rows, whoever they belong to.

use criteria::Timeline;
use kernel::{Failure, PartyNo};

use crate::answer::{Cohort, Count, Finding};
use crate::calendar::Calendar;
use crate::form::At;
use crate::needs::{Need, Needs, Order};
use crate::operator::{Block, Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Retention;

/// Periods of a window, so that a person is one word.
const PERIODS_MAX: usize = 64;

/// A retention made ready.
pub(crate) struct Returns {
    first: String,
    again: String,
    range: (i64, i64),
    calendar: Calendar,
    periods: usize,
    with_people: bool,
}

impl Returns {
    pub(crate) fn new(ask: &Retention, setting: &Setting) -> kernel::Result<Self> {
        let range = ask.window.range(setting.as_of);
        let calendar = Calendar::new(&setting.zone, ask.every, range, PERIODS_MAX)?;
        if ask.periods as usize >= PERIODS_MAX {
            return Err(Failure::LimitExceeded {
                limit: "periods after the first",
                max: PERIODS_MAX as u64 - 1,
            });
        }
        let (first, again) = (ask.first.clone(), ask.again.clone());
        Ok(Self {
            first,
            again,
            range,
            calendar,
            periods: ask.periods as usize,
            with_people: setting.with_people,
        })
    }
}

impl Kind for Returns {
    fn needs(&self) -> Needs {
        let mut events = vec![Need::of(&self.first, self.range)];
        if self.again != self.first {
            events.push(Need::of(&self.again, self.range));
        }
        Needs { events, order: Order::Blocks, ..Needs::default() }
    }

    fn operator<'p>(&'p self, slice: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Masks { of: self, slice, people: Vec::new() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let cohorts = (0..self.calendar.len()).filter_map(|cohort| {
            let group = |found: &mut Partial, step: usize| {
                let name = [Part::Number(cohort as i64), Part::Number(step as i64)];
                let group = found.groups.remove(&name[..]).unwrap_or_default();
                Count::with(group.number(0), group.people)
            };
            let size = group(&mut found, PERIODS_MAX);
            let last = self.periods.min(self.calendar.len() - 1 - cohort);
            let returned = (0..=last).map(|step| group(&mut found, step)).collect();
            (size.count() > 0).then(|| Cohort { start: At(self.calendar.start(cohort)), size, returned })
        });
        Finding::Retention(cohorts.collect())
    }
}

/// What is known of a person: in which period it began, and in which it acted.
#[derive(Clone, Copy)]
struct Person {
    first: u8,
    mask: u64,
}

struct Masks<'p> {
    of: &'p Returns,
    slice: Slice,
    people: Vec<Person>,
}

impl Operator for Masks<'_> {
    fn party(&mut self, _: PartyNo, _: &dyn Timeline) {}

    fn block(&mut self, block: &Block<'_>) {
        let mut lookup = self.of.calendar.lookup();
        let most = block.runs.iter().filter_map(|run| run.parties.last()).max();
        let room = most.map_or(0, |party| self.slice.place(*party) + 1);
        if room > self.people.len() {
            self.people.resize(room, Person { first: u8::MAX, mask: 0 });
        }
        let slice = self.slice;
        let first = &block.runs[0];
        for (party, time) in first.parties.iter().zip(first.times) {
            let person = &mut self.people[slice.place(*party)];
            person.first = person.first.min(lookup.period(*time) as u8);
        }
        let again = block.runs.last().unwrap_or(first);
        for (party, time) in again.parties.iter().zip(again.times) {
            self.people[slice.place(*party)].mask |= 1 << lookup.period(*time);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        let periods = self.of.calendar.len();
        let width = PERIODS_MAX + 1;
        let mut counts = vec![0i128; periods * width];
        let mut partial = Partial::default();
        for (place, person) in self.people.iter().enumerate().filter(|(_, person)| person.first < u8::MAX) {
            let cohort = usize::from(person.first);
            let mut note = |step: usize| {
                counts[cohort * width + step] += 1;
                if self.of.with_people {
                    let name = [Part::Number(cohort as i64), Part::Number(step as i64)];
                    partial.group(&name).note(self.slice.party(place));
                }
            };
            note(PERIODS_MAX);
            let mut left = person.mask >> cohort;
            while left > 0 {
                let step = left.trailing_zeros() as usize;
                left &= left - 1;
                if step <= self.of.periods {
                    note(step);
                }
            }
        }
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let name = [Part::Number((place / width) as i64), Part::Number((place % width) as i64)];
            partial.group(&name).add(0, *count);
        }
        partial
    }
}
