//! How often something happens, how much it brings and to how many, period by period.

use std::collections::BTreeMap;

use criteria::Timeline;
use kernel::PartyNo;

use crate::answer::{Count, Finding, TrendPoint};
use crate::calendar::Calendar;
use crate::cells::{Coder, amount, each_number, shown};
use crate::form::At;
use crate::needs::{Need, Needs, Order};
use crate::operator::{Block, Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Trend;
use crate::which::Which;

/// Periods of a trend: two years of days.
const PERIODS_MAX: usize = 740;

/// A trend made ready.
pub(crate) struct Course {
    ask: Trend,
    range: (i64, i64),
    calendar: Calendar,
    with_people: bool,
}

impl Course {
    pub(crate) fn new(ask: &Trend, setting: &Setting) -> kernel::Result<Self> {
        let range = ask.window.range(setting.as_of);
        let calendar = Calendar::new(&setting.zone, ask.every, range, PERIODS_MAX)?;
        Ok(Self { ask: ask.clone(), range, calendar, with_people: setting.with_people })
    }
}

impl Kind for Course {
    fn needs(&self) -> Needs {
        let columns = self.ask.sum.iter().chain(&self.ask.by).map(|property| property.0.clone());
        let events = vec![Need::which(&self.ask.event, self.range).with(columns)];
        Needs { events, order: Order::Blocks, ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        vec![&self.ask.event]
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Points { of: self, coder: Coder::default(), sums: BTreeMap::new(), met: Vec::new() })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let point = |(name, group): (Box<[Part]>, crate::partial::Group)| {
            let [Part::Number(period), value] = &*name else { return None };
            Some(TrendPoint {
                start: At(self.calendar.start(*period as usize)),
                value: shown(value),
                events: u64::try_from(group.number(0)).unwrap_or(0),
                sum: self.ask.sum.as_ref().map(|_| amount(group.number(2))),
                people: Count::with(group.number(1), group.people),
            })
        };
        Finding::Trend(found.groups.into_iter().filter_map(point).collect())
    }
}

struct Points<'p> {
    of: &'p Course,
    coder: Coder,
    /// By period and value: how many events, and their sum.
    sums: BTreeMap<(u32, u32), (u64, i128)>,
    /// Period, value and person, each once.
    met: Vec<(u32, u32, u32)>,
}

impl Operator for Points<'_> {
    fn party(&mut self, _: PartyNo, _: &dyn Timeline) {}

    fn block(&mut self, block: &Block<'_>) {
        let rows = &block.runs[0];
        let mut lookup = self.of.calendar.lookup();
        let by = self.of.ask.by.as_ref().and_then(|_| rows.columns.last());
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(rows.parties.len());
        for (row, (party, time)) in rows.parties.iter().zip(rows.times).enumerate() {
            let value = by.map_or(0, |column| self.coder.code(column, row));
            let place = (lookup.period(*time) as u32, value);
            places.push(place);
            self.sums.entry(place).or_default().0 += 1;
            let met = (place.0, place.1, *party);
            if self.met.last() != Some(&met) {
                self.met.push(met);
            }
        }
        if let Some(column) = self.of.ask.sum.as_ref().and_then(|_| rows.columns.first()) {
            let sums = &mut self.sums;
            each_number(column, places.len(), |row, amount| {
                let sum = &mut sums.entry(places[row]).or_default().1;
                *sum = sum.saturating_add(amount);
            });
        }
    }

    fn finish(mut self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        self.met.sort_unstable();
        self.met.dedup();
        for same in self.met.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (period, value, _) = same[0];
            let (events, sum) = self.sums.get(&(period, value)).copied().unwrap_or_default();
            let value = self.coder.parts.get(value as usize).cloned().unwrap_or(Part::Missing);
            let group = partial.group(&[Part::Number(i64::from(period)), value]);
            group.add(0, i128::from(events));
            group.add(1, same.len() as i128);
            group.add(2, sum);
            if self.of.with_people {
                same.iter().for_each(|met| group.note(met.2));
            }
        }
        partial
    }
}
