//! Why a rule holds or does not: its tree, with what was measured and the events that made it so.

use kernel::Key;
use serde::Serialize;
use serde_json::Value as Json;

use super::measure::{self, Measured};
use super::{Context, Evaluation, field, related_count, select, sequence, window::Frame};
use crate::column::Column;
use crate::number::{Number, SCALE_MAX, Wide};
use crate::probe::NEVER;
use crate::program::{Branch, EventLeaf, Leaf, SequenceLeaf};
use crate::rule::{Aggregate, Comparison, Measure, Rule};
use crate::value::{ValueRef, instant_text, number_json};
use crate::write::operand;

/// Events named for one leaf; the latest, if there are more.
pub const EVIDENCE_EVENTS_MAX: usize = 20;

/// One part of a rule and why it holds or does not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What part it is: `all`, `event`, `trait` …
    pub kind: &'static str,
    /// Its name: of the trait, the events, the audience …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it holds.
    pub holds: bool,
    /// What was measured; missing is `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Json>,
    /// How it was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<&'static str>,
    /// What it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<Json>,
    /// Keys of events that made it so, in order, at most [`EVIDENCE_EVENTS_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "keys")]
    pub events: Vec<Key>,
    /// Where a trait's value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Json>,
    /// When this part can change if no new fact arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes_at: Option<String>,
    /// Its members, in the order of the rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Explanation>,
}

fn keys<S: serde::Serializer>(keys: &[Key], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(|key| kernel::id::base32(&key.0)))
}

impl Evaluation<'_, '_> {
    pub(super) fn explain_branch(&mut self, rule: &Rule, branch: &Branch) -> Explanation {
        let holds = self.branch_holds(branch);
        let changes = self.branch_changes(branch);
        let mut explanation = describe(rule, holds);
        explanation.changes_at = (changes != NEVER).then(|| instant_text(kernel::Instant(changes)));
        match branch {
            Branch::Leaf(leaf) => self.explain_leaf(*leaf, &mut explanation),
            Branch::All(branches) | Branch::Any(branches) | Branch::None(branches) => {
                let mut places: Vec<_> = branches.iter().collect();
                places.sort_by_key(|(place, _)| *place);
                let members = rule.members().iter().zip(places);
                explanation.members =
                    members.map(|(rule, (_, branch))| self.explain_branch(rule, branch)).collect();
            }
        }
        explanation
    }

    fn explain_leaf(&mut self, leaf: usize, explanation: &mut Explanation) {
        let program = self.evaluator.program;
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let leaf = &program.leaves[leaf];
        match leaf {
            Leaf::Always(_) => {}
            Leaf::Audience { .. } => explanation.measured = Some(explanation.holds.into()),
            Leaf::Consent { slot, .. } => {
                let need = &program.needs().consents[*slot];
                let state = context.subject.consent(*slot, &need.channel, &need.purpose);
                explanation.measured = Some(crate::rule::name_of(&crate::rule::Consent::ALL, state).into());
            }
            Leaf::Related(leaf) => {
                explanation.measured = Some(related_count(context, scratch, leaf, as_of).into());
            }
            Leaf::Event(leaf) => {
                let measured = measure::measure(context, scratch, leaf, as_of);
                explanation.measured = Some(measured_json(context, leaf, measured));
                explanation.events = self.event_evidence(leaf, measured);
            }
            Leaf::Sequence(leaf) => {
                explanation.measured = Some(sequence::count(context, scratch, leaf, as_of).into());
                explanation.events = self.sequence_evidence(leaf);
            }
            Leaf::Trait { .. } | Leaf::Tag { .. } | Leaf::Score { .. } | Leaf::Stage { .. } => {
                let value = field(context, leaf).and_then(|(value, _)| value);
                explanation.measured = Some(value.map_or(Json::Null, ValueRef::to_json));
                if let Leaf::Trait { slot, .. } = leaf {
                    explanation.provenance =
                        context.subject.provenance(*slot, &program.needs().traits[*slot]);
                }
            }
        }
    }

    /// The event that was measured, or else the latest of those that were counted.
    fn event_evidence(&mut self, leaf: &EventLeaf, measured: Measured) -> Vec<Key> {
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let key = |index: usize, row| context.timeline.key(leaf.source.runs[index].run, row);
        if let Measured::Cell(index, row) = measured {
            return vec![key(index, row)];
        }
        let frame = Frame::new(context, scratch, &leaf.span, as_of);
        let bounds = frame.bounds(as_of).unwrap_or((1, 0));
        frame.end(scratch);
        let mut found = Vec::new();
        for (index, run) in leaf.source.runs.iter().enumerate() {
            let times = context.timeline.times(run.run);
            let selection = select::events(context, scratch, &leaf.source, index, bounds, as_of);
            let column = match leaf.measure {
                Measure::Of(..) => Some(measure::property(context, leaf, index)),
                _ => None,
            };
            selection.each(|row| {
                if column.as_ref().is_none_or(|column| is_counted(context, leaf, measured, column, row)) {
                    found.push((times[row], key(index, row)));
                }
            });
            scratch.take_back(selection);
        }
        found.sort_unstable();
        match leaf.measure {
            Measure::FirstTime => found.truncate(1),
            Measure::LastTime => found = found.pop().into_iter().collect(),
            _ => {}
        }
        latest(found)
    }

    /// The events of the latest matches.
    fn sequence_evidence(&mut self, leaf: &SequenceLeaf) -> Vec<Key> {
        let (context, scratch, as_of) = (self.context, &mut self.evaluator.scratch, self.as_of);
        let frame = Frame::new(context, scratch, &leaf.span, as_of);
        let bounds = frame.bounds(as_of).unwrap_or((1, 0));
        frame.end(scratch);
        let mut found = Vec::new();
        sequence::each_match(context, scratch, leaf, (bounds, as_of), as_of, &mut |matched| {
            let sequence::Found { first, ready, rest } = matched;
            if ready > as_of {
                return;
            }
            let key = |source: &crate::program::Source, hit: sequence::Hit| {
                context.timeline.key(source.runs[hit.index as usize].run, hit.row as usize)
            };
            found.push((first.time, key(&leaf.first, first)));
            found.extend(rest.iter().map(|(step, hit)| (hit.time, key(&leaf.steps[*step].source, *hit))));
        });
        found.sort_unstable();
        found.dedup();
        latest(found)
    }
}

fn latest(found: Vec<(i64, Key)>) -> Vec<Key> {
    let skipped = found.len().saturating_sub(EVIDENCE_EVENTS_MAX);
    found.into_iter().skip(skipped).map(|(_, key)| key).collect()
}

/// Did this event's property go into the measure?
fn is_counted(
    context: Context<'_>,
    leaf: &EventLeaf,
    measured: Measured,
    column: &Column<'_>,
    row: usize,
) -> bool {
    let mut is_any = false;
    column.each(row, |value| {
        is_any |= match (&leaf.measure, measured) {
            (Measure::Of(Aggregate::Sum | Aggregate::Avg, _), _) => matches!(value, ValueRef::Number(_)),
            (Measure::Of(Aggregate::Min | Aggregate::Max, _), Measured::Quotient(best, _)) => {
                measure::ordered(value, measure::is_time(context, leaf)) == Some(best)
            }
            (Measure::Of(Aggregate::Min | Aggregate::Max, _), Measured::Instant(best)) => {
                value.instant().is_some_and(|at| at.0 == best)
            }
            _ => measure::identity(value).is_some(),
        };
    });
    is_any
}

fn measured_json(context: Context<'_>, leaf: &EventLeaf, measured: Measured) -> Json {
    match measured {
        Measured::Missing => Json::Null,
        Measured::Whole(count) => count.into(),
        Measured::Quotient(sum, count) => number_json(&quotient(sum, count)),
        Measured::Instant(at) => instant_text(kernel::Instant(at)).into(),
        Measured::Cell(index, row) => {
            let mut values = Vec::new();
            measure::property(context, leaf, index).each(row, |value| values.push(value.to_json()));
            if values.len() == 1 { values.remove(0) } else { values.into() }
        }
    }
}

/// A sum is exact; a mean is shown rounded to six digits, though compared exactly.
fn quotient(sum: Wide, count: u64) -> String {
    if count == 1 {
        return sum.to_string();
    }
    const SHOWN: u32 = 6;
    let unit = 10u64.pow(u32::from(SCALE_MAX) - SHOWN);
    let half = Wide::from(i128::from(unit / 2) * if sum < Wide::default() { -1 } else { 1 });
    let mean = sum.divided(count).0.plus(half);
    mean.divided(unit).0.times(unit).to_string()
}

fn describe(rule: &Rule, holds: bool) -> Explanation {
    let (kind, name, comparison) = match rule {
        Rule::All(_) => ("all", None, None),
        Rule::Any(_) => ("any", None, None),
        Rule::None(_) => ("none", None, None),
        Rule::Trait(named) => ("trait", Some(named.name.clone()), Some(&named.comparison)),
        Rule::Tag(named) => ("tag", Some(named.name.clone()), Some(&named.comparison)),
        Rule::Score(named) => ("score", Some(named.name.clone()), Some(&named.comparison)),
        Rule::Stage(named) => ("stage", Some(named.name.clone()), Some(&named.comparison)),
        Rule::Event(rule) => ("event", Some(rule.events.to_string()), Some(&rule.comparison)),
        Rule::Sequence(rule) => ("sequence", None, Some(&rule.comparison)),
        Rule::Audience(id) => ("audience", Some(id.clone()), None),
        Rule::Consent(rule) => ("consent", Some(format!("{} {}", rule.channel, rule.purpose)), None),
        Rule::Related(rule) => ("related", Some(rule.object.clone()), Some(&rule.comparison)),
        Rule::Always(_) => ("always", None, None),
    };
    let literal = comparison.and_then(operand).or_else(|| match rule {
        Rule::Consent(rule) => {
            Some(format!("\"{}\"", crate::rule::name_of(&crate::rule::Consent::ALL, rule.state)))
        }
        _ => None,
    });
    Explanation {
        kind,
        name,
        holds,
        measured: None,
        op: comparison.map(Comparison::op),
        literal: literal.map(|text| literal_json(&text)),
        events: Vec::new(),
        provenance: None,
        changes_at: None,
        members: Vec::new(),
    }
}

/// A literal as JSON; a number JSON's reader would round becomes text.
fn literal_json(text: &str) -> Json {
    match Number::parse(text) {
        Some(_) => number_json(text),
        None => serde_json::from_str(text).unwrap_or(Json::Null),
    }
}
