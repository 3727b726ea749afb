//! The facts of one party, from what the rules of a plan measure of it.

mod order;
mod person;
mod touch;

use criteria::value::Value;
use criteria::{Evaluation, Point, Zone};
use kernel::time::HOUR;
use kernel::{Instant, Key};
use scoring::model::Role;
use scoring::{Day, Facts, Money};

use super::Plan;
use super::config::Config;

/// What rules measure of one party.
pub trait Read {
    /// The value the rule at a place of the plan measures.
    fn value(&mut self, input: usize) -> Option<Value>;

    /// The events the rule at a place of the plan would measure, in order.
    fn series(&mut self, input: usize) -> Vec<Point>;

    /// When the party was first seen.
    fn first_seen(&self) -> Option<Instant>;
}

/// A program whose rules from a place on are those of a plan.
pub struct Direct<'s, 'e, 'p> {
    /// The party.
    pub evaluation: &'s mut Evaluation<'e, 'p>,
    /// The place of the plan's first rule.
    pub first: usize,
    /// When the party was first seen.
    pub seen: Option<Instant>,
}

impl Read for Direct<'_, '_, '_> {
    fn value(&mut self, input: usize) -> Option<Value> {
        self.evaluation.value(self.first + input).value
    }

    fn series(&mut self, input: usize) -> Vec<Point> {
        self.evaluation.series(self.first + input)
    }

    fn first_seen(&self) -> Option<Instant> {
        self.seen
    }
}

/// The facts of a party.
pub fn facts(plan: &Plan, config: &Config, read: &mut dyn Read, party: Key, zone: &Zone) -> Facts {
    let mut facts = Facts::of(tie(party));
    let mut orders = order::Orders::default();
    let mut touches = touch::Touches::default();
    for planned in &plan.events {
        let columns: Vec<Vec<Point>> = planned.inputs.clone().map(|input| read.series(input)).collect();
        let rows = Rows { columns: &columns, names: planned.properties };
        for row in 0..columns.first().map_or(0, Vec::len) {
            let row = rows.row(row);
            match planned.role {
                Role::Order => orders.add(&row, zone),
                Role::Refund => orders.refund(&row),
                Role::Cancellation => orders.cancel(&row),
                Role::Touch(kind) => touches.touch(kind, &row, zone),
                Role::Delivery => touches.delivery(&row),
                Role::Answer => touches.answer(&row, zone),
                Role::FollowUp => touches.follow_up(&row, zone),
                Role::Bound => touches.binding(&row, true),
                Role::Unbound => touches.binding(&row, false),
            }
        }
    }
    (facts.orders, facts.returned) = orders.finish();
    touches.finish(&mut facts, zone);
    person::describe(&mut facts, plan, config, read, zone);
    facts
}

/// What breaks ties between parties: the first 53 bits of the key of the public id.
pub fn tie(party: Key) -> u64 {
    party.0[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) >> 11
}

/// The local day of an instant.
pub fn day(zone: &Zone, at: Instant) -> Day {
    Day(zone.day(at).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
}

/// The hour of the local week of an instant, 0 being Monday's first.
fn hour_of_week(zone: &Zone, at: Instant) -> u8 {
    let day = zone.day(at);
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    let hour = ((at.0 - zone.day_start(day).0) / HOUR).clamp(0, 23);
    (weekday * 24 + hour) as u8
}

/// The events of one name with their properties.
struct Rows<'a> {
    columns: &'a [Vec<Point>],
    names: &'static [&'static str],
}

impl<'a> Rows<'a> {
    fn row(&self, row: usize) -> Row<'a> {
        Row { columns: self.columns, names: self.names, row, at: self.columns[0][row].time }
    }
}

/// One event.
struct Row<'a> {
    columns: &'a [Vec<Point>],
    names: &'static [&'static str],
    row: usize,
    at: Instant,
}

impl<'a> Row<'a> {
    /// The values of a property; none if it is missing or not asked for.
    fn all(&self, name: &str) -> &'a [Value] {
        let column =
            self.names.iter().position(|known| *known == name).and_then(|place| self.columns.get(place));
        column.and_then(|points| points.get(self.row)).map_or(&[], |point| &point.values)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.all(name).first().and_then(text)
    }

    fn money(&self, name: &str) -> Option<Money> {
        self.all(name).first().and_then(money)
    }

    fn is_true(&self, name: &str) -> bool {
        self.all(name).first() == Some(&Value::Boolean(true))
    }
}

/// A text, or a number as one: order numbers come either way.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.to_string()),
        Value::Number(_) => Some(value.as_ref().to_json().to_string()),
        _ => None,
    }
}

/// An amount, rounded to two places, halves away from zero.
fn money(value: &Value) -> Option<Money> {
    let Value::Number(number) = value else { return None };
    let (mantissa, scale) = (number.mantissa(), u32::from(number.scale()));
    let hundredths = if scale <= 2 {
        mantissa.checked_mul(10i128.checked_pow(2 - scale)?)?
    } else {
        let unit = 10i128.checked_pow(scale - 2)?;
        (mantissa + mantissa.signum() * (unit / 2)) / unit
    };
    i64::try_from(hundredths).ok().map(Money)
}

/// A number for statistics.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number.mantissa() as f64 / 10f64.powi(i32::from(number.scale()))),
        Value::Boolean(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
}
