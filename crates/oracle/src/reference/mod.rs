//! The naive evaluator: the specification, sentence by sentence, without regard for cost.
//!
//! It shares with the real one the tree of a rule and the parser of decimals, and nothing else: own
//! paths, own calendar (by `jiff`), own comparisons, events as JSON. A [`Bug`] can be planted in it to
//! see that the comparison of the two notices.

mod bug;
mod value;

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::decimal::Decimal;
use serde_json::Value as Json;

pub use bug::Bug;
use value::{Value, instant, number, order, read, sum, text_holds, whole};

use super::world::{Event, World};
use super::zones;
use criteria::rule::{
    Aggregate, Comparison, EventRule, Events, Filter, Literal, Measure, Period, Relation, Rule, SequenceRule,
    Window,
};

/// A party to evaluate rules for, naively.
pub struct Reference<'a> {
    world: &'a World,
    zone: TimeZone,
    bug: Bug,
    /// Texts at these properties are instants and nothing else.
    instants: &'a [&'a str],
    /// In order.
    events: Vec<&'a Event>,
}

impl<'a> Reference<'a> {
    /// A party in a time zone. `instants` names properties of events whose texts are
    /// known to be instants.
    pub fn new(world: &'a World, zone: &str, instants: &'a [&'a str], bug: Bug) -> Self {
        let (_, zone) = zones::zone(zone);
        let mut events: Vec<&Event> = world.events.iter().collect();
        events.sort_by(|a, b| {
            let ties = if bug == Bug::ReversedTies { b.key.cmp(&a.key) } else { a.key.cmp(&b.key) };
            a.time.cmp(&b.time).then(ties)
        });
        Self { world, zone, bug, instants, events }
    }

    /// Whether a rule holds at an instant.
    pub fn holds(&self, rule: &Rule, as_of: i64) -> bool {
        let world = self.world;
        let field = |value: Option<&Json>, comparison: &Comparison| {
            let value = value.and_then(|json| read(json, false));
            self.compare(comparison, value.as_ref(), as_of)
        };
        match rule {
            Rule::All(rules) => rules.iter().all(|rule| self.holds(rule, as_of)),
            Rule::Any(rules) => rules.iter().any(|rule| self.holds(rule, as_of)),
            Rule::None(rules) => rules.iter().all(|rule| !self.holds(rule, as_of)),
            Rule::Trait(named) => field(world.traits.get(&named.name), &named.comparison),
            Rule::Tag(named) => field(world.tags.get(&named.name), &named.comparison),
            Rule::Score(named) => field(world.scores.get(&named.name), &named.comparison),
            Rule::Stage(named) => {
                let state = world.stages.get(&named.name).map(|state| Json::from(state.as_str()));
                field(state.as_ref(), &named.comparison)
            }
            Rule::Audience(id) => world.audiences.contains(id),
            Rule::Consent(rule) => {
                let key = (rule.channel.clone(), rule.purpose.clone());
                world.consents.get(&key).copied().unwrap_or_default() == rule.state
            }
            Rule::Related(rule) => {
                let records = world.related.get(&(rule.object.clone(), rule.via.clone()));
                let count = records.into_iter().flatten().filter(|record| {
                    rule.filters.iter().all(|filter| self.filter(filter, record, &Json::Null, false, as_of))
                });
                self.compare(&rule.comparison, Some(&whole(count.count())), as_of)
            }
            Rule::Always(value) => *value,
            Rule::Event(rule) => self.event(rule, as_of),
            Rule::Sequence(rule) => {
                let count = self.sequence(rule, as_of);
                self.compare(&rule.comparison, Some(&whole(count)), as_of)
            }
        }
    }

    fn event(&self, rule: &EventRule, as_of: i64) -> bool {
        let found: Vec<&Event> = self
            .events
            .iter()
            .copied()
            .filter(|event| match &rule.events {
                Events::Every => true,
                Events::Named(names) => names.contains(&event.name),
            })
            .filter(|event| event.time <= as_of && self.is_in(&rule.window, event.time, as_of))
            .filter(|event| self.meets(&rule.filters, event, as_of))
            .collect();
        let measured = match &rule.measure {
            Measure::Count => vec![whole(found.len())],
            Measure::Days => {
                let days: std::collections::BTreeSet<Date> =
                    found.iter().map(|event| self.day(event.time)).collect();
                vec![whole(days.len())]
            }
            Measure::FirstTime => found.first().map(|event| Value::Instant(event.time)).into_iter().collect(),
            Measure::LastTime => found.last().map(|event| Value::Instant(event.time)).into_iter().collect(),
            Measure::Of(aggregate, path) => {
                let path = path.to_string();
                let cells: Vec<Vec<Value>> = found.iter().map(|event| self.values(&path, event)).collect();
                match aggregate {
                    Aggregate::Avg => return self.average(rule, &cells, as_of),
                    other => self.aggregate(*other, &cells, &rule.comparison),
                }
            }
        };
        match measured.as_slice() {
            [] => self.compare(&rule.comparison, None, as_of),
            values => values.iter().any(|value| self.compare(&rule.comparison, Some(value), as_of)),
        }
    }

    /// What an aggregate of the values of each event is; several values where any may do.
    fn aggregate(&self, aggregate: Aggregate, cells: &[Vec<Value>], comparison: &Comparison) -> Vec<Value> {
        let numbers: Vec<Decimal> = cells.iter().flatten().filter_map(number).collect();
        let is_time = matches!(
            comparison,
            Comparison::Before(_)
                | Comparison::After(_)
                | Comparison::WithinLast(_)
                | Comparison::OlderThan(_)
        );
        let times: Vec<i64> = cells.iter().flatten().filter_map(instant).collect();
        let single = |value: Option<Value>| value.into_iter().collect();
        match aggregate {
            Aggregate::Sum => vec![Value::Number(sum(&numbers))],
            Aggregate::Min if is_time => single(times.iter().min().map(|at| Value::Instant(*at))),
            Aggregate::Max if is_time => single(times.iter().max().map(|at| Value::Instant(*at))),
            Aggregate::Min => single(numbers.iter().min().map(|number| Value::Number(*number))),
            Aggregate::Max => single(numbers.iter().max().map(|number| Value::Number(*number))),
            Aggregate::Distinct => {
                let mut seen: Vec<&Value> = Vec::new();
                let text = |value: &Value| match value {
                    Value::Text(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    other => format!("{other:?}"),
                };
                for value in cells.iter().flatten() {
                    let is_scalar = !matches!(value, Value::List(_) | Value::Place(..) | Value::Other);
                    let is_same = |other: &&Value| match self.bug {
                        Bug::DistinctByText => text(other) == text(value),
                        _ => *other == value,
                    };
                    if is_scalar && !seen.iter().any(is_same) {
                        seen.push(value);
                    }
                }
                vec![whole(seen.len())]
            }
            Aggregate::First if self.bug == Bug::FirstWithoutProperty => {
                cells.first().cloned().unwrap_or_default()
            }
            Aggregate::First => cells.iter().find(|values| !values.is_empty()).cloned().unwrap_or_default(),
            Aggregate::Last => cells.iter().rfind(|values| !values.is_empty()).cloned().unwrap_or_default(),
            Aggregate::Avg => Vec::new(),
        }
    }

    /// A mean compares as the sum does with the literal so many times.
    fn average(&self, rule: &EventRule, cells: &[Vec<Value>], as_of: i64) -> bool {
        let numbers: Vec<Decimal> = cells.iter().flatten().filter_map(number).collect();
        if numbers.is_empty() {
            return self.compare(&rule.comparison, None, as_of);
        }
        let times = |literal: &Literal| match literal {
            Literal::Number(one) => {
                let copies = vec![Decimal::from(*one); numbers.len()];
                Literal::Number(
                    criteria::number::Number::parse(&sum(&copies).to_string()).expect("printed decimal"),
                )
            }
            other => other.clone(),
        };
        let comparison = match &rule.comparison {
            Comparison::Is(relation, literal) => Comparison::Is(*relation, times(literal)),
            Comparison::In(literals) => Comparison::In(literals.iter().map(times).collect()),
            Comparison::NotIn(literals) => Comparison::NotIn(literals.iter().map(times).collect()),
            Comparison::Between(low, high) => Comparison::Between(times(low), times(high)),
            other => other.clone(),
        };
        self.compare(&comparison, Some(&Value::Number(sum(&numbers))), as_of)
    }

    fn sequence(&self, rule: &SequenceRule, as_of: i64) -> usize {
        let visible: Vec<&Event> = self.events.iter().copied().filter(|event| event.time <= as_of).collect();
        let first = &rule.steps[0];
        let firsts = visible.iter().filter(|event| {
            first.events.contains(&event.name)
                && self.is_in(&rule.window, event.time, as_of)
                && self.meets(&first.filters, event, as_of)
        });
        firsts.filter(|start| self.is_match(rule, start, &visible, as_of)).count()
    }

    fn is_match(&self, rule: &SequenceRule, start: &Event, visible: &[&Event], as_of: i64) -> bool {
        let mut time = start.time;
        for step in &rule.steps[1..] {
            let until = step.within.map_or(as_of, |within| time + within.micros());
            let found = visible.iter().find(|event| {
                let is_after =
                    if self.bug == Bug::SameTimeStep { event.time >= time } else { event.time > time };
                let is_in = self.bug != Bug::StepsInWindow || self.is_in(&rule.window, event.time, as_of);
                let is_same = step.same.iter().all(|path| {
                    let (a, b) =
                        (self.values(&path.to_string(), start), self.values(&path.to_string(), event));
                    let is_single = |values: &[Value]| {
                        values.len() == 1
                            && !matches!(values[0], Value::List(_) | Value::Place(..) | Value::Other)
                    };
                    is_single(&a) && a == b
                });
                is_after
                    && is_in
                    && event.time <= until
                    && step.events.contains(&event.name)
                    && self.meets(&step.filters, event, as_of)
                    && is_same
            });
            match (found, step.is_absent) {
                (Some(event), false) => time = event.time,
                (None, true) if until <= as_of || self.bug == Bug::Impatient => {}
                _ => return false,
            }
        }
        true
    }

    fn is_in(&self, window: &Window, time: i64, as_of: i64) -> bool {
        match window {
            Window::Ever => true,
            Window::Last(duration) => {
                let start = as_of - duration.micros();
                time > start || self.bug == Bug::ClosedWindow && time == start
            }
            Window::Calendar(period) => {
                let (from, to) = self.period(*period, self.day(as_of));
                from <= self.day(time) && self.day(time) < to
            }
            Window::Between(from, to) => {
                from.is_none_or(|from| time >= from.0) && to.is_none_or(|to| time < to.0)
            }
            Window::Since(since) => {
                let mut found = self.events.iter().filter(|event| {
                    event.time <= as_of
                        && event.name == since.event
                        && self.meets(&since.filters, event, as_of)
                });
                let found = if since.is_last { found.next_back() } else { found.next() };
                found.is_some_and(|event| {
                    time > event.time || self.bug == Bug::ClosedSince && time == event.time
                })
            }
        }
    }

    /// The latest date the clocks of the zone have shown by this instant.
    fn day(&self, micros: i64) -> Date {
        let zone = if self.bug == Bug::UtcDays { &TimeZone::UTC } else { &self.zone };
        let at = jiff::Timestamp::from_microsecond(micros).expect("tests stay in the years people use");
        let date = zone.to_datetime(at).date();
        // `preceding` looks before an instant; the clocks may change at this very one.
        let Some(change) = zone.preceding(at + jiff::SignedDuration::from_micros(1)).next() else {
            return date;
        };
        let before = change.timestamp().as_microsecond() - 1;
        let before = jiff::Timestamp::from_microsecond(before).expect("a transition is an instant");
        date.max(zone.to_datetime(before).date())
    }

    fn period(&self, period: Period, today: Date) -> (Date, Date) {
        let span = |from: Date, span: jiff::Span| (from, from + span);
        let monday = today - jiff::Span::new().days(i64::from(today.weekday().to_monday_zero_offset()));
        let month = today.first_of_month();
        let quarter = month - jiff::Span::new().months((today.month() - 1) % 3);
        let year = today.first_of_year();
        let new = jiff::Span::new;
        match period {
            Period::Today => span(today, new().days(1)),
            Period::Yesterday => span(today - new().days(1), new().days(1)),
            Period::ThisWeek => span(monday, new().days(7)),
            Period::LastWeek => span(monday - new().days(7), new().days(7)),
            Period::ThisMonth => span(month, new().months(1)),
            Period::LastMonth => span(month - new().months(1), new().months(1)),
            Period::ThisQuarter => span(quarter, new().months(3)),
            Period::LastQuarter => span(quarter - new().months(3), new().months(3)),
            Period::ThisYear => span(year, new().years(1)),
            Period::LastYear => span(year - new().years(1), new().years(1)),
        }
    }

    fn meets(&self, filters: &[Filter], event: &Event, as_of: i64) -> bool {
        filters.iter().all(|filter| self.filter(filter, &event.properties, &event.context, true, as_of))
    }

    fn filter(&self, filter: &Filter, of: &Json, context: &Json, is_event: bool, as_of: i64) -> bool {
        let inner = |filter: &Filter| self.filter(filter, of, context, is_event, as_of);
        match filter {
            Filter::All(filters) => filters.iter().all(inner),
            Filter::Any(filters) => filters.iter().any(inner),
            Filter::None(filters) => !filters.iter().any(inner),
            Filter::Property(path, comparison) => {
                let text = path.to_string();
                let mut values = match text.strip_prefix("context.").filter(|_| is_event) {
                    Some(rest) => self.at(rest, context, true),
                    None => self.at(&text, of, is_event),
                };
                if self.bug == Bug::FirstElementOnly {
                    values.truncate(1);
                }
                if values.is_empty() {
                    return self.compare(comparison, None, as_of);
                }
                values.iter().any(|value| self.compare(comparison, Some(value), as_of))
            }
        }
    }

    fn values(&self, path: &str, event: &Event) -> Vec<Value> {
        match path.strip_prefix("context.") {
            Some(rest) => self.at(rest, &event.context, true),
            None => self.at(path, &event.properties, true),
        }
    }

    fn at(&self, path: &str, json: &Json, is_event: bool) -> Vec<Value> {
        let mut reached = vec![json];
        for part in path.split('.') {
            reached = match part.strip_suffix("[]") {
                Some(key) => {
                    let lists = reached.iter().filter_map(|json| json.get(key)?.as_array());
                    lists.flatten().collect()
                }
                None => reached.iter().filter_map(|json| json.get(part)).collect(),
            };
        }
        let is_instant = is_event && self.instants.contains(&path);
        reached.into_iter().filter_map(|json| read(json, is_instant)).collect()
    }

    fn compare(&self, comparison: &Comparison, value: Option<&Value>, as_of: i64) -> bool {
        let Some(value) = value else {
            let is_negative = matches!(comparison, Comparison::Is(Relation::Ne, _) | Comparison::NotIn(_));
            return *comparison == Comparison::Missing || self.bug == Bug::NotEqualToMissing && is_negative;
        };
        let at = instant(value);
        match comparison {
            Comparison::Exists => true,
            Comparison::Missing => false,
            Comparison::Is(relation, literal) => match order(value, literal) {
                None => false,
                Some(order) => match relation {
                    Relation::Eq => order.is_eq(),
                    Relation::Ne => order.is_ne(),
                    Relation::Gt => order.is_gt(),
                    Relation::Gte => order.is_ge(),
                    Relation::Lt => order.is_lt(),
                    Relation::Lte => order.is_le(),
                },
            },
            Comparison::In(literals) => {
                literals.iter().any(|literal| order(value, literal) == Some(Ordering::Equal))
            }
            Comparison::NotIn(literals) => {
                literals.iter().all(|literal| order(value, literal).is_some_and(Ordering::is_ne))
            }
            Comparison::Between(low, high) => {
                order(value, low).is_some_and(Ordering::is_ge)
                    && order(value, high).is_some_and(Ordering::is_le)
            }
            Comparison::Text(relation, part) => text_holds(*relation, part, value),
            Comparison::Before(end) => at.is_some_and(|at| at < end.0),
            Comparison::After(end) => at.is_some_and(|at| at > end.0),
            Comparison::WithinLast(duration) => {
                at.is_some_and(|at| as_of - duration.micros() < at && at <= as_of)
            }
            Comparison::OlderThan(duration) => at.is_some_and(|at| at <= as_of - duration.micros()),
            Comparison::WithinKm { place, km } => match value {
                Value::Place(lat, lon) => {
                    let here = criteria::value::Place { lat: *lat, lon: *lon };
                    here.km_to(*place) <= *km
                }
                _ => false,
            },
        }
    }
}
