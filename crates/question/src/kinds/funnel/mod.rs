//! Who gets how far in a chain of events.
//!
//! For each way a person began (the value it is told apart by, and what all steps must have in common) the
//! latest beginning that reached each step is kept: of two beginnings the later one leaves more time, so no
//! other has to be remembered. One pass over a person's events in their order decides.

mod walk;

use criteria::path::Path;
use kernel::Failure;

use crate::answer::{Count, Finding, FunnelGroup, FunnelStep};
use crate::cells::shown;
use crate::form::By;
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::sieve::Sieve;
use crate::spec::{ChainOrder, Funnel};
use crate::which::Which;
use walk::{Walks, Way};

/// Steps of a funnel.
const STEPS: std::ops::RangeInclusive<usize> = 2..=MOST;
const MOST: usize = 8;
/// No beginning.
const NEVER: i64 = i64::MIN;

/// A funnel made ready.
pub(crate) struct Chain {
    ask: Funnel,
    /// What is read, a run for each name of an event.
    events: Vec<Need>,
    /// For each run, which steps its events are, where their names decide that.
    masks: Vec<u8>,
    /// For each run, where the columns are: what people are told apart by, and what steps have in common.
    columns: Vec<Vec<usize>>,
    /// Decides which steps events are, where names do not.
    sieve: Option<Sieve>,
    within: i64,
    starts: (i64, i64),
    with_people: bool,
}

impl Chain {
    pub(crate) fn new(ask: &Funnel, setting: &Setting) -> kernel::Result<Self> {
        if !STEPS.contains(&ask.steps.len()) {
            return Err(Failure::invalid("steps", "two to eight steps"));
        }
        let is_twice = ask.steps.iter().enumerate().any(|(at, step)| ask.steps[..at].contains(step));
        if ask.order == ChainOrder::Any && is_twice {
            return Err(Failure::invalid("order", "`any` takes each step once"));
        }
        if ask.same.iter().any(|path| path.0.is_many()) {
            return Err(Failure::invalid("same", "a property with one value an event; leave `[]` out"));
        }
        let within = ask.within.micros();
        let (starts, end) = (ask.window.range(setting.as_of), setting.as_of.saturating_add(1));
        let range = (starts.0, starts.1.saturating_add(within).min(end));
        let by = ask.by.as_ref().and_then(By::property);
        let paths: Vec<Path> = by.into_iter().chain(ask.same.iter().map(|path| &path.0)).cloned().collect();
        // No keys: of events of one microsecond the one of the earlier step comes first.
        let need = |step: &Which| Need::which(step, range).with(paths.clone());
        let mut chain = Self {
            ask: ask.clone(),
            events: Vec::new(),
            masks: Vec::new(),
            columns: Vec::new(),
            sieve: None,
            within,
            starts,
            with_people: setting.with_people,
        };
        let is_every = ask.steps.iter().any(Which::is_every);
        if ask.steps.iter().all(|step| step.plain().is_some() && step.is_every() == is_every) {
            for (step, which) in ask.steps.iter().enumerate() {
                let known = ask.steps[..step].iter().position(|other| other == which);
                match known.map(|first| chain.run_of(first)) {
                    Some(run) => chain.masks[run] |= 1 << step,
                    None => {
                        chain.events.push(need(which));
                        chain.masks.push(1 << step);
                    }
                }
            }
            chain.columns = vec![(0..paths.len()).collect(); chain.events.len()];
            return Ok(chain);
        }
        // An event is read once, so it is one event, whichever steps it can be.
        let steps: Vec<Which> =
            ask.steps.iter().map(|step| if is_every { step.among_all() } else { step.clone() }).collect();
        let picks: Vec<(&Which, Need)> = steps.iter().map(|step| (step, need(step))).collect();
        let sieve = Sieve::new(&picks, (&setting.zone, setting.as_of));
        chain.events = sieve.events().to_vec();
        chain.masks = vec![0; chain.events.len()];
        chain.columns = vec![Vec::new(); chain.events.len()];
        for part in (0..steps.len()).flat_map(|step| sieve.parts(step)) {
            chain.columns[part.run].clone_from(&part.columns);
        }
        chain.sieve = Some(sieve);
        Ok(chain)
    }

    /// The run of a step that is known already.
    fn run_of(&self, step: usize) -> usize {
        self.masks.iter().position(|mask| mask >> step & 1 == 1).expect("an earlier step has a run")
    }

    /// The trait people are told apart by.
    fn by_trait(&self) -> Option<&str> {
        self.ask.by.as_ref().and_then(By::trait_name)
    }
}

impl Kind for Chain {
    fn needs(&self) -> Needs {
        let traits = self.by_trait().map(Box::from).into_iter().collect();
        Needs { events: self.events.clone(), traits, ..Needs::default() }
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Walks::new(self, people))
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let mut groups: Vec<FunnelGroup> = Vec::new();
        let mut all: Vec<FunnelStep> = Vec::new();
        for (name, group) in found.groups {
            let (Some(Part::Number(step)), Some(value)) = (name.get(2), name.get(1)) else { continue };
            let step = *step as usize;
            let people = Count::with(group.number(0), group.people);
            let event = self.ask.steps.get(step).map(Which::to_string).unwrap_or_default();
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

impl Chain {
    /// Whether people can be walked by [`Walks::swift`].
    fn is_swift(&self) -> bool {
        let is_plain = self.sieve.is_none() && self.ask.same.is_empty() && self.masks[0] == 1;
        is_plain && self.ask.order == ChainOrder::Ordered
    }

    /// Whether an event opens a chain.
    fn begins(&self, mask: u8, time: i64) -> bool {
        let is_first = self.ask.order == ChainOrder::Any || mask & 1 == 1;
        is_first && self.starts.0 <= time && time < self.starts.1
    }

    /// What an event changes for one way a person began.
    fn step(&self, way: &mut Way, mask: u8, time: i64, begins: bool) {
        let steps = self.ask.steps.len();
        let is_in_time = |start: i64| start != NEVER && time - start <= self.within;
        match self.ask.order {
            ChainOrder::Ordered => {
                // From the last to the first, so that no event is two steps.
                for step in (1..steps).rev().filter(|step| mask >> step & 1 == 1) {
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
                    let goes_on = mask >> step & 1 == 1 && is_in_time(start);
                    way.reached[step] = if goes_on { start } else { NEVER };
                    if goes_on {
                        way.depth = way.depth.max(step + 1);
                    }
                }
                way.reached[0] = NEVER;
            }
            ChainOrder::Any => return way.any(mask, (time, self.within), begins),
        }
        if begins {
            way.reached[0] = time;
            way.depth = way.depth.max(1);
        }
    }
}
