//! How a count of people or events is divided by traits, by properties and by what people did.
//!
//! Of each person the rule decides whether it counts, then its own values are found, then those of its events.
//! Parts by quantiles need everybody's numbers: they come as rows, and are told apart when all are there.

mod divide;

use criteria::value::ValueRef;
use criteria::{Evaluation, Evaluator, Facts, Party, Rule, Timeline};
use kernel::{Failure, Instant, PartyNo};

use crate::answer::Finding;
use crate::cells::{amount, each_number, part, scaled, value_at};
use crate::memory::Nothing;
use crate::needs::{Need, Needs};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::{People, Trait, View};
use crate::plan::{Kind, Setting};
use crate::sieve::Sieve;
use crate::spec::{Bins, Breakdown, Dimension, Of};
use crate::which::Which;

/// Things a count is divided by.
const DIMENSIONS: std::ops::RangeInclusive<usize> = 1..=3;
/// Values that are told apart.
const ROWS_MAX: u32 = 1_000;
/// A number that is not there.
const NONE: i128 = i128::MIN;
/// Values of one property of one event.
const VALUES_MAX: usize = 1_000;

/// A breakdown made ready.
pub(crate) struct Divided {
    ask: Breakdown,
    sieve: Sieve,
    as_of: Instant,
    /// The rule that says who counts.
    rule: Option<usize>,
    /// For each dimension the rule that measures it.
    measures: Vec<Option<usize>>,
}

impl Divided {
    pub(crate) fn new(ask: &Breakdown, setting: &Setting) -> kernel::Result<Self> {
        check(ask)?;
        let range = ask.window.range(setting.as_of);
        let properties = ask.by.iter().filter_map(|dimension| match &dimension.of {
            Of::Property(path) => Some(path.clone()),
            _ => None,
        });
        let columns = properties.chain(ask.sum.iter().map(|sum| sum.0.clone()));
        let pick = ask.event.as_ref().map(|event| (event, Need::which(event, range).with(columns)));
        let picks: Vec<(&Which, Need)> = pick.into_iter().collect();
        let mut rules: Vec<Rule> = ask.of.iter().map(|who| who.0.clone()).collect();
        let rule = ask.of.as_ref().map(|_| picks.len());
        let mut measures = Vec::new();
        for dimension in &ask.by {
            measures.push(match &dimension.of {
                Of::Measure(measure) => {
                    rules.push(Rule::Event((**measure).clone()));
                    Some(picks.len() + rules.len() - 1)
                }
                _ => None,
            });
        }
        let sieve = Sieve::with(&picks, rules, (&setting.zone, setting.as_of));
        Ok(Self { ask: ask.clone(), sieve, as_of: Instant(setting.as_of), rule, measures })
    }

    /// Whether somebody without events counts.
    fn counts_idle(&self) -> bool {
        let program = self.sieve.program();
        if self.ask.event.is_some() {
            return false;
        }
        let Some(rule) = self.rule else { return true };
        let nobody = Party { timeline: &Nothing, subject: &Facts::default() };
        let needs = program.needs();
        !needs.traits.is_empty()
            || !needs.audiences.is_empty()
            || Evaluator::new(program).at(nobody, self.as_of).holds(rule)
    }
}

fn check(ask: &Breakdown) -> kernel::Result<()> {
    if !DIMENSIONS.contains(&ask.by.len()) {
        return Err(Failure::invalid("by", "one to three dimensions"));
    }
    if ask.limit > ROWS_MAX {
        return Err(Failure::LimitExceeded { limit: "values of a breakdown", max: u64::from(ROWS_MAX) });
    }
    let is_property = |dimension: &Dimension| matches!(dimension.of, Of::Property(_));
    if ask.event.is_none() && (ask.by.iter().any(is_property) || ask.sum.is_some() || !ask.window.is_all()) {
        let message = "a property, a sum and a window are of events: say which in `event`";
        return Err(Failure::invalid("event", message));
    }
    let is_list = |dimension: &&Dimension| matches!(&dimension.of, Of::Property(path) if path.is_many());
    if ask.by.iter().filter(is_list).count() > 1 {
        return Err(Failure::invalid("by", "one property with `[]`; events would count under all pairs"));
    }
    if ask.event.is_some() && ask.by.iter().any(|dimension| matches!(dimension.bins, Bins::Tiles(_))) {
        return Err(Failure::invalid("tiles", "people are divided by quantiles, events are not"));
    }
    if ask.sum.as_ref().is_some_and(|sum| sum.0.is_many()) {
        return Err(Failure::invalid("sum", "a property with one value an event"));
    }
    Ok(())
}

impl Kind for Divided {
    fn needs(&self) -> Needs {
        let program = self.sieve.program().needs();
        let mut traits = program.traits.clone();
        for dimension in &self.ask.by {
            if let Of::Trait(name) = &dimension.of
                && !traits.contains(name)
            {
                traits.push(name.clone());
            }
        }
        Needs {
            events: self.sieve.events().to_vec(),
            traits,
            audiences: program.audiences.clone(),
            is_everybody: self.counts_idle(),
            ..Needs::default()
        }
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        let column = |dimension: &Dimension| match &dimension.of {
            Of::Trait(name) => people.traits.get(name).map(|column| &**column),
            _ => None,
        };
        let program = self.sieve.program();
        Box::new(Counts {
            of: self,
            evaluator: Evaluator::new(program),
            view: View::new(program, people),
            traits: self.ask.by.iter().map(column).collect(),
            found: Partial::default(),
        })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        Finding::Breakdown(Box::new(divide::divide(&self.ask, found)))
    }
}

struct Counts<'p> {
    of: &'p Divided,
    evaluator: Evaluator<'p>,
    view: View<'p>,
    /// By dimension, if it is a trait.
    traits: Vec<Option<&'p Trait>>,
    found: Partial,
}

impl Dimension {
    /// What a value is called.
    fn name(&self, value: Option<ValueRef<'_>>) -> Part {
        match &self.bins {
            Bins::Values | Bins::Tiles(_) => part(value),
            Bins::Cuts(cuts) => match value {
                Some(ValueRef::Number(number)) => {
                    Part::Number(cuts.partition_point(|cut| *cut <= number) as i64)
                }
                _ => Part::Missing,
            },
        }
    }
}

/// A person's own values.
struct Own {
    /// Names by dimension; nothing for those of events and those by quantiles.
    names: Vec<Part>,
    /// Numbers of the dimensions by quantiles.
    row: Vec<i128>,
}

impl Counts<'_> {
    fn own(
        of: &Divided,
        traits: &[Option<&Trait>],
        party: PartyNo,
        evaluation: &mut Evaluation<'_, '_>,
    ) -> Own {
        let mut own = Own { names: Vec::new(), row: Vec::new() };
        for ((dimension, column), measure) in of.ask.by.iter().zip(traits).zip(&of.measures) {
            let measured = measure.and_then(|rule| evaluation.value(rule).value);
            let value = measured.as_ref().map(|value| value.as_ref());
            let value = value.or_else(|| column.and_then(|column| column.value(party)));
            if let Bins::Tiles(_) = dimension.bins {
                own.names.push(Part::Missing);
                own.row.push(match value {
                    Some(ValueRef::Number(number)) => scaled(number),
                    _ => NONE,
                });
            } else {
                own.names.push(dimension.name(value));
            }
        }
        own
    }
}

impl Operator for Counts<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        let of = self.of;
        self.view.at(party);
        let mut evaluation = self.evaluator.at(Party { timeline, subject: &self.view }, of.as_of);
        if of.rule.is_some_and(|rule| !evaluation.holds(rule)) {
            return;
        }
        let own = Self::own(of, &self.traits, party, &mut evaluation);
        if of.ask.event.is_none() {
            self.found.group(&own.names).note(party.0);
            if !own.row.is_empty() {
                self.found.table.push(party.0, &own.row);
            }
            return;
        }
        let mut rows = Vec::new();
        evaluation.events(0, |run, row| rows.push((run, row)));
        for (run, row) in rows {
            count(of, &mut self.found, (party, timeline), (run, row), &own.names);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        self.found
    }
}

/// Counts an event for each of its values.
fn count(
    of: &Divided,
    found: &mut Partial,
    (party, timeline): (PartyNo, &dyn Timeline),
    (run, row): (usize, usize),
    own: &[Part],
) {
    let places = of.sieve.parts(0).iter().find(|part| part.run == run).map_or(&[][..], |part| &part.columns);
    let mut places = places.iter();
    let mut names: Vec<Vec<Part>> = vec![Vec::new()];
    for (dimension, own) in of.ask.by.iter().zip(own) {
        let mut values = vec![own.clone()];
        if let Of::Property(path) = &dimension.of
            && let Some(place) = places.next()
        {
            let column = timeline.column(run, *place);
            values.clear();
            if path.is_many() {
                column.each(row, |value| values.push(dimension.name(Some(value))));
                values.sort_unstable();
                values.dedup();
                values.truncate(VALUES_MAX);
            }
            if values.is_empty() {
                values.push(dimension.name(value_at(&column, row)));
            }
        }
        let longer = |name: &Vec<Part>| -> Vec<Vec<Part>> {
            values.iter().map(|value| [&name[..], std::slice::from_ref(value)].concat()).collect()
        };
        names = names.iter().flat_map(longer).collect();
    }
    let mut sum = 0;
    if let (Some(_), Some(place)) = (&of.ask.sum, places.next()) {
        let column = timeline.column(run, *place).slice(row, 1);
        each_number(&column, 1, |_, number| sum = number);
    }
    for name in names {
        let group = found.group(&name);
        group.add(0, 1);
        group.add(1, sum);
        group.note(party.0);
    }
    // All of them once, whatever their values.
    let all = found.group(&[]);
    all.add(0, 1);
    all.add(1, sum);
}

/// A sum as it is shown.
fn shown_sum(ask: &Breakdown, digits: i128) -> Option<serde_json::Value> {
    ask.sum.as_ref().map(|_| amount(digits))
}
