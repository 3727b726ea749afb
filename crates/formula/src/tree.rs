//! A formula as a tree.

use criteria::value::{Type, Value};

use crate::function::Function;

/// A part of a formula.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Expression {
    /// A value that is written in it; `None` is `missing`.
    Literal(Option<Value>),
    /// What is read of a party, by its place.
    Input(usize),
    /// The start of the local day.
    Today,
    /// `-x`
    Minus(Box<Expression>),
    /// `not x`
    Not(Box<Expression>),
    /// Two values joined.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// One of some values.
    In(Box<Expression>, Vec<Expression>),
    /// A function of values.
    Call(Function, Vec<Expression>),
    /// The first that is not missing.
    Coalesce(Vec<Expression>),
    /// Whether it is missing.
    IsMissing(Box<Expression>),
    /// The value after the first condition that is true, else the last.
    Case(Vec<(Expression, Expression)>, Box<Expression>),
}

/// What joins two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Join,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

impl Operator {
    /// The operator of a sign, by how tightly it binds: comparisons, sums, products.
    pub(crate) fn of(sign: &str, level: usize) -> Option<Self> {
        Some(match (level, sign) {
            (0, "=") => Self::Equal,
            (0, "!=") => Self::NotEqual,
            (0, "<") => Self::Less,
            (0, "<=") => Self::LessOrEqual,
            (0, ">") => Self::Greater,
            (0, ">=") => Self::GreaterOrEqual,
            (1, "+") => Self::Add,
            (1, "-") => Self::Subtract,
            (1, "||") => Self::Join,
            (2, "*") => Self::Multiply,
            (2, "/") => Self::Divide,
            (2, "%") => Self::Remainder,
            _ => return None,
        })
    }

    /// Its sign.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Join => "||",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
        }
    }

    /// The type it takes on both sides, if it is one, and the type it gives.
    pub(crate) fn types(self) -> (Option<Type>, Type) {
        match self {
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder => {
                (Some(Type::Number), Type::Number)
            }
            Self::Join => (Some(Type::Text), Type::Text),
            Self::And | Self::Or => (Some(Type::Boolean), Type::Boolean),
            _ => (None, Type::Boolean),
        }
    }
}
