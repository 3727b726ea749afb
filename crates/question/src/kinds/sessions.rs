//! Visits: a person's events with no long pause between them.
//!
//! An event begins a session if nothing happened so shortly before it; so of what lies before the window only as
//! much is read as one pause is long, and a session is the same whatever window it is asked in.

use criteria::Timeline;
use kernel::time::MILLISECOND;
use kernel::{Failure, PartyNo};

use crate::answer::{Count, Finding, Sessions as Found, VisitGroup, VisitPage, VisitPeriod, Visits};
use crate::calendar::Calendar;
use crate::cells::{TraitCoder, part, shown, value_at};
use crate::form::{At, By};
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Group, Name, Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::sieve::{Masks, Met, Sieve};
use crate::spec::Sessions;
use crate::which::Which;

/// Periods sessions are told apart in.
const PERIODS_MAX: usize = 740;
/// Pages that are told apart.
const PAGES_MAX: u32 = 1_000;
/// Selections, by their bits.
const VIEWS: u8 = 1;
const CLICKS: u8 = 2;
const ORDERS: u8 = 4;
/// What a group is of: the first part of its name.
const ALL: i64 = 0;
const PERIOD: i64 = 1;
const BY: i64 = 2;
const LANDING: i64 = 3;
const EXIT: i64 = 4;
/// What a group counts, by place; its people are visitors.
const SESSIONS: usize = 0;
const BOUNCES: usize = 4;
const MILLIS: usize = 5;

/// A question for sessions made ready.
pub(crate) struct Stays {
    ask: Sessions,
    sieve: Sieve,
    gap: i64,
    range: (i64, i64),
    calendar: Option<Calendar>,
}

impl Stays {
    pub(crate) fn new(ask: &Sessions, setting: &Setting) -> kernel::Result<Self> {
        if ask.limit > PAGES_MAX {
            return Err(Failure::LimitExceeded { limit: "pages of an answer", max: u64::from(PAGES_MAX) });
        }
        let by = ask.by.as_ref().and_then(By::property);
        if by.is_some_and(criteria::path::Path::is_many) || ask.page.0.is_many() {
            return Err(Failure::invalid("page", "a property with one value an event; leave `[]` out"));
        }
        let (gap, range) = (ask.gap.micros(), ask.window.range(setting.as_of));
        let calendar = ask.every.map(|every| Calendar::new(&setting.zone, every, range, PERIODS_MAX));
        let read = (range.0.saturating_sub(gap), setting.as_of.saturating_add(1));
        let columns = || std::iter::once(ask.page.0.clone()).chain(by.cloned());
        let selections = [Some(&ask.views), Some(&ask.clicks), Some(&ask.orders), ask.others.as_ref()];
        let is_every = selections.iter().flatten().any(|which| which.is_every());
        // An event is read once, so it is one event, whatever it is.
        let chosen = |which: &Which| if is_every { which.among_all() } else { which.clone() };
        let chosen: Vec<Which> = selections.into_iter().flatten().map(chosen).collect();
        let need = |which| (which, Need { is_keyed: true, ..Need::which(which, read).with(columns()) });
        let picks: Vec<(&Which, Need)> = chosen.iter().map(need).collect();
        let sieve = Sieve::new(&picks, (&setting.zone, setting.as_of));
        Ok(Self { ask: ask.clone(), sieve, gap, range, calendar: calendar.transpose()? })
    }

    fn visits(found: &mut Partial, name: &[Part]) -> Visits {
        let group = found.groups.remove(name).unwrap_or_default();
        let buyers = found.groups.remove(&buyers(name)).and_then(|group| group.people).unwrap_or_default();
        let number = |place: usize| u64::try_from(group.number(place)).unwrap_or(0);
        let (sessions, bounces) = (number(SESSIONS), number(BOUNCES));
        let part = |of: f64| (sessions > 0).then(|| of / sessions as f64);
        Visits {
            sessions,
            views: number(1),
            clicks: number(2),
            orders: number(3),
            bounces,
            bounce_rate: part(bounces as f64),
            seconds_mean: part(number(MILLIS) as f64 / 1e3),
            buyers: Count::with(i128::from(buyers.len()), Some(buyers)),
            people: count(group),
        }
    }

    /// The pages of one kind of group.
    fn pages(&self, found: &Partial, kind: i64) -> Vec<VisitPage> {
        let is_of = |(name, _): &(&Name, &Group)| name[0] == Part::Number(kind);
        let mut groups: Vec<(&Name, &Group)> = found.groups.iter().filter(is_of).collect();
        groups.sort_by(|a, b| b.1.number(SESSIONS).cmp(&a.1.number(SESSIONS)).then_with(|| a.0.cmp(b.0)));
        let page = |(name, group): (&Name, &Group)| VisitPage {
            page: shown(&name[1]),
            sessions: u64::try_from(group.number(SESSIONS)).unwrap_or(0),
            people: count(group.clone()),
        };
        groups.into_iter().take(self.ask.limit as usize).map(page).collect()
    }
}

fn count(group: Group) -> Count {
    let people = group.people.unwrap_or_default();
    Count::with(i128::from(people.len()), Some(people))
}

/// The name of the group of buyers beside a group of visitors.
fn buyers(name: &[Part]) -> Name {
    [name, &[Part::Number(0)]].concat().into()
}

impl Kind for Stays {
    fn needs(&self) -> Needs {
        let traits = self.ask.by.as_ref().and_then(By::trait_name).map(Box::from).into_iter().collect();
        Needs { events: self.sieve.events().to_vec(), traits, ..Needs::default() }
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        let by = TraitCoder::new(self.ask.by.as_ref().and_then(By::trait_name), people);
        Box::new(Visiting { of: self, masks: Masks::new(&self.sieve), by, found: Partial::default() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let (landing, exit) = (self.pages(&found, LANDING), self.pages(&found, EXIT));
        let values = |found: &Partial, kind: i64| -> Vec<Part> {
            let of = found.groups.keys().filter(|name| name.len() == 2 && name[0] == Part::Number(kind));
            of.map(|name| name[1].clone()).collect()
        };
        let all = Self::visits(&mut found, &[Part::Number(ALL), Part::Missing]);
        let periods = self.calendar.as_ref().map(|calendar| {
            let periods = values(&found, PERIOD);
            let period = |value: Part| {
                let Part::Number(period) = value else { return None };
                let visits = Self::visits(&mut found, &[Part::Number(PERIOD), value]);
                Some(VisitPeriod { start: At(calendar.start(period as usize)), visits })
            };
            periods.into_iter().filter_map(period).collect()
        });
        let by = self.ask.by.as_ref().map(|_| {
            let groups = values(&found, BY);
            let group = |value: Part| {
                let shown = shown(&value);
                VisitGroup { value: shown, visits: Self::visits(&mut found, &[Part::Number(BY), value]) }
            };
            groups.into_iter().map(group).collect()
        });
        Finding::Sessions(Box::new(Found { all, periods, by, landing, exit }))
    }
}

struct Visiting<'p> {
    of: &'p Stays,
    masks: Masks<'p>,
    by: TraitCoder<'p>,
    found: Partial,
}

/// A session that is going on.
struct Session {
    start: i64,
    last: i64,
    by: Part,
    /// Pages of the first and the last view.
    pages: Option<(Part, Part)>,
    views: u64,
    clicks: u64,
    orders: u64,
}

impl Stays {
    /// A column of an event: the page, or what sessions are told apart by.
    fn value(&self, timeline: &dyn Timeline, met: &Met, column: usize) -> Part {
        let places = (0..self.sieve.selections()).flat_map(|selection| self.sieve.parts(selection));
        let mut places = places.filter(|part| part.run == met.run);
        let Some(place) = places.next().and_then(|part| part.columns.get(column)) else {
            return Part::Missing;
        };
        part(value_at(&timeline.column(met.run, *place), met.row))
    }

    fn end(&self, found: &mut Partial, party: u32, session: Session) {
        if session.start < self.range.0 || session.start >= self.range.1 {
            return;
        }
        let mut names = vec![[Part::Number(ALL), Part::Missing]];
        if let Some(calendar) = &self.calendar {
            let period = calendar.lookup().period(session.start);
            names.push([Part::Number(PERIOD), Part::Number(period as i64)]);
        }
        if self.ask.by.is_some() {
            names.push([Part::Number(BY), session.by]);
        }
        let is_bounce = session.views <= 1 && session.clicks == 0 && session.orders == 0;
        // The last digits of an instant are an event's place in its request, and no time.
        let millis = session.last.div_euclid(MILLISECOND) - session.start.div_euclid(MILLISECOND);
        for name in names {
            let group = found.group(&name);
            group.note(party);
            group.add(SESSIONS, 1);
            group.add(1, i128::from(session.views));
            group.add(2, i128::from(session.clicks));
            group.add(3, i128::from(session.orders));
            group.add(BOUNCES, i128::from(is_bounce));
            group.add(MILLIS, i128::from(millis));
            if session.orders > 0 {
                found.group(&buyers(&name)).note(party);
            }
        }
        if let Some((first, last)) = session.pages {
            for name in [[Part::Number(LANDING), first], [Part::Number(EXIT), last]] {
                let group = found.group(&name);
                group.note(party);
                group.add(SESSIONS, 1);
            }
        }
    }
}

impl Operator for Visiting<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let of = self.of;
        let by_trait = of.ask.by.as_ref().and_then(By::trait_name).map(|_| self.by.code(party.0) as usize);
        let by_trait = by_trait.map(|code| self.by.coder.parts[code].clone());
        let mut current: Option<Session> = None;
        for met in self.masks.met(timeline) {
            let is_over = current.as_ref().is_none_or(|session| met.time - session.last > of.gap);
            // An order alone begins nothing.
            if met.mask & !ORDERS == 0 {
                current.iter_mut().filter(|_| !is_over).for_each(|session| session.orders += 1);
                continue;
            }
            if is_over {
                let by = match &by_trait {
                    Some(value) => value.clone(),
                    None if of.ask.by.is_some() => of.value(timeline, met, 1),
                    None => Part::Missing,
                };
                let fresh = Session {
                    start: met.time,
                    last: met.time,
                    by,
                    pages: None,
                    views: 0,
                    clicks: 0,
                    orders: 0,
                };
                if let Some(ended) = current.replace(fresh) {
                    of.end(&mut self.found, party.0, ended);
                }
            }
            let Some(session) = &mut current else { continue };
            session.last = met.time;
            session.clicks += u64::from(met.mask & CLICKS > 0);
            session.orders += u64::from(met.mask & ORDERS > 0);
            if met.mask & VIEWS > 0 {
                session.views += 1;
                let page = of.value(timeline, met, 0);
                let first = session.pages.take().map_or_else(|| page.clone(), |pages| pages.0);
                session.pages = Some((first, page));
            }
        }
        if let Some(ended) = current {
            of.end(&mut self.found, party.0, ended);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        self.found
    }
}
