//! The evaluator against the naive one, on random rules and parties: over timelines as the stream builds them,
//! and in columns as the lake hands them over.
//!
//! `cargo xtask property` runs many more cases than an ordinary run, which is told by
//! `HEADWATER_CRITERIA_CASES`, and shows the figures that are printed here.

use kernel::Instant;

use super::spoiled::{Spoil, Spoiled};
use crate::{Bug, Case, Dice, INSTANT_PROPERTIES, Packed, Reference};
use criteria::{Evaluator, Outcome, Party, Program, Rule, Timeline, Zone};

/// Cases within which a planted mistake must show.
const PLANTED_CASES: u64 = 20_000;

/// A mistake planted for a run, to see that it is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Planted {
    Nothing,
    /// In the naive evaluator, which is as good as its opposite in the real one.
    Evaluator(Bug),
    /// In what the stream builds.
    Stream(Spoil),
    /// In what the lake hands over.
    Lake(Spoil),
}

impl Planted {
    fn all() -> impl Iterator<Item = Self> {
        let evaluator = Bug::ALL.into_iter().map(Self::Evaluator);
        let stream = Spoil::ALL.into_iter().map(Self::Stream);
        evaluator.chain(stream).chain(Spoil::ALL.into_iter().map(Self::Lake))
    }

    fn bug(self) -> Bug {
        if let Self::Evaluator(bug) = self { bug } else { Bug::None }
    }
}

fn cases() -> u64 {
    std::env::var_os("HEADWATER_CRITERIA_CASES").map_or(2_000, |n| n.to_str().unwrap().parse().unwrap())
}

/// What is wrong about the evaluation of a case, if anything is.
fn fault(seed: u64, planted: Planted) -> Option<String> {
    let case = Case::new(seed);
    let mut dice = Dice::new(seed ^ 0xfeed);
    let other = Case::new(seed + 1).rule;
    // The rule twice among others: leaves are shared, and asked for in any order.
    let rules = [(1, other.clone()), (2, case.rule.clone()), (3, Rule::None(vec![case.rule.clone(), other]))];
    let program = Program::compile(rules, case.zone());
    let read_back = Rule::parse(&case.rule.to_json());
    if read_back.as_ref() != Ok(&case.rule) {
        return Some(format!("{} reads back as {read_back:?}", case.rule.to_json()));
    }
    let facts = case.world.facts(&program);
    let timeline = case.world.timeline(&program);
    let packed = Packed::new(&case.world, &program, &mut dice);
    let mut evaluator = Evaluator::new(&program);
    let timelines: [(&str, &dyn Timeline, &[&str]); 2] =
        [("stream", &timeline, &[]), ("lake", &packed, INSTANT_PROPERTIES)];
    for (path, timeline, instants) in timelines {
        let spoiled = match (planted, path) {
            (Planted::Stream(spoil), "stream") | (Planted::Lake(spoil), "lake") => {
                Some(Spoiled::new(timeline, &program, spoil))
            }
            _ => None,
        };
        let timeline = spoiled.as_ref().map_or(timeline, |spoiled| spoiled);
        let reference = Reference::new(&case.world, case.zone, instants, planted.bug());
        let expected = reference.holds(&case.rule, case.as_of);
        let mut evaluation = evaluator.at(Party { timeline, subject: &facts }, Instant(case.as_of));
        let holds = evaluation.holds(1);
        let outcome = evaluation.outcome(1);
        let explained = evaluation.explain(1);
        if outcome.holds != holds || explained.holds != holds {
            return Some("holds, outcome and explain disagree".into());
        }
        let say = |what: String| Some(format!("{path}: {what}"));
        if holds != expected {
            return say(format!("{holds} at as_of, expected {expected}"));
        }
        // A planted mistake shows at the present already; looking for changes would only take longer.
        let is_looked_for = planted == Planted::Nothing;
        let wrong = if is_looked_for { change_fault(&case, &reference, outcome) } else { None };
        if let Some(wrong) = wrong {
            return say(wrong);
        }
    }
    None
}

/// What is wrong about `changes_at`.
fn change_fault(case: &Case, reference: &Reference<'_>, outcome: Outcome) -> Option<String> {
    let end = outcome.changes_at.map_or(i64::MAX, |at| at.0);
    if end <= case.as_of {
        return Some("changes_at is not later than as_of".into());
    }
    let probes = case.probes(end);
    let step = probes.len().div_ceil(40).max(1);
    let last = probes.last().copied();
    for probe in probes.into_iter().step_by(step).chain(last) {
        if reference.holds(&case.rule, probe) != outcome.holds {
            let (after, end) = (probe - case.as_of, end.saturating_sub(case.as_of));
            return Some(format!("{} for {end} µs, but changes after {after} µs", outcome.holds));
        }
    }
    let is_leaf = case.rule.members().is_empty();
    let is_exact = is_leaf && !Program::compile([(0, case.rule.clone())], Zone::utc()).is_relative();
    if is_exact && end != i64::MAX && reference.holds(&case.rule, end) == outcome.holds {
        return Some(format!("said to change after {} µs, but does not", end - case.as_of));
    }
    None
}

#[track_caller]
fn check(seeds: impl IntoIterator<Item = u64>) {
    for seed in seeds {
        if let Some(fault) = fault(seed, Planted::Nothing) {
            let case = Case::new(seed);
            let as_of = Instant(case.as_of);
            let (rule, zone) = (case.rule.to_json(), case.zone);
            panic!("seed {seed}: {fault}\n{rule}\nat {as_of} ({}) in {zone}\n{:#?}", case.as_of, case.world);
        }
    }
}

#[test]
fn the_evaluator_agrees_with_the_specification_and_keeps_its_word_until_changes_at() {
    check(0..cases());
    println!("property: {} cases, stream = lake = specification, also up to changes_at", cases());
}

#[test]
fn every_planted_mistake_is_noticed() {
    for planted in Planted::all() {
        let noticed = (0..PLANTED_CASES).find(|seed| fault(*seed, planted).is_some());
        let seed = noticed.unwrap_or_else(|| panic!("{planted:?} is not noticed"));
        println!("property: {planted:?} is noticed at case {seed}");
    }
}

#[test]
fn rules_of_the_generator_are_neither_always_true_nor_always_false() {
    let (mut held, mut changed) = (0, 0);
    for seed in 0..500 {
        let case = Case::new(seed);
        let reference = Reference::new(&case.world, case.zone, &[], Bug::None);
        let holds = reference.holds(&case.rule, case.as_of);
        held += usize::from(holds);
        changed += usize::from(
            case.probes(i64::MAX).iter().step_by(7).any(|at| reference.holds(&case.rule, *at) != holds),
        );
    }
    assert!((150..350).contains(&held), "{held}");
    assert!(changed > 50, "{changed}");
}
