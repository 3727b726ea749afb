//! What becomes of a store's customers when it closes.
//!
//! Of each person the order days before the closing decide whose customer it was, and the orders after it what
//! became of it. Customers of the store that closed are nobody's control.

use std::collections::{BTreeMap, BTreeSet};

use criteria::{Timeline, Zone};
use kernel::{Failure, Instant, PartyNo};

use crate::answer::{Closure as Found, ClosureGroup, ClosureStore, Count, Fate, Finding};
use crate::cells::{TraitCoder, part, shown, value_at};
use crate::form::By;
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Closure;
use crate::which::Which;

/// Stores a closed one is compared with.
const LIKE_MAX: usize = 50;
/// What a group is of: the first part of its name.
const CLOSED: i64 = 0;
const LIKE: i64 = 1;
const STORE: i64 = 2;
const BY: i64 = 3;
/// What became of a person: the last part of its group's name.
const TO_STORE: i64 = 0;
const TO_ONLINE: i64 = 1;
const TO_NONE: i64 = 2;

/// A closure made ready.
pub(crate) struct Closing {
    ask: Closure,
    zone: Zone,
    from: i64,
    at: i64,
    until: i64,
    as_of: i64,
    closed: Part,
    like: BTreeSet<Part>,
}

impl Closing {
    pub(crate) fn new(ask: &Closure, setting: &Setting) -> kernel::Result<Self> {
        if ask.like.len() > LIKE_MAX {
            return Err(Failure::LimitExceeded { limit: "stores to compare with", max: LIKE_MAX as u64 });
        }
        if ask.like.contains(&ask.closed) {
            return Err(Failure::invalid("like", "stores that stayed open"));
        }
        if ask.store.0.is_many() {
            return Err(Failure::invalid("store", "a property with one value an event; leave `[]` out"));
        }
        if ask.by.as_ref().is_some_and(|by| by.property().is_some()) {
            return Err(Failure::invalid("by", r#"customers are divided by `{"trait": name}`"#));
        }
        if ask.at.micros() > setting.as_of {
            return Err(Failure::invalid("at", "the store has not closed yet by `as_of`"));
        }
        let (from, at, until) = ask.times();
        let text = |store: &String| Part::Text(store.as_str().into());
        Ok(Self {
            zone: setting.zone.clone(),
            from,
            at,
            until,
            as_of: setting.as_of,
            closed: text(&ask.closed),
            like: ask.like.iter().map(text).collect(),
            ask: ask.clone(),
        })
    }

    fn by(&self) -> Option<&str> {
        self.ask.by.as_ref().and_then(By::trait_name)
    }

    /// Whose customer a person was: of the store that closed, or of one like it.
    fn base(&self, days: &BTreeMap<Part, BTreeSet<i64>>) -> Option<i64> {
        let count = |store: &Part| days.get(store).map_or(0, BTreeSet::len);
        if count(&Part::Missing) < self.ask.online_days as usize {
            return None;
        }
        let is_often = |store: &Part| count(store) >= self.ask.store_days as usize;
        if is_often(&self.closed) {
            return Some(CLOSED);
        }
        self.like.iter().any(is_often).then_some(LIKE)
    }
}

/// What became of customers, from their groups.
fn fate(found: &mut Partial, name: &[Part]) -> Fate {
    let mut group = |outcome: i64| {
        let name = [name, &[Part::Number(outcome)]].concat();
        found.groups.remove(&name[..]).and_then(|group| group.people).unwrap_or_default()
    };
    let [store, online, none] = [TO_STORE, TO_ONLINE, TO_NONE].map(&mut group);
    let count = |people| -> Count {
        let people: roaring::RoaringBitmap = people;
        Count::with(i128::from(people.len()), Some(people))
    };
    let people = &(&store | &online) | &none;
    let lost = (!people.is_empty()).then(|| none.len() as f64 / people.len() as f64);
    Fate { people: count(people), store: count(store), online: count(online), none: count(none), lost }
}

impl Kind for Closing {
    fn needs(&self) -> Needs {
        let range = (self.from, self.until.saturating_add(1).min(self.as_of.saturating_add(1)));
        let events = vec![Need::which(&self.ask.order, range).with([self.ask.store.0.clone()])];
        Needs { events, traits: self.by().map(Box::from).into_iter().collect(), ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        vec![&self.ask.order]
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Fates { of: self, by: TraitCoder::new(self.by(), people), found: Partial::default() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let closed = fate(&mut found, &[Part::Number(CLOSED)]);
        let like = (!self.like.is_empty()).then(|| fate(&mut found, &[Part::Number(LIKE)]));
        let lost = like.as_ref().and_then(|like| like.lost);
        let excess_loss = closed.lost.zip(lost).map(|(closed, like)| closed - like);
        let values = |found: &Partial, kind: i64| -> BTreeSet<Part> {
            let of = found.groups.keys().filter(|name| name[0] == Part::Number(kind));
            of.map(|name| name[1].clone()).collect()
        };
        let by = self.by().map(|_| {
            let values = values(&found, BY);
            let group = |value: Part| {
                let shown = shown(&value);
                ClosureGroup { value: shown, fate: fate(&mut found, &[Part::Number(BY), value]) }
            };
            values.into_iter().map(group).collect()
        });
        let names = values(&found, STORE);
        let store = |store: Part| {
            let group = found.groups.remove(&[Part::Number(STORE), store.clone()][..])?;
            let people = group.people.unwrap_or_default();
            let people = Count::with(i128::from(people.len()), Some(people));
            Some(ClosureStore { store: shown(&store)?, people })
        };
        let mut stores: Vec<ClosureStore> = names.into_iter().filter_map(store).collect();
        stores.sort_by_key(|store| std::cmp::Reverse(store.people.count()));
        let is_over = self.as_of >= self.until;
        Finding::Closure(Box::new(Found { is_over, closed, like, excess_loss, stores, by }))
    }
}

struct Fates<'p> {
    of: &'p Closing,
    by: TraitCoder<'p>,
    found: Partial,
}

impl Operator for Fates<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let of = self.of;
        let (times, column) = (timeline.times(0), timeline.column(0, 0));
        let closing = times.partition_point(|time| *time <= of.at);
        let mut days: BTreeMap<Part, BTreeSet<i64>> = BTreeMap::new();
        for (row, time) in times[..closing].iter().enumerate() {
            let store = part(value_at(&column, row));
            days.entry(store).or_default().insert(of.zone.day(Instant(*time)));
        }
        let Some(base) = of.base(&days) else { return };
        let (mut stores, mut is_online) = (BTreeSet::new(), false);
        for row in closing..times.len() {
            match part(value_at(&column, row)) {
                Part::Missing => is_online = true,
                store if base == LIKE || store != of.closed => drop(stores.insert(store)),
                _ => {}
            }
        }
        let outcome = match (stores.is_empty(), is_online) {
            (false, _) => TO_STORE,
            (true, true) => TO_ONLINE,
            (true, false) => TO_NONE,
        };
        self.found.group(&[Part::Number(base), Part::Number(outcome)]).note(party.0);
        if base != CLOSED {
            return;
        }
        for store in stores {
            self.found.group(&[Part::Number(STORE), store]).note(party.0);
        }
        if of.by().is_some() {
            let code = self.by.code(party.0) as usize;
            let value = self.by.coder.parts[code].clone();
            self.found.group(&[Part::Number(BY), value, Part::Number(outcome)]).note(party.0);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        self.found
    }
}
