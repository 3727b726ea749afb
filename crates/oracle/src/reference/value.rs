//! Values of the naive evaluator and how they compare.

use std::cmp::Ordering;

use kernel::Instant;
use kernel::decimal::Decimal;
use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use criteria::rule::{Literal, TextRelation};

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Text(String),
    Number(Decimal),
    Boolean(bool),
    Instant(i64),
    List(Vec<String>),
    Place(f64, f64),
    Other,
}

pub(super) fn read(json: &Json, is_instant: bool) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => Decimal::parse(&number.to_string()).map_or(Value::Other, Value::Number),
        Json::String(text) => match Instant::parse(text).filter(|_| is_instant) {
            Some(at) => Value::Instant(at.0),
            None => Value::Text(text.nfc().collect()),
        },
        Json::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(|text| text.nfc().collect())).collect();
            texts.map_or(Value::Other, Value::List)
        }
        Json::Object(members) => {
            let degrees = |key: &str| members.get(key).and_then(Json::as_f64);
            match (degrees("lat"), degrees("lon").or(degrees("lng"))) {
                (Some(lat), Some(lon)) if lat.abs() <= 90.0 && lon.abs() <= 180.0 => Value::Place(lat, lon),
                _ => Value::Other,
            }
        }
    })
}

pub(super) fn whole(count: usize) -> Value {
    Value::Number(Decimal::parse(&count.to_string()).expect("a count is a number"))
}

pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

pub(super) fn sum(numbers: &[Decimal]) -> Decimal {
    numbers.iter().fold(Decimal::default(), |sum, number| sum.plus(*number).expect("sums in tests are small"))
}

pub(super) fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Instant(at) => Some(*at),
        Value::Text(text) => Instant::parse(text).map(|at| at.0),
        _ => None,
    }
}

/// How a value and a literal of one type compare.
pub(super) fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    Some(match (value, literal) {
        (Value::Number(a), Literal::Number(b)) => a.cmp(&Decimal::from(*b)),
        (Value::Text(a), Literal::Text(b)) => a.chars().cmp(b.nfc()),
        (Value::Boolean(a), Literal::Boolean(b)) => a.cmp(b),
        (Value::Instant(a), Literal::Text(b)) => a.cmp(&Instant::parse(b)?.0),
        _ => return None,
    })
}

pub(super) fn text_holds(relation: TextRelation, part: &str, value: &Value) -> bool {
    let part: String = part.nfc().collect();
    match (relation, value) {
        (TextRelation::Contains, Value::List(items)) => items.contains(&part),
        (TextRelation::Contains, Value::Text(text)) => text.contains(&part),
        (TextRelation::StartsWith, Value::Text(text)) => text.starts_with(&part),
        (TextRelation::EndsWith, Value::Text(text)) => text.ends_with(&part),
        (TextRelation::Matches, Value::Text(text)) => {
            regex::Regex::new(&part).expect("patterns in tests compile").is_match(text)
        }
        _ => false,
    }
}
