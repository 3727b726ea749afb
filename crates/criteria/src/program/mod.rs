//! Rules made ready together: leaves that several rules share exist once.
//!
//! A program says what it needs to know of a party ([`Needs`]) and which of its rules a new fact can
//! change ([`Program::touched_by`]). It holds no state; `evaluate` runs it.

mod compile;
mod needs;

use std::collections::HashMap;

use kernel::Instant;

pub use needs::{ConsentNeed, EventNeed, Fact, Needs, RelatedNeed};

use crate::probe::Probe;
use crate::rule::{Consent, Measure, Period, Rule};
use crate::zone::Zone;

/// Compiled rules.
#[derive(Debug)]
pub struct Program {
    pub(crate) zone: Zone,
    pub(crate) entries: Vec<Entry>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) probes: Vec<Probe>,
    needs: Needs,
    /// How far back each run is wanted.
    reaches: Vec<Vec<Reach>>,
    runs: HashMap<Box<str>, usize>,
    touched: needs::Touched,
}

/// One rule of a program.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) rule: Rule,
    pub(crate) root: Branch,
}

/// A part of a rule's tree. Members are in the order they are cheapest to ask in, each with its place.
#[derive(Debug)]
pub(crate) enum Branch {
    Leaf(usize),
    All(Box<[(usize, Branch)]>),
    Any(Box<[(usize, Branch)]>),
    None(Box<[(usize, Branch)]>),
}

#[derive(Debug)]
pub(crate) enum Leaf {
    Always(bool),
    Trait { slot: usize, probe: usize },
    Tag { slot: usize, probe: usize },
    Score { slot: usize, probe: usize },
    Stage { slot: usize, probe: usize },
    Audience { slot: usize },
    Consent { slot: usize, state: Consent },
    Related(RelatedLeaf),
    Event(EventLeaf),
    Sequence(SequenceLeaf),
}

#[derive(Debug)]
pub(crate) struct RelatedLeaf {
    pub(crate) slot: usize,
    pub(crate) columns: Box<[usize]>,
    pub(crate) filter: Option<Condition>,
    pub(crate) probe: usize,
    pub(crate) is_relative: bool,
}

#[derive(Debug)]
pub(crate) struct EventLeaf {
    pub(crate) source: Source,
    pub(crate) span: Span,
    pub(crate) measure: Measure,
    /// Place of the measured property among the source's paths.
    pub(crate) property: usize,
    pub(crate) probe: usize,
    /// Do conditions on events depend on the present instant?
    pub(crate) is_relative: bool,
}

/// Events of some names that meet a condition.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) runs: Box<[SourceRun]>,
    pub(crate) filter: Option<Condition>,
}

/// One run of a source: where it finds each of the source's paths.
#[derive(Debug)]
pub(crate) struct SourceRun {
    pub(crate) run: usize,
    pub(crate) columns: Box<[usize]>,
}

/// A condition on an event or a record.
#[derive(Debug)]
pub(crate) enum Condition {
    /// Of the path at this place.
    Probe {
        path: usize,
        probe: usize,
    },
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    None(Box<[Condition]>),
}

/// A window made ready.
#[derive(Debug)]
pub(crate) enum Span {
    Ever,
    Last(i64),
    Calendar(Period),
    /// From the first (inclusive) to the second (exclusive).
    Between(i64, i64),
    Since {
        source: Source,
        is_last: bool,
    },
}

#[derive(Debug)]
pub(crate) struct SequenceLeaf {
    pub(crate) first: Source,
    pub(crate) steps: Box<[StepLeaf]>,
    pub(crate) span: Span,
    pub(crate) probe: usize,
    pub(crate) is_relative: bool,
}

/// A step after the first.
#[derive(Debug)]
pub(crate) struct StepLeaf {
    pub(crate) source: Source,
    /// In microseconds; for ever if nothing is said.
    pub(crate) within: i64,
    /// Places of properties that must be equal, among the first step's paths and among this one's.
    pub(crate) same: Box<[(usize, usize)]>,
    pub(crate) is_absent: bool,
}

/// How far back a leaf looks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    Ever,
    Last(i64),
    Calendar(Period),
    From(i64),
}

impl Program {
    /// Makes rules ready to be evaluated together in one time zone. Rules are called by their place in `rules`.
    pub fn compile(rules: impl IntoIterator<Item = (u64, Rule)>, zone: Zone) -> Self {
        compile::compile(rules, zone)
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The id a rule was given.
    pub fn id(&self, rule: usize) -> u64 {
        self.entries[rule].id
    }

    /// A rule as it was given.
    pub fn rule(&self, rule: usize) -> &Rule {
        &self.entries[rule].rule
    }

    /// How many different leaves the rules have.
    pub fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// The calendar periods are cut by.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// What has to be known of a party.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The run of events of this name, if any rule names it. `"*"` is the run of all events.
    pub fn run(&self, event: &str) -> Option<usize> {
        self.runs.get(event).copied()
    }

    /// Whether it looks at events of this name at all.
    pub fn wants(&self, event: &str) -> bool {
        self.run(event).is_some() || self.run("*").is_some()
    }

    /// The earliest time at which an event of a run can matter, now or later; `None` if all matter.
    pub fn earliest(&self, run: usize, as_of: Instant) -> Option<Instant> {
        let starts = self.reaches[run].iter().map(|reach| match *reach {
            Reach::Ever => None,
            Reach::Last(micros) => Some(Instant(as_of.0.saturating_sub(micros).saturating_add(1))),
            Reach::Calendar(period) => Some(self.zone.period(period, as_of).0),
            Reach::From(micros) => Some(Instant(micros)),
        });
        starts.min().flatten()
    }

    /// The rules, by their places and ascending, whose result a new fact of this kind can change.
    pub fn touched_by(&self, fact: Fact<'_>) -> &[usize] {
        self.touched.by(fact)
    }

    /// Whether conditions on events or records look at ages: only then may `changes_at` come too early.
    pub fn is_relative(&self) -> bool {
        self.leaves.iter().any(|leaf| match leaf {
            Leaf::Event(leaf) => leaf.is_relative,
            Leaf::Sequence(leaf) => leaf.is_relative,
            Leaf::Related(leaf) => leaf.is_relative,
            _ => false,
        })
    }
}
