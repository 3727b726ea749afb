//! What people do next, or did before.
//!
//! Each person has one path, so people are at one place at each step and numbers add up: from step to step
//! only pairs are counted, never whole paths.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Timeline;
use kernel::{Failure, PartyNo};

use crate::answer::{Count, Finding, PathLink, PathNode, PathStep, Paths as Found};
use crate::cells::{part, shown, value_at};
use crate::needs::{EVENT, Need, Needs, path};
use crate::operator::{Operator, Slice};
use crate::partial::{Group, Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::sieve::{Masks, Met, Sieve};
use crate::spec::{Paths, Side};
use crate::which::Which;

/// Steps of a path.
const DEPTHS: std::ops::RangeInclusive<u32> = 1..=10;
/// Names that are told apart at a step.
const NAMES_MAX: u32 = 100;
/// Selections, by their bits.
const ANCHOR: u8 = 1;
const STEP: u8 = 2;

/// A question for paths made ready.
pub(crate) struct Ways {
    ask: Paths,
    sieve: Sieve,
    within: i64,
    range: (i64, i64),
    with_people: bool,
}

impl Ways {
    pub(crate) fn new(ask: &Paths, setting: &Setting) -> kernel::Result<Self> {
        if !DEPTHS.contains(&ask.depth) {
            return Err(Failure::invalid("depth", "one to ten steps"));
        }
        if ask.limit > NAMES_MAX {
            return Err(Failure::LimitExceeded { limit: "names of a step", max: u64::from(NAMES_MAX) });
        }
        if ask.name.as_ref().is_some_and(|name| name.0.is_many()) {
            return Err(Failure::invalid("name", "a property with one value an event; leave `[]` out"));
        }
        let (within, range) = (ask.within.micros(), ask.window.range(setting.as_of));
        let read = match ask.side {
            Side::After => (range.0, range.1.saturating_add(within).min(setting.as_of.saturating_add(1))),
            Side::Before => (range.0.saturating_sub(within), range.1),
        };
        let is_every = ask.anchor.is_every() || ask.events.is_every();
        // An event is read once, so it is one event, whether anchor or step.
        let chosen = |which: &Which| if is_every { which.among_all() } else { which.clone() };
        let chosen = [chosen(&ask.anchor), chosen(&ask.events)];
        let name = ask.name.as_ref().map(|name| name.0.clone()).or_else(|| is_every.then(|| path(EVENT)));
        let need = |which| (which, Need { is_keyed: true, ..Need::which(which, read).with(name.clone()) });
        let picks: Vec<(&Which, Need)> = chosen.iter().map(need).collect();
        let sieve = Sieve::new(&picks, (&setting.zone, setting.as_of));
        Ok(Self { ask: ask.clone(), sieve, within, range, with_people: setting.with_people })
    }

    /// What an event is called.
    fn name(&self, timeline: &dyn Timeline, met: &Met) -> Part {
        let mut parts = self.sieve.parts(0).iter().chain(self.sieve.parts(1));
        match parts.find(|part| part.run == met.run).and_then(|part| part.columns.first()) {
            Some(place) => part(value_at(&timeline.column(met.run, *place), met.row)),
            // Where names choose what is read, they are known.
            None => self.sieve.events()[met.run]
                .event
                .as_deref()
                .map_or(Part::Missing, |name| Part::Text(name.into())),
        }
    }

    /// The steps of a person, nearest to the anchor first; `None` without an anchor.
    fn steps(&self, timeline: &dyn Timeline, met: &[Met]) -> Option<Vec<Part>> {
        let is_anchor =
            |met: &Met| met.mask & ANCHOR > 0 && self.range.0 <= met.time && met.time < self.range.1;
        let (anchor, others): (&Met, Box<dyn Iterator<Item = &Met>>) = match self.ask.side {
            Side::After => {
                let place = met.iter().position(is_anchor)?;
                (&met[place], Box::new(met[place + 1..].iter()))
            }
            Side::Before => {
                let place = met.iter().rposition(is_anchor)?;
                (&met[place], Box::new(met[..place].iter().rev()))
            }
        };
        let mut last = self.name(timeline, anchor);
        let mut steps = Vec::new();
        let is_near = |met: &&Met| (met.time - anchor.time).abs() <= self.within;
        for met in others.take_while(is_near).filter(|met| met.mask & STEP > 0) {
            let name = self.name(timeline, met);
            if name == Part::Missing || (!self.ask.repeats && name == last) {
                continue;
            }
            last = name.clone();
            steps.push(name);
            if steps.len() == self.ask.depth as usize {
                break;
            }
        }
        Some(steps)
    }
}

impl Kind for Ways {
    fn needs(&self) -> Needs {
        Needs { events: self.sieve.events().to_vec(), ..Needs::default() }
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Walking { of: self, masks: Masks::new(&self.sieve), found: Partial::default() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let whole = found.groups.remove(&[Part::Number(0)][..]).unwrap_or_default();
        let mut by_step: Vec<Vec<(Part, Part, Group)>> = vec![Vec::new(); self.ask.depth as usize];
        for (name, group) in found.groups {
            if let [Part::Number(step), from, to] = &*name
                && let Some(links) = by_step.get_mut(*step as usize - 1)
            {
                links.push((from.clone(), to.clone(), group));
            }
        }
        let (mut steps, mut all_links) = (Vec::new(), Vec::new());
        let mut before = BTreeSet::new();
        for (step, links) in by_step.into_iter().enumerate().take_while(|(_, links)| !links.is_empty()) {
            let (shown_step, known) = self.step(&links);
            all_links.extend(self.links(step, links, (&before, &known)));
            steps.push(shown_step);
            before = known;
        }
        let people = Count::with(whole.number(0), whole.people);
        Finding::Paths(Box::new(Found { people, steps, links: all_links }))
    }
}

/// Adds one group to another.
fn add(to: &mut Group, group: &Group) {
    to.add(0, group.number(0));
    if let Some(people) = &group.people {
        *to.people.get_or_insert_default() |= people;
    }
}

impl Ways {
    /// A step, and the names that are told apart at it.
    fn step(&self, links: &[(Part, Part, Group)]) -> (PathStep, BTreeSet<Part>) {
        let mut nodes: BTreeMap<&Part, Group> = BTreeMap::new();
        for (_, to, group) in links {
            add(nodes.entry(to).or_default(), group);
        }
        let counted = |group: Group| {
            let people = group.people.or_else(|| self.with_people.then(Default::default));
            Count::with(group.numbers.first().copied().unwrap_or(0), people)
        };
        let ended = counted(nodes.remove(&Part::Missing).unwrap_or_default());
        let mut order: Vec<(&Part, Group)> = nodes.into_iter().collect();
        order.sort_by(|a, b| b.1.number(0).cmp(&a.1.number(0)).then_with(|| a.0.cmp(b.0)));
        let rest = order.split_off(order.len().min(self.ask.limit as usize));
        let mut other = Group::default();
        rest.iter().for_each(|(_, group)| add(&mut other, group));
        let known = order.iter().map(|(name, _)| (*name).clone()).collect();
        let node = |(name, group): (&Part, Group)| PathNode {
            name: shown(name).unwrap_or_default(),
            people: counted(group),
        };
        (PathStep { nodes: order.into_iter().map(node).collect(), other: counted(other), ended }, known)
    }

    /// Links between the names that are told apart.
    fn links(
        &self,
        step: usize,
        links: Vec<(Part, Part, Group)>,
        (before, known): (&BTreeSet<Part>, &BTreeSet<Part>),
    ) -> Vec<PathLink> {
        let mut merged: BTreeMap<(Option<String>, Option<String>), Group> = BTreeMap::new();
        for (from, to, group) in links.iter().filter(|(_, to, _)| *to != Part::Missing) {
            let name = |part: &Part, known: &BTreeSet<Part>| shown(part).filter(|_| known.contains(part));
            add(merged.entry((name(from, before), name(to, known))).or_default(), group);
        }
        let link = |((from, to), group): ((Option<String>, Option<String>), Group)| PathLink {
            step,
            from,
            to,
            people: Count::with(group.number(0), group.people),
        };
        let mut found: Vec<PathLink> = merged.into_iter().map(link).collect();
        found.sort_by_key(|link| std::cmp::Reverse(link.people.count()));
        found
    }
}

struct Walking<'p> {
    of: &'p Ways,
    masks: Masks<'p>,
    found: Partial,
}

impl Operator for Walking<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let of = self.of;
        let Some(steps) = of.steps(timeline, self.masks.met(timeline)) else { return };
        let found = &mut self.found;
        let mut note = |name: &[Part]| {
            let group = found.group(name);
            group.add(0, 1);
            if of.with_people {
                group.note(party.0);
            }
        };
        note(&[Part::Number(0)]);
        let mut from = Part::Missing;
        let ended = (steps.len() < of.ask.depth as usize).then_some(Part::Missing);
        for (step, to) in (1..).zip(steps.into_iter().chain(ended)) {
            let name = [Part::Number(step), from, to];
            note(&name);
            [_, _, from] = name;
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        self.found
    }
}
