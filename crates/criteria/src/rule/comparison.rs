//! What has to hold of a value, and of which types that can hold at all.

use kernel::Instant;

use super::{Duration, name_of};
use crate::number::Number;
use crate::value::{Place, Type};

/// What has to hold of a value. Nothing but `Missing` holds of what is missing.
#[derive(Clone, PartialEq, Debug)]
pub enum Comparison {
    /// It is there.
    Exists,
    /// It is not there.
    Missing,
    /// Compared with one value.
    Is(Relation, Literal),
    /// One of the values.
    In(Vec<Literal>),
    /// None of the values.
    NotIn(Vec<Literal>),
    /// From the first value to the second, both included.
    Between(Literal, Literal),
    /// Something of its text; for a list, membership.
    Text(TextRelation, String),
    /// Before this instant.
    Before(Instant),
    /// After this instant.
    After(Instant),
    /// In `(as_of − duration, as_of]`.
    WithinLast(Duration),
    /// At `as_of − duration` or earlier.
    OlderThan(Duration),
    /// Not farther than `km` from a place.
    WithinKm {
        /// The middle.
        place: Place,
        /// The radius.
        km: f64,
    },
}

/// How two values compare.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Relation {
    /// Equal.
    Eq,
    /// Of one type, and not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
}

impl Relation {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
    ];
}

/// How a text compares with a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TextRelation {
    /// It is somewhere in it; or the list has it.
    Contains,
    /// It begins so.
    StartsWith,
    /// It ends so.
    EndsWith,
    /// The regular expression matches somewhere in it.
    Matches,
}

impl TextRelation {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("contains", Self::Contains),
        ("starts_with", Self::StartsWith),
        ("ends_with", Self::EndsWith),
        ("matches", Self::Matches),
    ];
}

/// A value written in a rule. An instant is written as text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Literal {
    /// Text.
    Text(String),
    /// An exact decimal.
    Number(Number),
    /// True or false.
    Boolean(bool),
}

impl Comparison {
    /// Its `op`.
    pub fn op(&self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Missing => "missing",
            Self::Is(relation, _) => name_of(&Relation::ALL, *relation),
            Self::In(_) => "in",
            Self::NotIn(_) => "not_in",
            Self::Between(..) => "between",
            Self::Text(relation, _) => name_of(&TextRelation::ALL, *relation),
            Self::Before(_) => "before",
            Self::After(_) => "after",
            Self::WithinLast(_) => "within_last",
            Self::OlderThan(_) => "older_than",
            Self::WithinKm { .. } => "within_km",
        }
    }

    /// `gte 1`, which sequences and related records are compared with if nothing is said.
    pub fn at_least_one() -> Self {
        Self::Is(Relation::Gte, Literal::Number(Number::from(1)))
    }

    /// Whether it can hold of a field of this type; the error says what can.
    pub fn fits(&self, of: Type) -> Result<(), String> {
        let is_fit = match self {
            Self::Exists | Self::Missing => true,
            Self::Is(relation, literal) => {
                let is_ordered = matches!(of, Type::Text | Type::Number | Type::Instant);
                literal.is_of(of) && (is_ordered || matches!(relation, Relation::Eq | Relation::Ne))
            }
            Self::In(values) | Self::NotIn(values) => values.iter().all(|value| value.is_of(of)),
            Self::Between(low, high) => low.is_of(of) && high.is_of(of) && of != Type::Boolean,
            Self::Text(TextRelation::Contains, _) => matches!(of, Type::Text | Type::List),
            Self::Text(..) => of == Type::Text,
            Self::Before(_) | Self::After(_) | Self::WithinLast(_) | Self::OlderThan(_) => {
                of == Type::Instant
            }
            Self::WithinKm { .. } => of == Type::Place,
        };
        let possible = match of {
            Type::Text => {
                "a text: eq, ne, in, not_in, gt, gte, lt, lte, between, contains, starts_with, \
                           ends_with, matches"
            }
            Type::Number => "a number: eq, ne, in, not_in, gt, gte, lt, lte, between",
            Type::Boolean => "true or false: eq, ne, in, not_in",
            Type::Instant => {
                "an instant in RFC 3339: before, after, eq, ne, in, not_in, gt, gte, lt, lte, \
                              between; or a duration: within_last, older_than"
            }
            Type::List => "a text it has: contains",
            Type::Place => "a place and a radius: within_km",
        };
        let message = || {
            let (op, name) = (self.op(), of.name());
            format!("`{op}` with this value does not fit the type {name}; compare it with {possible}")
        };
        is_fit.then_some(()).ok_or_else(message)
    }
}

impl Literal {
    /// Whether it can be a value of this type.
    pub fn is_of(&self, of: Type) -> bool {
        match self {
            Self::Text(text) => of == Type::Text || of == Type::Instant && Instant::parse(text).is_some(),
            Self::Number(_) => of == Type::Number,
            Self::Boolean(_) => of == Type::Boolean,
        }
    }

    /// Its type as it stands.
    pub fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::Text,
            Self::Number(_) => Type::Number,
            Self::Boolean(_) => Type::Boolean,
        }
    }
}
