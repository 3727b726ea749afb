//! From rules to a program.
//!
//! Leaves are told apart by their canonical JSON, comparisons by theirs, so what is written twice is
//! evaluated once.

use std::collections::HashMap;

use super::needs::Touched;
use super::{
    Branch, Condition, ConsentNeed, Entry, EventLeaf, EventNeed, Fact, Leaf, Needs, Program, Reach,
    RelatedLeaf, RelatedNeed, SequenceLeaf, Source, SourceRun, Span, StepLeaf,
};
use crate::path::Path;
use crate::probe::Probe;
use crate::rule::{
    Aggregate, Comparison, EventRule, Events, Filter, Measure, RelatedRule, Rule, SequenceRule, Window,
};
use crate::write::operand;
use crate::zone::Zone;

#[derive(Default)]
struct Compiler {
    leaves: Vec<Leaf>,
    leaf_by_text: HashMap<String, usize>,
    probes: Vec<Probe>,
    probe_by_text: HashMap<String, usize>,
    needs: Needs,
    reaches: Vec<Vec<Reach>>,
    runs: HashMap<Box<str>, usize>,
}

pub(super) fn compile(rules: impl IntoIterator<Item = (u64, Rule)>, zone: Zone) -> Program {
    let mut compiler = Compiler::default();
    let mut touched = Touched::default();
    let mut entries = Vec::new();
    for (id, rule) in rules {
        rule.each_leaf(&mut |leaf| facts(leaf, &mut |fact| touched.add(fact, entries.len())));
        let root = compiler.branch(&rule);
        entries.push(Entry { id, rule, root });
    }
    touched.close();
    let Compiler { leaves, probes, needs, reaches, runs, .. } = compiler;
    Program { zone, entries, leaves, probes, needs, reaches, runs, touched }
}

/// Calls `visit` with every fact a leaf depends on.
fn facts<'a>(leaf: &'a Rule, visit: &mut dyn FnMut(Fact<'a>)) {
    let since = |window: &'a Window, visit: &mut dyn FnMut(Fact<'a>)| {
        if let Window::Since(since) = window {
            visit(Fact::Event(&since.event));
        }
    };
    match leaf {
        Rule::Trait(named) => visit(Fact::Trait(&named.name)),
        Rule::Tag(named) => visit(Fact::Tag(&named.name)),
        Rule::Score(named) => visit(Fact::Score(&named.name)),
        Rule::Stage(named) => visit(Fact::Stage(&named.name)),
        Rule::Audience(id) => visit(Fact::Audience(id)),
        Rule::Consent(rule) => visit(Fact::Consent { channel: &rule.channel, purpose: &rule.purpose }),
        Rule::Related(rule) => visit(Fact::Related(&rule.object)),
        Rule::Event(rule) => {
            match &rule.events {
                Events::Every => visit(Fact::Event("*")),
                Events::Named(names) => names.iter().for_each(|name| visit(Fact::Event(name))),
            }
            since(&rule.window, visit);
        }
        Rule::Sequence(rule) => {
            rule.steps.iter().flat_map(|step| &step.events).for_each(|name| visit(Fact::Event(name)));
            since(&rule.window, visit);
        }
        Rule::Always(_) | Rule::All(_) | Rule::Any(_) | Rule::None(_) => {}
    }
}

/// The place of `item`, which is added if it is not there.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl Compiler {
    fn branch(&mut self, rule: &Rule) -> Branch {
        let members = |compiler: &mut Self, rules: &[Rule]| {
            let mut members: Vec<_> = rules.iter().map(|rule| compiler.branch(rule)).enumerate().collect();
            members.sort_by_key(|(_, branch)| compiler.cost(branch));
            members.into_boxed_slice()
        };
        match rule {
            Rule::All(rules) => Branch::All(members(self, rules)),
            Rule::Any(rules) => Branch::Any(members(self, rules)),
            Rule::None(rules) => Branch::None(members(self, rules)),
            leaf => {
                let text = leaf.to_json();
                if let Some(known) = self.leaf_by_text.get(&text) {
                    return Branch::Leaf(*known);
                }
                let compiled = self.leaf(leaf);
                self.leaves.push(compiled);
                self.leaf_by_text.insert(text, self.leaves.len() - 1);
                Branch::Leaf(self.leaves.len() - 1)
            }
        }
    }

    /// What asking a branch costs, roughly.
    fn cost(&self, branch: &Branch) -> usize {
        match branch {
            Branch::All(members) | Branch::Any(members) | Branch::None(members) => {
                members.iter().map(|(_, member)| self.cost(member)).sum()
            }
            Branch::Leaf(leaf) => match &self.leaves[*leaf] {
                Leaf::Sequence(leaf) => 100 * (1 + leaf.steps.len()),
                Leaf::Event(leaf) => {
                    let is_slow = matches!(leaf.span, Span::Since { .. });
                    10 * leaf.source.runs.len() * (1 + usize::from(leaf.source.filter.is_some()))
                        + usize::from(is_slow) * 20
                }
                Leaf::Related(_) => 8,
                _ => 1,
            },
        }
    }

    fn leaf(&mut self, rule: &Rule) -> Leaf {
        match rule {
            Rule::Trait(named) => Leaf::Trait {
                slot: place(&mut self.needs.traits, named.name.as_str().into()),
                probe: self.probe(&named.comparison),
            },
            Rule::Tag(named) => Leaf::Tag {
                slot: place(&mut self.needs.tags, named.name.as_str().into()),
                probe: self.probe(&named.comparison),
            },
            Rule::Score(named) => Leaf::Score {
                slot: place(&mut self.needs.scores, named.name.as_str().into()),
                probe: self.probe(&named.comparison),
            },
            Rule::Stage(named) => Leaf::Stage {
                slot: place(&mut self.needs.stages, named.name.as_str().into()),
                probe: self.probe(&named.comparison),
            },
            Rule::Audience(id) => {
                Leaf::Audience { slot: place(&mut self.needs.audiences, id.as_str().into()) }
            }
            Rule::Consent(rule) => {
                let need = ConsentNeed {
                    channel: rule.channel.as_str().into(),
                    purpose: rule.purpose.as_str().into(),
                };
                Leaf::Consent { slot: place(&mut self.needs.consents, need), state: rule.state }
            }
            Rule::Related(rule) => Leaf::Related(self.related(rule)),
            Rule::Event(rule) => Leaf::Event(self.event(rule)),
            Rule::Sequence(rule) => Leaf::Sequence(self.sequence(rule)),
            Rule::Always(value) => Leaf::Always(*value),
            // Groups are branches, never leaves.
            Rule::All(_) | Rule::Any(_) | Rule::None(_) => Leaf::Always(false),
        }
    }

    fn probe(&mut self, comparison: &Comparison) -> usize {
        let text = format!("{} {}", comparison.op(), operand(comparison).unwrap_or_default());
        *self.probe_by_text.entry(text).or_insert_with(|| {
            self.probes.push(Probe::new(comparison));
            self.probes.len() - 1
        })
    }

    /// A condition on events or records that have these `paths`, to which it adds its own.
    fn condition(&mut self, filters: &[Filter], paths: &mut Vec<Path>) -> Option<Condition> {
        let mut members: Vec<_> = filters.iter().map(|filter| self.filter(filter, paths)).collect();
        match members.len() {
            0 => None,
            1 => members.pop(),
            _ => Some(Condition::All(members.into())),
        }
    }

    fn filter(&mut self, filter: &Filter, paths: &mut Vec<Path>) -> Condition {
        let mut members =
            |filters: &[Filter]| filters.iter().map(|filter| self.filter(filter, paths)).collect();
        match filter {
            Filter::All(filters) => Condition::All(members(filters)),
            Filter::Any(filters) => Condition::Any(members(filters)),
            Filter::None(filters) => Condition::None(members(filters)),
            Filter::Property(path, comparison) => {
                Condition::Probe { path: place(paths, path.clone()), probe: self.probe(comparison) }
            }
        }
    }

    fn is_relative(&self, condition: &Option<Condition>) -> bool {
        fn is(compiler: &Compiler, condition: &Condition) -> bool {
            match condition {
                Condition::Probe { probe, .. } => compiler.probes[*probe].is_relative(),
                Condition::All(members) | Condition::Any(members) | Condition::None(members) => {
                    members.iter().any(|member| is(compiler, member))
                }
            }
        }
        condition.as_ref().is_some_and(|condition| is(self, condition))
    }

    fn source(
        &mut self,
        names: &[String],
        filter: Option<Condition>,
        paths: &[Path],
        reach: Reach,
    ) -> Source {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let runs = names.into_iter().map(|name| {
            let run = *self.runs.entry(name.into()).or_insert(self.needs.events.len());
            if run == self.needs.events.len() {
                self.needs.events.push(EventNeed {
                    name: name.into(),
                    properties: Vec::new(),
                    is_keyed: false,
                });
                self.reaches.push(Vec::new());
            }
            self.reaches[run].push(reach);
            let columns = paths
                .iter()
                .map(|path| place(&mut self.needs.events[run].properties, path.clone()))
                .collect();
            SourceRun { run, columns }
        });
        Source { runs: runs.collect(), filter }
    }

    /// A window made ready, how far back it reaches, and whether it depends on the present by a condition.
    fn span(&mut self, window: &Window) -> (Span, Reach, bool) {
        match window {
            Window::Ever => (Span::Ever, Reach::Ever, false),
            Window::Last(duration) => (Span::Last(duration.micros()), Reach::Last(duration.micros()), false),
            Window::Calendar(period) => (Span::Calendar(*period), Reach::Calendar(*period), false),
            Window::Between(from, to) => {
                let (from, to) = (from.map_or(i64::MIN, |at| at.0), to.map_or(i64::MAX, |at| at.0));
                (
                    Span::Between(from, to),
                    if from == i64::MIN { Reach::Ever } else { Reach::From(from) },
                    false,
                )
            }
            Window::Since(since) => {
                let mut paths = Vec::new();
                let filter = self.condition(&since.filters, &mut paths);
                let is_relative = self.is_relative(&filter);
                let source = self.source(std::slice::from_ref(&since.event), filter, &paths, Reach::Ever);
                (Span::Since { source, is_last: since.is_last }, Reach::Ever, is_relative)
            }
        }
    }

    fn event(&mut self, rule: &EventRule) -> EventLeaf {
        let (span, reach, is_since_relative) = self.span(&rule.window);
        let mut paths = Vec::new();
        let filter = self.condition(&rule.filters, &mut paths);
        let is_relative = is_since_relative || self.is_relative(&filter);
        let property = match &rule.measure {
            Measure::Of(_, path) => place(&mut paths, path.clone()),
            _ => 0,
        };
        let source = match &rule.events {
            Events::Every => self.source(&["*".into()], filter, &paths, reach),
            Events::Named(names) => self.source(names, filter, &paths, reach),
        };
        if let Measure::Of(Aggregate::First | Aggregate::Last, _) = rule.measure {
            source.runs.iter().for_each(|run| self.needs.events[run.run].is_keyed |= source.runs.len() > 1);
        }
        let (measure, probe) = (rule.measure.clone(), self.probe(&rule.comparison));
        EventLeaf { source, span, measure, property, probe, is_relative }
    }

    fn sequence(&mut self, rule: &SequenceRule) -> SequenceLeaf {
        let (span, reach, mut is_relative) = self.span(&rule.window);
        let mut first_paths = Vec::new();
        let mut steps = Vec::new();
        let Some((first, rest)) = rule.steps.split_first() else {
            // A sequence that was read has a step; one built by hand without any never matches.
            let first = self.source(&[], None, &[], reach);
            return SequenceLeaf {
                first,
                steps: [].into(),
                span,
                probe: self.probe(&rule.comparison),
                is_relative,
            };
        };
        let first_filter = self.condition(&first.filters, &mut first_paths);
        is_relative |= self.is_relative(&first_filter);
        for step in rest {
            let mut paths = Vec::new();
            let filter = self.condition(&step.filters, &mut paths);
            is_relative |= self.is_relative(&filter);
            let same = step
                .same
                .iter()
                .map(|path| (place(&mut first_paths, path.clone()), place(&mut paths, path.clone())));
            let same = same.collect();
            steps.push(StepLeaf {
                source: self.source(&step.events, filter, &paths, reach),
                within: step.within.map_or(i64::MAX, |within| within.micros()),
                same,
                is_absent: step.is_absent,
            });
        }
        let first = self.source(&first.events, first_filter, &first_paths, reach);
        SequenceLeaf { first, steps: steps.into(), span, probe: self.probe(&rule.comparison), is_relative }
    }

    fn related(&mut self, rule: &RelatedRule) -> RelatedLeaf {
        let mut paths = Vec::new();
        let filter = self.condition(&rule.filters, &mut paths);
        let is_relative = self.is_relative(&filter);
        let known =
            self.needs.related.iter().position(|need| *need.object == *rule.object && *need.via == *rule.via);
        let slot = known.unwrap_or_else(|| {
            let (object, via) = (rule.object.as_str().into(), rule.via.as_str().into());
            self.needs.related.push(RelatedNeed { object, via, properties: Vec::new() });
            self.needs.related.len() - 1
        });
        let properties = &mut self.needs.related[slot].properties;
        let columns = paths.into_iter().map(|path| place(properties, path)).collect();
        RelatedLeaf { slot, columns, filter, probe: self.probe(&rule.comparison), is_relative }
    }
}
