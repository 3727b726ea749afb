//! Who comes back: cohorts by the period of their first event, and in which later periods they act again.
//!
//! A person is a mask of the periods it acted in and the period it began; both come from times alone, in one
//! pass over the rows, whoever they belong to.

use std::collections::BTreeSet;

use criteria::Timeline;
use kernel::{Failure, PartyNo};

use crate::answer::{Cohort, Count, Finding};
use crate::calendar::Calendar;
use crate::cells::{TraitCoder, shown};
use crate::form::{At, By};
use crate::needs::{Need, Needs, Order};
use crate::operator::{Block, Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Retention;
use crate::which::Which;

/// Periods of a window, so that a person is one word.
const PERIODS_MAX: usize = 64;

/// A retention made ready.
pub(crate) struct Returns {
    first: Which,
    again: Which,
    range: (i64, i64),
    calendar: Calendar,
    periods: usize,
    by: Option<Box<str>>,
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
        let by = match &ask.by {
            Some(By::Property(_)) => {
                return Err(Failure::invalid("by", r#"cohorts are divided by `{"trait": name}`"#));
            }
            Some(By::Trait(name)) => Some(name.clone()),
            None => None,
        };
        let (first, again) = (ask.first.clone(), ask.again.clone());
        Ok(Self {
            first,
            again,
            range,
            calendar,
            periods: ask.periods as usize,
            by,
            with_people: setting.with_people,
        })
    }
}

impl Kind for Returns {
    fn needs(&self) -> Needs {
        let mut events = vec![Need::which(&self.first, self.range)];
        if self.again != self.first {
            events.push(Need::which(&self.again, self.range));
        }
        let traits = self.by.iter().cloned().collect();
        Needs { events, traits, order: Order::Blocks, ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        if self.again == self.first { vec![&self.first] } else { vec![&self.first, &self.again] }
    }

    fn operator<'p>(&'p self, slice: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        let by = TraitCoder::new(self.by.as_deref(), people);
        Box::new(Masks { of: self, slice, by, people: Vec::new() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let values: BTreeSet<Part> = found.groups.keys().map(|name| name[0].clone()).collect();
        let mut cohorts = Vec::new();
        for value in values {
            for cohort in 0..self.calendar.len() {
                let group = |found: &mut Partial, step: usize| {
                    let group = found.groups.remove(&name(&value, cohort, step)[..]).unwrap_or_default();
                    Count::with(group.number(0), group.people)
                };
                let size = group(&mut found, PERIODS_MAX);
                let last = self.periods.min(self.calendar.len() - 1 - cohort);
                let returned = (0..=last).map(|step| group(&mut found, step)).collect();
                if size.count() > 0 {
                    let (value, start) = (shown(&value), At(self.calendar.start(cohort)));
                    cohorts.push(Cohort { value, start, size, returned });
                }
            }
        }
        Finding::Retention(cohorts)
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
    by: TraitCoder<'p>,
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

    fn finish(mut self: Box<Self>) -> Partial {
        let width = PERIODS_MAX + 1;
        let mut counts: Vec<Vec<i128>> = Vec::new();
        let mut partial = Partial::default();
        for (place, person) in self.people.iter().enumerate().filter(|(_, person)| person.first < u8::MAX) {
            let (cohort, party) = (usize::from(person.first), self.slice.party(place));
            let by = self.by.code(party) as usize;
            if counts.len() <= by {
                counts.push(vec![0; self.of.calendar.len() * width]);
            }
            let mut note = |step: usize| {
                counts[by][cohort * width + step] += 1;
                if self.of.with_people {
                    partial.group(&name(&self.by.coder.parts[by], cohort, step)).note(party);
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
        for (value, counts) in self.by.coder.parts.iter().zip(&counts) {
            for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                partial.group(&name(value, place / width, place % width)).add(0, *count);
            }
        }
        partial
    }
}

fn name(value: &Part, cohort: usize, step: usize) -> [Part; 3] {
    [value.clone(), Part::Number(cohort as i64), Part::Number(step as i64)]
}
