//! Who did something and not the next thing in time.

use criteria::Timeline;
use kernel::PartyNo;
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding};
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::Partial;
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Absence;
use crate::which::Which;

/// An absence made ready.
pub(crate) struct Without {
    event: Which,
    without: Which,
    within: i64,
    /// When the event counts: its wait is over by the question's instant.
    range: (i64, i64),
}

impl Without {
    pub(crate) fn new(ask: &Absence, setting: &Setting) -> Self {
        let within = ask.within.micros();
        let (from, until) = ask.window.range(setting.as_of);
        let over = setting.as_of.saturating_sub(within).saturating_add(1);
        let (event, without) = (ask.event.clone(), ask.without.clone());
        Self { event, without, within, range: (from, until.min(over)) }
    }
}

impl Kind for Without {
    fn needs(&self) -> Needs {
        let (from, until) = self.range;
        let after = (from.saturating_add(1), until.saturating_add(self.within));
        let events = vec![Need::which(&self.event, self.range), Need::which(&self.without, after)];
        Needs { events, ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        vec![&self.event, &self.without]
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Waits { within: self.within, events: 0, people: RoaringBitmap::new() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let group = found.groups.remove(&[][..]).unwrap_or_default();
        let people = group.people.clone().unwrap_or_default();
        let events = u64::try_from(group.number(0)).unwrap_or(0);
        Finding::Absence { events, people: Count::with(i128::from(people.len()), Some(people)) }
    }
}

struct Waits {
    within: i64,
    events: u64,
    people: RoaringBitmap,
}

impl Operator for Waits {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let (events, others) = (timeline.times(0), timeline.times(1));
        let mut next = 0;
        let before = self.events;
        for time in events {
            while others.get(next).is_some_and(|other| other <= time) {
                next += 1;
            }
            let is_followed =
                others.get(next).is_some_and(|other| *other <= time.saturating_add(self.within));
            self.events += u64::from(!is_followed);
        }
        if self.events > before {
            self.people.insert(party.0);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        let group = partial.group(&[]);
        group.add(0, i128::from(self.events));
        group.people = Some(self.people);
        partial
    }
}
