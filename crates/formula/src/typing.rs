//! Which types go together.

use criteria::value::Type;

use crate::Error;
use crate::parse::Typed;
use crate::token::error;
use crate::tree::{Expression, Operator};

/// A value, its type, and where it stands.
pub(crate) type Argument = (Expression, Option<Type>, usize);

pub(crate) fn join(operator: Operator, left: Typed, right: Typed, at: usize) -> Result<Typed, Error> {
    let (takes, gives) = operator.types();
    match takes {
        Some(_) => {
            fits(left.1, takes, operator.sign(), at)?;
            fits(right.1, takes, operator.sign(), at)?;
        }
        None => {
            same(left.1, right.1, operator.sign(), at)?;
            let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
            let unordered = [left.1, right.1].into_iter().flatten();
            let unordered =
                unordered.into_iter().find(|of| matches!(of, Type::Boolean | Type::List | Type::Place));
            if let Some(of) = unordered.filter(|_| is_order) {
                return Err(error(at, format!("values of type {} have no order", of.name())));
            }
        }
    }
    Ok((Expression::Binary(operator, Box::new(left.0), Box::new(right.0)), Some(gives)))
}

/// Refuses a type that is known to be another; a text may be an instant.
pub(crate) fn fits(of: Option<Type>, wanted: Option<Type>, name: &str, at: usize) -> Result<(), Error> {
    match (of, wanted) {
        (Some(of), Some(wanted)) if of != wanted && (of, wanted) != (Type::Text, Type::Instant) => {
            Err(error(at, format!("`{name}` takes {}, not {}", wanted.name(), of.name())))
        }
        _ => Ok(()),
    }
}

pub(crate) fn same(a: Option<Type>, b: Option<Type>, name: &str, at: usize) -> Result<(), Error> {
    match (a, b) {
        (Some(Type::Text), Some(Type::Instant)) | (Some(Type::Instant), Some(Type::Text)) => Ok(()),
        (Some(a), Some(b)) if a != b => {
            Err(error(at, format!("`{name}` between {} and {}", a.name(), b.name())))
        }
        _ => Ok(()),
    }
}

/// The one type of several values; nothing if it is known only when they are read.
pub(crate) fn common(parts: &[Argument], name: &str, at: usize) -> Result<Option<Type>, Error> {
    if parts.is_empty() {
        return Err(error(at, format!("`{name}` needs a value")));
    }
    let mut found: Option<Type> = None;
    let mut is_known = true;
    for (_, of, at) in parts.iter().filter(|(part, ..)| *part != Expression::Literal(None)) {
        match (found, of) {
            (Some(found), Some(of)) if found != *of => {
                let message = format!("`{name}` gives {} here and {} elsewhere", of.name(), found.name());
                return Err(error(*at, message));
            }
            (_, Some(of)) => found = Some(*of),
            (_, None) => is_known = false,
        }
    }
    Ok(found.filter(|_| is_known))
}
