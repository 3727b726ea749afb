//! Evaluates a program for one party at one instant.
//!
//! [`Evaluator`] keeps buffers and what it learned of dictionaries from party to party; nothing it keeps
//! changes a result. A leaf is evaluated once a party however many rules share it. Whether a rule
//! holds is asked first and cheaply; when that can change is asked only where it is wanted.

mod explain;
mod measure;
mod relative;
mod scratch;
mod select;
mod sequence;
mod sweep;
mod value;
mod window;

use kernel::Instant;

pub use explain::{EVIDENCE_EVENTS_MAX, Explanation};
use scratch::Scratch;
pub use value::{Input, Point};

use crate::column::Timeline;
use crate::probe::NEVER;
use crate::program::{Branch, Leaf, Program, RelatedLeaf};
use crate::subject::Subject;
use crate::value::ValueRef;

/// The result of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Whether it holds.
    pub holds: bool,
    /// No earlier than this can the result differ if no new fact arrives; `None` is never.
    pub changes_at: Option<Instant>,
}

/// One party, as the evaluator sees it.
#[derive(Clone, Copy)]
pub struct Party<'a> {
    /// What it did.
    pub timeline: &'a dyn Timeline,
    /// What else is known of it.
    pub subject: &'a dyn Subject,
}

/// Runs a program. Make one per thread and keep it.
pub struct Evaluator<'p> {
    program: &'p Program,
    scratch: Scratch,
    memory: Vec<Memory>,
    round: u64,
}

/// What is known of a leaf in this round.
#[derive(Clone, Copy, Default)]
struct Memory {
    round: u64,
    holds: bool,
    changes: Option<i64>,
}

/// A program applied to one party at one instant.
pub struct Evaluation<'e, 'p> {
    evaluator: &'e mut Evaluator<'p>,
    context: Context<'e>,
    as_of: i64,
}

/// What every part of the evaluation looks at.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    program: &'a Program,
    timeline: &'a dyn Timeline,
    subject: &'a dyn Subject,
}

impl<'p> Evaluator<'p> {
    /// An evaluator that knows nothing yet.
    pub fn new(program: &'p Program) -> Self {
        let memory = vec![Memory::default(); program.leaves.len()];
        Self { program, scratch: Scratch::new(program), memory, round: 0 }
    }

    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// Turns to a party at an instant.
    pub fn at<'e>(&'e mut self, party: Party<'e>, as_of: Instant) -> Evaluation<'e, 'p> {
        self.round += 1;
        let Party { timeline, subject } = party;
        let context = Context { program: self.program, timeline, subject };
        Evaluation { evaluator: self, context, as_of: as_of.0 }
    }
}

impl Evaluation<'_, '_> {
    /// Whether a rule holds.
    pub fn holds(&mut self, rule: usize) -> bool {
        let program = self.evaluator.program;
        self.branch_holds(&program.entries[rule].root)
    }

    /// Whether a rule holds, and when that can change.
    pub fn outcome(&mut self, rule: usize) -> Outcome {
        let program = self.evaluator.program;
        let root = &program.entries[rule].root;
        let holds = self.branch_holds(root);
        let changes = self.branch_changes(root);
        Outcome { holds, changes_at: (changes != NEVER).then_some(Instant(changes)) }
    }

    /// Why a rule holds or does not.
    pub fn explain(&mut self, rule: usize) -> Explanation {
        let program = self.evaluator.program;
        let entry = &program.entries[rule];
        self.explain_branch(&entry.rule, &entry.root)
    }

    fn branch_holds(&mut self, branch: &Branch) -> bool {
        match branch {
            Branch::Leaf(leaf) => self.leaf_holds(*leaf),
            Branch::All(members) => members.iter().all(|(_, member)| self.branch_holds(member)),
            Branch::Any(members) => members.iter().any(|(_, member)| self.branch_holds(member)),
            Branch::None(members) => !members.iter().any(|(_, member)| self.branch_holds(member)),
        }
    }

    /// When the branch can change: the members that keep it as it is all have to, or else any one can.
    fn branch_changes(&mut self, branch: &Branch) -> i64 {
        let (members, keeper) = match branch {
            Branch::Leaf(leaf) => return self.leaf_changes(*leaf),
            Branch::All(members) => (members, false),
            Branch::Any(members) | Branch::None(members) => (members, true),
        };
        // One false member keeps `all` false, one true member keeps `any` true and `none` false.
        let is_kept = members.iter().any(|(_, member)| self.branch_holds(member) == keeper);
        let mut point = if is_kept { i64::MIN } else { NEVER };
        for (_, member) in members {
            if !is_kept {
                point = point.min(self.branch_changes(member));
            } else if point < NEVER && self.branch_holds(member) == keeper {
                point = point.max(self.branch_changes(member));
            }
        }
        point
    }

    fn leaf_holds(&mut self, leaf: usize) -> bool {
        let round = self.evaluator.round;
        if self.evaluator.memory[leaf].round == round {
            return self.evaluator.memory[leaf].holds;
        }
        let program = self.evaluator.program;
        let holds = leaf_holds(self.context, &mut self.evaluator.scratch, &program.leaves[leaf], self.as_of);
        self.evaluator.memory[leaf] = Memory { round, holds, changes: None };
        holds
    }

    fn leaf_changes(&mut self, leaf: usize) -> i64 {
        let holds = self.leaf_holds(leaf);
        if let Some(changes) = self.evaluator.memory[leaf].changes {
            return changes;
        }
        let program = self.evaluator.program;
        let (context, scratch) = (self.context, &mut self.evaluator.scratch);
        let changes = leaf_changes(context, scratch, &program.leaves[leaf], self.as_of, holds);
        self.evaluator.memory[leaf].changes = Some(changes);
        changes
    }
}

/// The value of a leaf that has one besides the timeline, and the probe it meets.
fn field<'a>(context: Context<'a>, leaf: &Leaf) -> Option<(Option<ValueRef<'a>>, usize)> {
    let (needs, subject) = (context.program.needs(), context.subject);
    match *leaf {
        Leaf::Trait { slot, probe } => Some((subject.trait_value(slot, &needs.traits[slot]), probe)),
        Leaf::Tag { slot, probe } => Some((subject.tag(slot, &needs.tags[slot]), probe)),
        Leaf::Score { slot, probe } => Some((subject.score(slot, &needs.scores[slot]), probe)),
        Leaf::Stage { slot, probe } => {
            Some((subject.stage(slot, &needs.stages[slot]).map(ValueRef::Text), probe))
        }
        _ => None,
    }
}

fn leaf_holds(context: Context<'_>, scratch: &mut Scratch, leaf: &Leaf, as_of: i64) -> bool {
    let needs = context.program.needs();
    match leaf {
        Leaf::Always(value) => *value,
        Leaf::Audience { slot } => context.subject.is_member(*slot, &needs.audiences[*slot]),
        Leaf::Consent { slot, state } => {
            let need = &needs.consents[*slot];
            context.subject.consent(*slot, &need.channel, &need.purpose) == *state
        }
        Leaf::Related(leaf) => {
            let count = related_count(context, scratch, leaf, as_of);
            measure::holds_whole(&context.program.probes[leaf.probe], count)
        }
        Leaf::Event(leaf) => measure::holds(context, scratch, leaf, as_of),
        Leaf::Sequence(leaf) => {
            let count = sequence::count(context, scratch, leaf, as_of);
            measure::holds_whole(&context.program.probes[leaf.probe], count)
        }
        field_leaf => field(context, field_leaf)
            .is_some_and(|(value, probe)| context.program.probes[probe].holds(value, as_of)),
    }
}

/// How many related records meet the condition.
fn related_count(context: Context<'_>, scratch: &mut Scratch, leaf: &RelatedLeaf, as_of: i64) -> u64 {
    let rows = context.subject.related_rows(leaf.slot);
    let column = |path: usize| context.subject.related_column(leaf.slot, leaf.columns[path]);
    let selection = select::records(context, scratch, leaf.filter.as_ref(), &column, rows, as_of);
    let count = selection.count();
    scratch.take_back(selection);
    count
}

fn leaf_changes(context: Context<'_>, scratch: &mut Scratch, leaf: &Leaf, as_of: i64, holds: bool) -> i64 {
    match leaf {
        Leaf::Always(_) | Leaf::Audience { .. } | Leaf::Consent { .. } => NEVER,
        Leaf::Event(event) if !event.is_relative => sweep::changes(context, scratch, event, as_of, holds),
        Leaf::Sequence(sequence) if !sequence.is_relative => {
            sequence::changes(context, scratch, sequence, as_of, holds)
        }
        Leaf::Event(_) | Leaf::Sequence(_) => relative::changes(context, scratch, leaf, as_of, holds),
        Leaf::Related(related) if related.is_relative => {
            relative::changes(context, scratch, leaf, as_of, holds)
        }
        Leaf::Related(_) => NEVER,
        field_leaf => field(context, field_leaf).map_or(NEVER, |(value, probe)| {
            let probe = &context.program.probes[probe];
            let first = probe.crossing(value, as_of);
            // Of the two crossings, entering and leaving, the first may change nothing.
            if first == NEVER || probe.holds(value, first) != holds {
                first
            } else {
                probe.crossing(value, first)
            }
        }),
    }
}
