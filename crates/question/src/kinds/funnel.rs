//! Who gets how far in a chain of events.
//!
//! For each way a person began (the value it is told apart by, and what all steps must have in common) the
//! latest beginning that reached each step is kept: of two beginnings the later one leaves more time, so no
//! other has to be remembered. One pass over a person's events in their order decides.

use criteria::Timeline;
use criteria::column::Column;
use kernel::{Failure, PartyNo};
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding, FunnelGroup, FunnelStep};
use crate::cells::{Coder, part, shown, value_at};
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::{ChainOrder, Funnel};

/// Steps of a funnel.
const STEPS: std::ops::RangeInclusive<usize> = 2..=MOST;
const MOST: usize = 8;
/// No beginning.
const NEVER: i64 = i64::MIN;

/// A funnel made ready.
pub(crate) struct Chain {
    ask: Funnel,
    /// The run of each step.
    runs: Vec<usize>,
    /// Names of the runs.
    names: Vec<String>,
    within: i64,
    starts: (i64, i64),
    end: i64,
    with_people: bool,
}

impl Chain {
    pub(crate) fn new(ask: &Funnel, setting: &Setting) -> kernel::Result<Self> {
        if !STEPS.contains(&ask.steps.len()) {
            return Err(Failure::invalid("steps", "two to eight events"));
        }
        let is_any = ask.order == ChainOrder::Any;
        let is_twice = ask.steps.iter().enumerate().any(|(at, step)| ask.steps[..at].contains(step));
        if is_any && (is_twice || ask.by.is_some()) {
            return Err(Failure::invalid(
                "order",
                "`any` takes each event once, and nothing by which to tell people apart",
            ));
        }
        let mut names: Vec<String> = Vec::new();
        let mut runs = Vec::new();
        for step in &ask.steps {
            let known = names.iter().position(|name| name == step);
            runs.push(known.unwrap_or_else(|| {
                names.push(step.clone());
                names.len() - 1
            }));
        }
        let (starts, end) = (ask.window.range(setting.as_of), setting.as_of.saturating_add(1));
        let (within, with_people) = (ask.within.micros(), setting.with_people);
        Ok(Self { ask: ask.clone(), runs, names, within, starts, end, with_people })
    }

    /// Columns of a run: what people are told apart by, and what steps have in common.
    fn width(&self) -> usize {
        usize::from(self.ask.by.is_some()) + self.ask.same.len()
    }
}

impl Kind for Chain {
    fn needs(&self) -> Needs {
        let end = match self.ask.order {
            ChainOrder::Any => self.starts.1,
            _ => self.starts.1.saturating_add(self.within).min(self.end),
        };
        let events = self.names.iter().map(|name| {
            let by = self.ask.by.iter().chain(&self.ask.same).map(|property| property.0.clone());
            // No keys: of events of one microsecond the one of the earlier step comes first.
            Need::of(name, (self.starts.0, end)).with(by)
        });
        Needs { events: events.collect(), ..Needs::default() }
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Walks {
            of: self,
            next: vec![0; self.names.len()],
            ways: Vec::new(),
            coder: Coder::default(),
            groups: Vec::new(),
            all: Reached::default(),
            same: Vec::new(),
        })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let mut groups: Vec<FunnelGroup> = Vec::new();
        let mut all: Vec<FunnelStep> = Vec::new();
        for (name, group) in found.groups {
            let (Some(Part::Number(step)), Some(value)) = (name.get(2), name.get(1)) else { continue };
            let step = *step as usize;
            let people = Count::with(group.number(0), group.people);
            let event = self.ask.steps.get(step).cloned().unwrap_or_default();
            let steps = if name[0] == Part::Number(0) {
                &mut all
            } else {
                let shown = shown(value);
                if groups.last().is_none_or(|last| last.value != shown) {
                    groups.push(FunnelGroup { value: shown, steps: Vec::new() });
                }
                &mut groups.last_mut().expect("just put there").steps
            };
            steps.push(FunnelStep { event, people });
        }
        let by = self.ask.by.as_ref().map(|_| groups);
        Finding::Funnel { steps: all, by }
    }
}

/// How many people came to each step, and who.
#[derive(Clone, Default)]
struct Reached {
    counts: [u64; MOST],
    people: [RoaringBitmap; MOST],
}

/// One way a person began.
struct Way {
    by: u32,
    same: Vec<Part>,
    /// For each step the latest beginning that reached it; for chains in any order, when it last happened.
    reached: [i64; MOST],
    /// Steps that were reached.
    depth: usize,
}

struct Walks<'p> {
    of: &'p Chain,
    next: Vec<usize>,
    ways: Vec<Way>,
    coder: Coder,
    groups: Vec<Reached>,
    all: Reached,
    same: Vec<Part>,
}

impl Walks<'_> {
    /// The run with the next event of the person; of several at one time the one of the earlier step.
    #[inline]
    fn earliest(&self, times: &[&[i64]]) -> Option<(usize, i64)> {
        let mut found: Option<(usize, i64)> = None;
        for (run, (times, at)) in times.iter().zip(&self.next).enumerate() {
            if let Some(time) = times.get(*at)
                && found.is_none_or(|(_, best)| *time < best)
            {
                found = Some((run, *time));
            }
        }
        found
    }

    /// Takes an event: first where it goes on with what began, then where it begins.
    fn event(&mut self, run: usize, time: i64, columns: &[Vec<Column<'_>>], row: usize) {
        let chain = self.of;
        let columns = &columns[run];
        let (by, same) = columns.split_at(usize::from(chain.ask.by.is_some()));
        self.same.clear();
        self.same.extend(same.iter().map(|column| part(value_at(column, row))));
        // What has none of a property has it in common with nothing.
        if self.same.contains(&Part::Missing) {
            return;
        }
        let begins = chain.begins(run, time);
        let by = match (begins, by.first()) {
            (true, Some(column)) => self.coder.code(column, row),
            _ => 0,
        };
        let is_known = |way: &Way| way.by == by && way.same == self.same;
        if begins && !self.ways.iter().any(is_known) {
            let same = self.same.clone();
            self.ways.push(Way { by, same, reached: [NEVER; MOST], depth: 0 });
        }
        for way in self.ways.iter_mut().filter(|way| way.same == self.same) {
            chain.step(way, run, time, begins && way.by == by);
        }
    }

    fn count(&mut self, party: u32) {
        let is_named = self.of.ask.by.is_some();
        self.ways.sort_by_key(|way| (way.by, std::cmp::Reverse(way.depth)));
        self.ways.dedup_by_key(|way| way.by);
        let deepest = self.ways.iter().map(|way| way.depth).max().unwrap_or(0);
        self.all.note(party, deepest, self.of.with_people);
        for way in self.ways.iter().filter(|_| is_named) {
            let group = way.by as usize;
            if self.groups.len() <= group {
                self.groups.resize(group + 1, Reached::default());
            }
            self.groups[group].note(party, way.depth, self.of.with_people);
        }
    }
}

impl Chain {
    /// Whether an event opens a chain.
    fn begins(&self, run: usize, time: i64) -> bool {
        let is_first = self.ask.order == ChainOrder::Any || self.runs[0] == run;
        is_first && self.starts.0 <= time && time < self.starts.1
    }

    /// What an event changes for one way a person began.
    fn step(&self, way: &mut Way, run: usize, time: i64, begins: bool) {
        let steps = self.runs.len();
        let is_in_time = |start: i64| start != NEVER && time - start <= self.within;
        match self.ask.order {
            ChainOrder::Ordered => {
                // From the last to the first, so that no event is two steps.
                for step in (1..steps).rev().filter(|step| self.runs[*step] == run) {
                    let start = way.reached[step - 1];
                    if is_in_time(start) {
                        way.reached[step] = start;
                        way.depth = way.depth.max(step + 1);
                    }
                }
            }
            ChainOrder::Strict => {
                for step in (1..steps).rev() {
                    let start = way.reached[step - 1];
                    let goes_on = self.runs[step] == run && is_in_time(start);
                    way.reached[step] = if goes_on { start } else { NEVER };
                    if goes_on {
                        way.depth = way.depth.max(step + 1);
                    }
                }
                way.reached[0] = NEVER;
            }
            ChainOrder::Any => {
                way.reached[run] = time;
                way.depth = way.depth.max(way.reached[..steps].iter().filter(|at| is_in_time(**at)).count());
                return;
            }
        }
        if begins {
            way.reached[0] = time;
            way.depth = way.depth.max(1);
        }
    }
}

impl Operator for Walks<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let runs = self.next.len();
        let times: Vec<&[i64]> = (0..runs).map(|run| timeline.times(run)).collect();
        if self.of.ask.order != ChainOrder::Any && times[self.of.runs[0]].is_empty() {
            return;
        }
        let width = self.of.width();
        let columns: Vec<Vec<Column<'_>>> =
            (0..runs).map(|run| (0..width).map(|column| timeline.column(run, column)).collect()).collect();
        self.next.fill(0);
        self.ways.clear();
        while let Some((run, time)) = self.earliest(&times) {
            let row = self.next[run];
            self.next[run] += 1;
            self.event(run, time, &columns, row);
        }
        self.count(party.0);
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        let with_people = self.of.with_people;
        let mut put = |kind: i64, value: &Part, reached: &Reached| {
            for (step, count) in reached.counts.iter().enumerate().take(self.of.runs.len()) {
                let group = partial.group(&[Part::Number(kind), value.clone(), Part::Number(step as i64)]);
                group.add(0, i128::from(*count));
                if with_people {
                    group.people = Some(reached.people[step].clone());
                }
            }
        };
        put(0, &Part::Missing, &self.all);
        for (value, reached) in self.coder.parts.iter().zip(&self.groups) {
            put(1, value, reached);
        }
        partial
    }
}

impl Reached {
    fn note(&mut self, party: u32, depth: usize, with_people: bool) {
        for step in 0..depth {
            self.counts[step] += 1;
            if with_people {
                self.people[step].insert(party);
            }
        }
    }
}
