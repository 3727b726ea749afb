//! The value of a formula. Only what is needed is read, and only what was read can change it.

use std::cmp::Ordering;

use criteria::number::Number;
use criteria::value::{Value, nfc};
use criteria::{Input, Zone};
use kernel::Instant;
use kernel::time::{DAY, HOUR};

use crate::Outcome;
use crate::function::Function;
use crate::number::{self, Towards};
use crate::tree::{Expression, Operator};

/// Characters of a text that a formula makes.
const TEXT_CHARS_MAX: usize = 1_000;

pub(crate) fn evaluate(
    root: &Expression,
    inputs: usize,
    read: &mut dyn FnMut(usize) -> Input,
    zone: &Zone,
    as_of: Instant,
) -> Outcome {
    let mut run = Run {
        read,
        known: vec![None; inputs],
        order: Vec::new(),
        zone,
        as_of,
        is_dated: false,
        changes_at: None,
    };
    let value = run.value(root);
    let mut changes_at = run.changes_at;
    if run.is_dated {
        let midnight = zone.day_start(zone.day(as_of) + 1);
        changes_at = changes_at.into_iter().chain([midnight]).min();
    }
    let read = run.order.iter().map(|place| (*place, run.known[*place].clone().flatten())).collect();
    Outcome { value, changes_at, read }
}

struct Run<'r> {
    read: &'r mut dyn FnMut(usize) -> Input,
    known: Vec<Option<Option<Value>>>,
    order: Vec<usize>,
    zone: &'r Zone,
    as_of: Instant,
    /// Whether the day of today was asked for.
    is_dated: bool,
    changes_at: Option<Instant>,
}

impl Run<'_> {
    fn value(&mut self, of: &Expression) -> Option<Value> {
        match of {
            Expression::Literal(value) => value.clone(),
            Expression::Input(place) => self.input(*place),
            Expression::Today => Some(Value::Instant(self.today())),
            Expression::Minus(inner) => number::negate(self.number(inner)?).map(Value::Number),
            Expression::Not(inner) => self.truth(inner).map(|truth| Value::Boolean(!truth)),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right),
            Expression::In(value, list) => {
                let value = self.value(value)?;
                let mut is_known = true;
                for one in list {
                    match self.value(one) {
                        Some(one) if compare(&value, &one)? == Ordering::Equal => {
                            return Some(Value::Boolean(true));
                        }
                        Some(_) => {}
                        None => is_known = false,
                    }
                }
                is_known.then_some(Value::Boolean(false))
            }
            Expression::Call(function, arguments) => {
                let arguments: Vec<Option<Value>> = arguments.iter().map(|part| self.value(part)).collect();
                if *function == Function::NullIf {
                    let mut arguments = arguments.into_iter();
                    let (value, other) = (arguments.next()??, arguments.next().flatten());
                    let is_equal =
                        other.is_some_and(|other| compare(&value, &other) == Some(Ordering::Equal));
                    return (!is_equal).then_some(value);
                }
                self.call(*function, arguments.into_iter().collect::<Option<Vec<_>>>()?)
            }
            Expression::Coalesce(parts) => parts.iter().find_map(|part| self.value(part)),
            Expression::IsMissing(inner) => Some(Value::Boolean(self.value(inner).is_none())),
            Expression::Case(cases, other) => {
                for (condition, value) in cases {
                    if self.truth(condition) == Some(true) {
                        return self.value(value);
                    }
                }
                self.value(other)
            }
        }
    }

    fn input(&mut self, place: usize) -> Option<Value> {
        if let Some(known) = &self.known[place] {
            return known.clone();
        }
        let Input { value, changes_at } = (self.read)(place);
        self.changes_at = self.changes_at.into_iter().chain(changes_at).min();
        self.order.push(place);
        self.known[place] = Some(value.clone());
        value
    }

    fn today(&mut self) -> Instant {
        self.is_dated = true;
        self.zone.day_start(self.zone.day(self.as_of))
    }

    fn number(&mut self, of: &Expression) -> Option<Number> {
        match self.value(of)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn truth(&mut self, of: &Expression) -> Option<bool> {
        match self.value(of)? {
            Value::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    fn binary(&mut self, operator: Operator, left: &Expression, right: &Expression) -> Option<Value> {
        match operator {
            Operator::And | Operator::Or => {
                // One side that decides is enough.
                let decides = operator == Operator::Or;
                let a = self.truth(left);
                if a == Some(decides) {
                    return Some(Value::Boolean(decides));
                }
                let b = self.truth(right);
                if b == Some(decides) {
                    return Some(Value::Boolean(decides));
                }
                a.and(b).map(Value::Boolean)
            }
            Operator::Join => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                let (Value::Text(a), Value::Text(b)) = (a, b) else { return None };
                text(format!("{a}{b}"))
            }
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder => {
                let (a, b) = (self.number(left)?, self.number(right)?);
                let result = match operator {
                    Operator::Add => number::add(a, b),
                    Operator::Subtract => number::add(a, number::negate(b)?),
                    Operator::Multiply => number::multiply(a, b),
                    Operator::Divide => number::divide(a, b),
                    _ if number::is_zero(b) => None,
                    _ => number::remainder(a, b),
                };
                result.map(Value::Number)
            }
            _ => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                let order = compare(&a, &b)?;
                Some(Value::Boolean(match operator {
                    Operator::Equal => order.is_eq(),
                    Operator::NotEqual => order.is_ne(),
                    Operator::Less => order.is_lt(),
                    Operator::LessOrEqual => order.is_le(),
                    Operator::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
        }
    }

    fn call(&mut self, function: Function, arguments: Vec<Value>) -> Option<Value> {
        use Function as F;
        match function {
            F::NullIf => None,
            F::Round | F::Floor | F::Ceil => {
                let towards = match function {
                    F::Round => Towards::Nearest,
                    F::Floor => Towards::Floor,
                    _ => Towards::Ceiling,
                };
                let digits = if arguments.len() > 1 { number::whole(numeric(&arguments, 1)?)? } else { 0 };
                number::round(numeric(&arguments, 0)?, digits.clamp(-30, 18), towards).map(Value::Number)
            }
            F::Abs | F::Least | F::Greatest | F::Log | F::Log10 | F::Sqrt | F::Power => {
                arithmetic(function, &arguments).map(Value::Number)
            }
            F::DaysSince
            | F::Age
            | F::DaysBetween
            | F::AddDays
            | F::Date
            | F::Year
            | F::Month
            | F::Day
            | F::Hour
            | F::Weekday
            | F::Instant => self.calendar(function, &arguments),
            _ => textual(function, &arguments),
        }
    }

    fn calendar(&mut self, function: Function, arguments: &[Value]) -> Option<Value> {
        let at = self.instant(arguments.first()?)?;
        let day = self.zone.day(at);
        let count = |count: i64| Some(Value::Number(Number::from(count)));
        match function {
            Function::Instant => Some(Value::Instant(at)),
            Function::DaysSince => {
                let today = self.today();
                count(self.zone.day(today) - day)
            }
            Function::Age => {
                let today = self.today();
                let (born, now) = (self.date(at), self.date(today));
                let had = (now.1, now.2) >= (born.1, born.2);
                count(now.0 - born.0 - i64::from(!had))
            }
            Function::DaysBetween => {
                let other = self.instant(arguments.get(1)?)?;
                count(self.zone.day(other) - day)
            }
            Function::AddDays => {
                let days = number::whole(numeric(arguments, 1)?)?;
                Some(Value::Instant(Instant(at.0.checked_add(days.checked_mul(DAY)?)?)))
            }
            Function::Date => {
                let (year, month, day) = self.date(at);
                text(format!("{year:04}-{month:02}-{day:02}"))
            }
            Function::Year => count(self.date(at).0),
            Function::Month => count(self.date(at).1),
            Function::Day => count(self.date(at).2),
            Function::Hour => count((at.0 - self.zone.day_start(day).0) / HOUR),
            // Day 0 is a Thursday.
            _ => count((day + 3).rem_euclid(7) + 1),
        }
    }

    /// A value as an instant; a date is the first instant of its local day.
    fn instant(&self, value: &Value) -> Option<Instant> {
        if let Some(at) = value.as_ref().instant() {
            return Some(at);
        }
        let Value::Text(text) = value else { return None };
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let number = days_from_civil(year, month, day);
        let is_date =
            parts.next().is_none() && (1..=9_999).contains(&year) && civil(number) == (year, month, day);
        is_date.then(|| self.zone.day_start(number))
    }

    /// Year, month and day of the local calendar.
    fn date(&self, at: Instant) -> (i64, i64, i64) {
        civil(self.zone.day(at))
    }
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(day: i64) -> (i64, i64, i64) {
    // Years that begin in March put the day of leap years last.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let is_next = i64::from(month <= 2);
    (year + era * 400 + is_next, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The day of a date, counted from 1970-01-01.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// How two values of one type compare; a text may be an instant.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(nfc(a).cmp(&nfc(b))),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::List(a), Value::List(b)) => Some(a.cmp(b)),
        (Value::Instant(_), _) | (_, Value::Instant(_)) => {
            Some(a.as_ref().instant()?.cmp(&b.as_ref().instant()?))
        }
        _ => None,
    }
}

fn numeric(arguments: &[Value], place: usize) -> Option<Number> {
    match arguments.get(place)? {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn arithmetic(function: Function, arguments: &[Value]) -> Option<Number> {
    let first = numeric(arguments, 0)?;
    let all = || (0..arguments.len()).map(|place| numeric(arguments, place)).collect::<Option<Vec<_>>>();
    let is_positive = first > Number::from(0);
    match function {
        Function::Abs => {
            if is_positive {
                Some(first)
            } else {
                number::negate(first)
            }
        }
        Function::Least => all()?.into_iter().min(),
        Function::Greatest => all()?.into_iter().max(),
        Function::Log if is_positive => number::from_f64(number::to_f64(first).ln()),
        Function::Log10 if is_positive => number::from_f64(number::to_f64(first).log10()),
        Function::Sqrt => number::from_f64(number::to_f64(first).sqrt()),
        Function::Power => number::raise(first, numeric(arguments, 1)?),
        _ => None,
    }
}

/// A text, unless it is longer than a formula may make one.
fn text(text: String) -> Option<Value> {
    (text.chars().count() <= TEXT_CHARS_MAX).then(|| Value::Text(text.into()))
}

/// A value as it is written in a text.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        Value::List(items) => Some(items.join(", ")),
        Value::Place(_) | Value::Other => None,
        other => match other.as_ref().to_json() {
            serde_json::Value::String(text) => Some(text),
            json => Some(json.to_string()),
        },
    }
}

fn textual(function: Function, arguments: &[Value]) -> Option<Value> {
    if function == Function::Concat {
        return text(arguments.iter().map(written).collect::<Option<String>>()?);
    }
    let first = arguments.first()?;
    match (function, first) {
        (Function::Text, value) => return text(written(value)?),
        (Function::Number, Value::Number(number)) => return Some(Value::Number(*number)),
        (Function::Length, Value::List(items)) => {
            return Some(Value::Number(Number::from(i64::try_from(items.len()).ok()?)));
        }
        (Function::Contains, Value::List(items)) => {
            let Value::Text(wanted) = arguments.get(1)? else { return None };
            return Some(Value::Boolean(items.iter().any(|item| nfc(item) == nfc(wanted))));
        }
        _ => {}
    }
    let Value::Text(first) = first else { return None };
    let other = |place: usize| match arguments.get(place) {
        Some(Value::Text(text)) => Some(&**text),
        _ => None,
    };
    match function {
        Function::Upper => text(first.to_uppercase()),
        Function::Lower => text(first.to_lowercase()),
        Function::Trim => text(first.trim().to_owned()),
        Function::Length => Some(Value::Number(Number::from(i64::try_from(first.chars().count()).ok()?))),
        Function::Number => Number::parse(first.trim()).map(Value::Number),
        Function::Substring => {
            // Counted from 1, as people count.
            let start = number::whole(numeric(arguments, 1)?)?.max(1) - 1;
            let count = match arguments.len() {
                2 => i64::MAX,
                _ => number::whole(numeric(arguments, 2)?)?.max(0),
            };
            let part = first.chars().skip(usize::try_from(start).ok()?);
            text(part.take(usize::try_from(count).ok()?).collect())
        }
        Function::Replace if !other(1)?.is_empty() => text(first.replace(other(1)?, other(2)?)),
        Function::Contains => Some(Value::Boolean(nfc(first).contains(&*nfc(other(1)?)))),
        Function::StartsWith => Some(Value::Boolean(nfc(first).starts_with(&*nfc(other(1)?)))),
        Function::EndsWith => Some(Value::Boolean(nfc(first).ends_with(&*nfc(other(1)?)))),
        _ => None,
    }
}
