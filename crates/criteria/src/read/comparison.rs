//! Reads `op` and `value`.

use kernel::Instant;

use super::tree::{Node, Tree};
use crate::error::Error;
use crate::number::Number;
use crate::rule::{
    Comparison, Duration, LIST_VALUES_MAX, Literal, PATTERN_CHARS_MAX, Relation, TextRelation, by_name,
};
use crate::value::{Place, Type};

/// What is compared, as far as the rule itself says so.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    /// The type is the schema's business.
    Field,
    /// A number whatever happens.
    Number,
    /// The time of an event.
    Time,
    /// The least or greatest of something that has an order.
    Extreme,
    /// The state of a state machine.
    Stage,
}

const OPS: &str = "eq, ne, in, not_in, gt, gte, lt, lte, between, exists, missing, contains, starts_with, \
                   ends_with, matches, before, after, within_last, older_than, within_km";

/// Reads the comparison of an object that must have one.
pub(super) fn comparison(object: &Node<'_>, subject: Subject) -> Result<Comparison, Error> {
    read(object, object.require("op")?.text()?, subject)
}

/// Reads the comparison of a number; what is not said is `gte` and 1.
pub(super) fn count(object: &Node<'_>) -> Result<Comparison, Error> {
    let op = object.get("op");
    let name = op.as_ref().map_or(Ok("gte"), Node::text)?;
    match by_name(&Relation::ALL, name) {
        Some(relation) if object.get("value").is_none() => {
            Ok(Comparison::Is(relation, Literal::Number(Number::from(1))))
        }
        _ => read(object, name, Subject::Number),
    }
}

fn read(object: &Node<'_>, name: &str, subject: Subject) -> Result<Comparison, Error> {
    let at_op = |message: String| object.get("op").map_or(object.error(&message), |op| op.error(&message));
    let value = || object.require("value").map_err(|_| object.error(format!("`{name}` needs a `value`")));
    let comparison = match name {
        "exists" | "missing" => {
            if let Some(value) = object.get("value") {
                return Err(value.error(format!("`{name}` takes no value; leave `value` out")));
            }
            if name == "exists" { Comparison::Exists } else { Comparison::Missing }
        }
        "in" => Comparison::In(list(&value()?)?),
        "not_in" => Comparison::NotIn(list(&value()?)?),
        "between" => between(&value()?)?,
        "before" => Comparison::Before(instant(&value()?)?),
        "after" => Comparison::After(instant(&value()?)?),
        "within_last" => Comparison::WithinLast(duration(&value()?)?),
        "older_than" => Comparison::OlderThan(duration(&value()?)?),
        "within_km" => circle(&value()?)?,
        _ => match (by_name(&Relation::ALL, name), by_name(&TextRelation::ALL, name)) {
            (Some(relation), _) => Comparison::Is(relation, operand(&value()?, relation)?),
            (_, Some(relation)) => Comparison::Text(relation, part(&value()?, relation)?),
            _ => return Err(at_op(format!("`{name}` is not known; one of: {OPS}"))),
        },
    };
    fit(&comparison, subject).map_err(at_op)?;
    Ok(comparison)
}

fn fit(comparison: &Comparison, subject: Subject) -> Result<(), String> {
    let is_time = matches!(
        comparison,
        Comparison::Before(_) | Comparison::After(_) | Comparison::WithinLast(_) | Comparison::OlderThan(_)
    );
    let is_presence = matches!(comparison, Comparison::Exists | Comparison::Missing);
    match subject {
        Subject::Field => Ok(()),
        Subject::Extreme if is_time => Ok(()),
        Subject::Number | Subject::Extreme => comparison.fits(Type::Number),
        Subject::Time if is_time || is_presence => Ok(()),
        Subject::Time => Err(format!(
            "`{}` does not fit the time of an event; use before, after, within_last, older_than, exists or \
             missing",
            comparison.op()
        )),
        Subject::Stage => match comparison {
            Comparison::Is(Relation::Eq, Literal::Text(_)) => Ok(()),
            Comparison::In(values) if values.iter().all(|value| value.is_of(Type::Text)) => Ok(()),
            _ => Err("a stage is compared by `eq` with a text or by `in` with a list of texts".into()),
        },
    }
}

fn literal(node: &Node<'_>) -> Result<Literal, Error> {
    match node.tree {
        Tree::Text(text) => Ok(Literal::Text(text.clone())),
        Tree::Boolean(value) => Ok(Literal::Boolean(*value)),
        Tree::Number(text) => Number::parse(text).map(Literal::Number).ok_or_else(|| {
            node.error(format!(
                "`{text}` is too long; a number has up to 20 digits before the point and 18 after"
            ))
        }),
        other => Err(node.error(format!("expected a text, a number, true or false, found {}", other.kind()))),
    }
}

fn operand(node: &Node<'_>, relation: Relation) -> Result<Literal, Error> {
    let literal = literal(node)?;
    let is_order = !matches!(relation, Relation::Eq | Relation::Ne);
    if is_order && matches!(literal, Literal::Boolean(_)) {
        return Err(node.error("true and false have no order; use `eq` or `ne`"));
    }
    Ok(literal)
}

fn list(node: &Node<'_>) -> Result<Vec<Literal>, Error> {
    let items = node.items()?;
    if items.len() > LIST_VALUES_MAX {
        return Err(node.error(format!(
            "a list has at most {LIST_VALUES_MAX} values, this one {}; make an audience of them",
            items.len()
        )));
    }
    let mut values: Vec<Literal> = Vec::with_capacity(items.len());
    for item in items {
        let value = literal(&item)?;
        if let Some(first) = values.first().filter(|first| first.kind() != value.kind()) {
            return Err(item
                .error(format!("all values of a list have one type; the first is {}", first.kind().name())));
        }
        values.push(value);
    }
    if values.is_empty() {
        return Err(node.error("the list is empty; give at least one value"));
    }
    Ok(values)
}

fn between(node: &Node<'_>) -> Result<Comparison, Error> {
    let values = list(node)?;
    let [low, high] = values.as_slice() else {
        return Err(node.error("`between` takes a list of two values, the lower first"));
    };
    let is_ordered = match (low, high) {
        (Literal::Number(low), Literal::Number(high)) => low <= high,
        (Literal::Text(low), Literal::Text(high)) => match (Instant::parse(low), Instant::parse(high)) {
            (Some(low), Some(high)) => low <= high,
            _ => low <= high,
        },
        _ => return Err(node.error("true and false have no order; use `eq` or `in`")),
    };
    if !is_ordered {
        return Err(node.error("nothing lies between these; give the lower value first"));
    }
    Ok(Comparison::Between(low.clone(), high.clone()))
}

fn part(node: &Node<'_>, relation: TextRelation) -> Result<String, Error> {
    let text = node.text()?;
    if relation == TextRelation::Matches {
        let chars = text.chars().count();
        if chars > PATTERN_CHARS_MAX {
            return Err(node.error(format!(
                "a regular expression has at most {PATTERN_CHARS_MAX} characters, this one {chars}"
            )));
        }
        crate::probe::pattern(text).map_err(|cause| {
            let cause = cause.to_string();
            let last = cause.lines().last().unwrap_or_default().trim_start_matches("error: ");
            node.error(format!("not a regular expression (RE2 syntax): {last}"))
        })?;
    }
    Ok(text.to_owned())
}

/// An instant in RFC 3339.
pub(super) fn instant(node: &Node<'_>) -> Result<Instant, Error> {
    let text = node.text()?;
    Instant::parse(text).ok_or_else(|| {
        node.error(format!("`{text}` is not an instant; write RFC 3339, such as 2026-11-22T08:00:00+08:00"))
    })
}

/// A duration such as `30d`.
pub(super) fn duration(node: &Node<'_>) -> Result<Duration, Error> {
    let text = node.text()?;
    Duration::parse(text).ok_or_else(|| {
        node.error(format!(
            "`{text}` is not a duration; write a whole number above 0 and m, h, d or w, such as 30d, at most \
             100 years"
        ))
    })
}

fn circle(node: &Node<'_>) -> Result<Comparison, Error> {
    node.only(&["lat", "lon", "km"])?;
    let number = |key: &str| {
        let member = node.require(key)?;
        let Tree::Number(text) = member.tree else {
            return Err(member.error(format!("expected a number, found {}", member.tree.kind())));
        };
        text.parse::<f64>().map_err(|_| member.error("not a number"))
    };
    let (lat, lon, km) = (number("lat")?, number("lon")?, number("km")?);
    let place = Place::new(lat, lon)
        .ok_or_else(|| node.error("`lat` lies between -90 and 90, `lon` between -180 and 180"))?;
    if !(km > 0.0 && km <= 20_040.0) {
        return Err(node.error("`km` is above 0 and at most 20040, half the way around the earth"));
    }
    Ok(Comparison::WithinKm { place, km })
}
