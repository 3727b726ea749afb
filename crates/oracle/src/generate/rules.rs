//! A random rule.

use kernel::Instant;

use super::{DURATIONS, Dice, EVENTS, NUMBERS, TEXTS, Times};
use criteria::number::Number;
use criteria::path::Path;
use criteria::rule::{
    Aggregate, Comparison, Consent, ConsentRule, Duration, EventRule, Events, Filter, Literal, Measure,
    Named, Period, RelatedRule, Relation, Rule, SequenceRule, Since, Step, TextRelation, Window,
};
use criteria::value::{Place, instant_text};

pub(super) fn rule(dice: &mut Dice, times: &Times, depth: usize) -> Rule {
    if depth < 4 && dice.chance(35) {
        let count = if dice.chance(5) { 0 } else { 1 + dice.roll(3) };
        let members = (0..count).map(|_| rule(dice, times, depth + 1)).collect();
        return match dice.roll(3) {
            0 => Rule::All(members),
            1 => Rule::Any(members),
            _ => Rule::None(members),
        };
    }
    let named = |name: &str, comparison| Named { name: name.to_owned(), comparison };
    match dice.roll(26) {
        0..16 => Rule::Event(event(dice, times)),
        16..20 => Rule::Sequence(sequence(dice, times)),
        20 | 21 => {
            let name = dice.pick(&["n", "s", "b", "at", "at", "tags", "home"]);
            Rule::Trait(named(name, of_property(dice, times, name)))
        }
        22 => match dice.roll(3) {
            0 => Rule::Tag(named("t", of_property(dice, times, "n"))),
            1 => Rule::Score(named("t", numeric(dice))),
            _ => Rule::Stage(named("life", Comparison::In(vec![text(dice), text(dice)]))),
        },
        23 => Rule::Audience("aud".to_owned()),
        24 => Rule::Related(RelatedRule {
            object: "visit".to_owned(),
            via: "store".to_owned(),
            filters: filters(dice, times, false),
            comparison: count(dice),
        }),
        _ => match dice.roll(2) {
            0 => Rule::Always(dice.chance(50)),
            _ => Rule::Consent(ConsentRule {
                channel: "sms".to_owned(),
                purpose: "promo".to_owned(),
                state: Consent::ALL[dice.roll(4)].1,
            }),
        },
    }
}

fn event(dice: &mut Dice, times: &Times) -> EventRule {
    let events = if dice.chance(15) { Events::Every } else { Events::Named(names(dice)) };
    let property =
        dice.pick(&["n", "n", "items[].n", "mixed", "mixed", "s", "items[].s", "at", "at", "tags"]);
    let path = path(property);
    let is_of_time = property == "at" && dice.chance(80);
    let (measure, comparison) = match dice.roll(12) {
        0..3 => (Measure::Count, count(dice)),
        3 => (Measure::Days, count(dice)),
        4 => (Measure::FirstTime, temporal(dice, times)),
        5 => (Measure::LastTime, temporal(dice, times)),
        6 => (Measure::Of(Aggregate::Sum, path), numeric(dice)),
        7 => (Measure::Of(Aggregate::Avg, path), numeric(dice)),
        8 => {
            let aggregate = if dice.chance(50) { Aggregate::Min } else { Aggregate::Max };
            (Measure::Of(aggregate, path), if is_of_time { temporal(dice, times) } else { numeric(dice) })
        }
        9 => {
            let path = if dice.chance(50) { self::path("mixed") } else { path };
            (Measure::Of(Aggregate::Distinct, path), count(dice))
        }
        10 => (Measure::Of(Aggregate::First, path), of_property(dice, times, property)),
        _ => (Measure::Of(Aggregate::Last, path), of_property(dice, times, property)),
    };
    EventRule {
        events,
        filters: filters(dice, times, true),
        window: window(dice, times),
        measure,
        comparison,
    }
}

fn sequence(dice: &mut Dice, times: &Times) -> SequenceRule {
    let steps = (0..1 + dice.roll(4)).map(|at| {
        let within = (at > 0 && dice.chance(60)).then(|| duration(dice));
        let same =
            if at > 0 && dice.chance(30) { vec![path(dice.pick(&["k", "s", "mixed"]))] } else { Vec::new() };
        Step {
            events: names(dice),
            filters: if dice.chance(30) { filters(dice, times, true) } else { Vec::new() },
            within,
            same,
            is_absent: within.is_some() && dice.chance(40),
        }
    });
    let steps = steps.collect();
    let window = match dice.roll(4) {
        0 => Window::Calendar(dice.pick(&[Period::Yesterday, Period::LastWeek])),
        _ => window(dice, times),
    };
    SequenceRule { steps, window, comparison: count(dice) }
}

/// One to three names, each once.
fn names(dice: &mut Dice) -> Vec<String> {
    let first = dice.roll(EVENTS.len());
    let count = if dice.chance(60) { 1 } else { 1 + dice.roll(3) };
    (0..count).map(|at| EVENTS[(first + at) % EVENTS.len()].to_owned()).collect()
}

fn window(dice: &mut Dice, times: &Times) -> Window {
    match dice.roll(10) {
        0..5 => Window::Last(duration(dice)),
        5 => Window::Calendar(Period::ALL[dice.roll(10)].1),
        6 => {
            let (a, b) = (times.draw(dice), times.draw(dice));
            match dice.roll(3) {
                0 => Window::Between(Some(Instant(a)), None),
                1 => Window::Between(None, Some(Instant(a))),
                _ => Window::Between(Some(Instant(a.min(b))), Some(Instant(a.max(b) + 1))),
            }
        }
        7 | 8 => Window::Since(Since {
            event: dice.pick(&EVENTS).to_owned(),
            filters: if dice.chance(30) { filters(dice, times, true) } else { Vec::new() },
            is_last: dice.chance(50),
        }),
        _ => Window::Ever,
    }
}

fn filters(dice: &mut Dice, times: &Times, is_event: bool) -> Vec<Filter> {
    let count = [0, 0, 0, 0, 1, 2][dice.roll(6)];
    (0..count).map(|_| filter(dice, times, is_event, 1)).collect()
}

fn filter(dice: &mut Dice, times: &Times, is_event: bool, depth: usize) -> Filter {
    if depth < 3 && dice.chance(30) {
        let members = (0..1 + dice.roll(2)).map(|_| filter(dice, times, is_event, depth + 1)).collect();
        return match dice.roll(3) {
            0 => Filter::All(members),
            1 => Filter::Any(members),
            _ => Filter::None(members),
        };
    }
    let names =
        ["n", "s", "b", "at", "k", "tags", "home", "mixed", "items[].n", "items[].s", "tags[]", "context.c"];
    let name = names[dice.roll(names.len() - usize::from(!is_event))];
    Filter::Property(path(name), of_property(dice, times, name))
}

/// A comparison that fits a property more often than not.
fn of_property(dice: &mut Dice, times: &Times, name: &str) -> Comparison {
    if dice.chance(12) {
        return if dice.chance(50) { Comparison::Exists } else { Comparison::Missing };
    }
    let name = if dice.chance(8) { dice.pick(&["n", "s", "b", "at"]) } else { name };
    match name {
        "n" | "items[].n" => numeric(dice),
        "b" => {
            let relation = if dice.chance(50) { Relation::Eq } else { Relation::Ne };
            Comparison::Is(relation, Literal::Boolean(dice.chance(50)))
        }
        "at" => match dice.roll(4) {
            0 => {
                let literal = Literal::Text(instant_text(Instant(times.draw(dice))));
                Comparison::Is(Relation::ALL[dice.roll(6)].1, literal)
            }
            _ => temporal(dice, times),
        },
        "tags" => Comparison::Text(TextRelation::Contains, dice.pick(&TEXTS).to_owned()),
        "home" => {
            let place = Place { lat: 31.0, lon: 121.5 };
            Comparison::WithinKm { place, km: [0.5, 1.5, 30.0][dice.roll(3)] }
        }
        "mixed" if dice.chance(50) => numeric(dice),
        _ => textual(dice),
    }
}

fn textual(dice: &mut Dice) -> Comparison {
    match dice.roll(6) {
        0 | 1 => Comparison::Is(Relation::ALL[dice.roll(6)].1, text(dice)),
        2 => Comparison::In(vec![text(dice), text(dice)]),
        3 => Comparison::NotIn(vec![text(dice), text(dice)]),
        4 => {
            Comparison::Text(TextRelation::Matches, (dice.pick(&["^x", "y$", "é|临", "[xy]{2}"])).to_owned())
        }
        _ => Comparison::Text(TextRelation::ALL[dice.roll(3)].1, dice.pick(&TEXTS).to_owned()),
    }
}

fn text(dice: &mut Dice) -> Literal {
    Literal::Text(dice.pick(&TEXTS).to_owned())
}

fn number(dice: &mut Dice) -> Literal {
    Literal::Number(Number::parse(dice.pick(&NUMBERS)).expect("a number of the pool"))
}

fn numeric(dice: &mut Dice) -> Comparison {
    match dice.roll(10) {
        0 => Comparison::In(vec![number(dice), number(dice)]),
        1 => Comparison::NotIn(vec![number(dice)]),
        2 => {
            let (low, high) = (Number::from(dice.roll(3) as i64), Number::from(2 + dice.roll(3) as i64));
            Comparison::Between(Literal::Number(low), Literal::Number(high))
        }
        3 => {
            if dice.chance(50) {
                Comparison::Exists
            } else {
                Comparison::Missing
            }
        }
        _ => Comparison::Is(Relation::ALL[dice.roll(6)].1, number(dice)),
    }
}

fn count(dice: &mut Dice) -> Comparison {
    if dice.chance(10) {
        return numeric(dice);
    }
    let count = Literal::Number(Number::from(dice.roll(4) as i64));
    Comparison::Is(Relation::ALL[dice.roll(6)].1, count)
}

fn temporal(dice: &mut Dice, times: &Times) -> Comparison {
    match dice.roll(10) {
        0 => Comparison::Exists,
        1 => Comparison::Missing,
        2 | 3 => Comparison::Before(Instant(times.draw(dice))),
        4 => Comparison::After(Instant(times.draw(dice))),
        5..8 => Comparison::WithinLast(duration(dice)),
        _ => Comparison::OlderThan(duration(dice)),
    }
}

fn duration(dice: &mut Dice) -> Duration {
    Duration::parse(dice.pick(&DURATIONS)).expect("a duration of the pool")
}

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path of the pool")
}
