//! Things by what they brought, and how many people met each in each period.
//!
//! A thing is its code in the column's dictionary. What each brought is summed in an array, and its people are
//! counted period by period (`meetings`); who they were is only noted if that is asked.

mod meetings;

use criteria::Timeline;
use kernel::{Failure, PartyNo};
use meetings::Meetings;

use crate::answer::{Count, Finding, TopItem, TopPeriod};
use crate::calendar::Calendar;
use crate::cells::{Coder, SCALE, amount, each_number, shown};
use crate::form::At;
use crate::needs::{Need, Needs, Order};
use crate::operator::{Block, Operator, Slice};
use crate::partial::{Group, Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Top;
use crate::which::Which;

/// Periods people are told apart in.
const PERIODS_MAX: usize = 400;
/// Numbers of a thing's group before those of its periods: what it brought, and its events.
const PERIODS_FROM: usize = 2;
/// Things of an answer.
const ITEMS_MAX: u32 = 10_000;

/// A question for things made ready.
pub(crate) struct Things {
    ask: Top,
    range: (i64, i64),
    calendar: Calendar,
    with_people: bool,
}

impl Things {
    pub(crate) fn new(ask: &Top, setting: &Setting) -> kernel::Result<Self> {
        if ask.limit > ITEMS_MAX {
            return Err(Failure::LimitExceeded { limit: "things of an answer", max: u64::from(ITEMS_MAX) });
        }
        if ask.item.0.is_many() || ask.value.as_ref().is_some_and(|value| value.0.is_many()) {
            return Err(Failure::invalid("item", "a property with one value an event"));
        }
        let range = ask.window.range(setting.as_of);
        let calendar = Calendar::new(&setting.zone, ask.every, range, PERIODS_MAX)?;
        Ok(Self { ask: ask.clone(), range, calendar, with_people: setting.with_people })
    }
}

impl Kind for Things {
    fn needs(&self) -> Needs {
        let columns =
            std::iter::once(&self.ask.item).chain(&self.ask.value).map(|property| property.0.clone());
        let events = vec![Need::which(&self.ask.event, self.range).with(columns)];
        Needs { events, order: Order::Blocks, ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        vec![&self.ask.event]
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Sums {
            of: self,
            coder: Coder::default(),
            sums: Vec::new(),
            meetings: Meetings::default(),
            met: Vec::new(),
        })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let mut sums: Vec<(i128, &[Part], &Group)> = Vec::new();
        for (name, group) in &found.groups {
            // Groups with a period in their name hold people.
            if name.len() == 1 {
                sums.push((group.number(0), name, group));
            }
        }
        sums.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        sums.truncate(self.ask.limit as usize);
        let item = |(sum, name, group): (i128, &[Part], &Group)| {
            let mut periods = Vec::new();
            for period in 0..self.calendar.len() {
                let count = group.number(PERIODS_FROM + period);
                if count > 0 {
                    let name = [name[0].clone(), Part::Number(period as i64)];
                    let people = found.groups.get(&name[..]).and_then(|group| group.people.clone());
                    let start = At(self.calendar.start(period));
                    periods.push(TopPeriod { start, people: Count::with(count, people) });
                }
            }
            let events = u64::try_from(group.number(1)).unwrap_or(0);
            let value = if self.ask.value.is_some() { amount(sum) } else { events.into() };
            TopItem { item: shown(&name[0]).unwrap_or_default(), value, events, periods }
        };
        Finding::Top(sums.into_iter().map(item).collect())
    }
}

struct Sums<'p> {
    of: &'p Things,
    coder: Coder,
    /// By thing: what it brought, and in how many events.
    sums: Vec<(i128, u64)>,
    /// How many people met each.
    meetings: Meetings,
    /// Who met each, in which period: thing, period and person. Nobody unless people are asked for.
    met: Vec<(u32, u32, u32)>,
}

impl Operator for Sums<'_> {
    fn party(&mut self, _: PartyNo, _: &dyn Timeline) {}

    fn block(&mut self, block: &Block<'_>) {
        let rows = &block.runs[0];
        let mut lookup = self.of.calendar.lookup();
        let mut met = Vec::with_capacity(rows.parties.len());
        for (row, (party, time)) in rows.parties.iter().zip(rows.times).enumerate() {
            let thing = self.coder.code(&rows.columns[0], row);
            met.push((thing, lookup.period(*time) as u32, *party));
        }
        self.sums.resize(self.coder.parts.len(), (0, 0));
        met.iter().for_each(|(thing, ..)| self.sums[*thing as usize].1 += 1);
        if let Some(values) = rows.columns.get(1) {
            let sums = &mut self.sums;
            each_number(values, met.len(), |row, amount| {
                let sum = &mut sums[met[row].0 as usize].0;
                *sum = sum.saturating_add(amount);
            });
        }
        if self.of.with_people {
            self.met.extend_from_slice(&met);
        }
        self.meetings.block(met, self.coder.parts.len());
    }

    fn finish(mut self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        let is_counted = self.of.ask.value.is_none();
        for (thing, (sum, events)) in self.coder.parts.iter().zip(&self.sums) {
            // Events without the property are of no thing.
            if *thing != Part::Missing {
                let sum = if is_counted { i128::from(*events) * 10i128.pow(u32::from(SCALE)) } else { *sum };
                let group = partial.group(std::slice::from_ref(thing));
                group.add(0, sum);
                group.add(1, i128::from(*events));
            }
        }
        for (thing, period, people) in self.meetings.finish(self.coder.parts.len()) {
            let thing = &self.coder.parts[thing as usize];
            if *thing != Part::Missing {
                let group = partial.group(std::slice::from_ref(thing));
                group.add(PERIODS_FROM + period as usize, i128::from(people));
            }
        }
        self.met.sort_unstable();
        for same in self.met.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let thing = &self.coder.parts[same[0].0 as usize];
            if *thing != Part::Missing {
                let group = partial.group(&[thing.clone(), Part::Number(i64::from(same[0].1))]);
                same.iter().for_each(|met| group.note(met.2));
            }
        }
        partial
    }
}
