//! The functions of formulas: their names, what they take and what they give.

use criteria::value::Type;

/// A function of values. Missing arguments make the result missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Function {
    NullIf,
    Round,
    Floor,
    Ceil,
    Abs,
    Least,
    Greatest,
    Log,
    Log10,
    Sqrt,
    Power,
    DaysSince,
    Age,
    DaysBetween,
    AddDays,
    Date,
    Year,
    Month,
    Day,
    Hour,
    Weekday,
    Instant,
    Concat,
    Upper,
    Lower,
    Trim,
    Length,
    Substring,
    Replace,
    Contains,
    StartsWith,
    EndsWith,
    Text,
    Number,
}

/// What an argument or a result is; `None` is of any type.
type Of = Option<Type>;

/// A function's name, what it takes (the last repeats up to the most), how few and how many, what it gives.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) takes: &'static [Of],
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) gives: Of,
}

const fn of(
    name: &'static str,
    function: Function,
    takes: &'static [Of],
    (least, most): (usize, usize),
    gives: Of,
) -> Signature {
    Signature { name, function, takes, least, most, gives }
}

const ANY: Of = None;
const NUMBER: Of = Some(Type::Number);
const TEXT: Of = Some(Type::Text);
const BOOLEAN: Of = Some(Type::Boolean);
const INSTANT: Of = Some(Type::Instant);
/// Arguments of a function that takes as many as one likes.
const MANY: usize = 50;

/// Every function but those that look at what is missing, and aggregates.
pub(crate) const FUNCTIONS: [Signature; 35] = [
    of("nullif", Function::NullIf, &[ANY, ANY], (2, 2), ANY),
    of("round", Function::Round, &[NUMBER, NUMBER], (1, 2), NUMBER),
    of("floor", Function::Floor, &[NUMBER, NUMBER], (1, 2), NUMBER),
    of("ceil", Function::Ceil, &[NUMBER, NUMBER], (1, 2), NUMBER),
    of("abs", Function::Abs, &[NUMBER], (1, 1), NUMBER),
    of("min", Function::Least, &[NUMBER], (1, MANY), NUMBER),
    of("max", Function::Greatest, &[NUMBER], (1, MANY), NUMBER),
    of("log", Function::Log, &[NUMBER], (1, 1), NUMBER),
    of("ln", Function::Log, &[NUMBER], (1, 1), NUMBER),
    of("log10", Function::Log10, &[NUMBER], (1, 1), NUMBER),
    of("sqrt", Function::Sqrt, &[NUMBER], (1, 1), NUMBER),
    of("power", Function::Power, &[NUMBER, NUMBER], (2, 2), NUMBER),
    of("days_since", Function::DaysSince, &[INSTANT], (1, 1), NUMBER),
    of("age", Function::Age, &[INSTANT], (1, 1), NUMBER),
    of("days_between", Function::DaysBetween, &[INSTANT, INSTANT], (2, 2), NUMBER),
    of("add_days", Function::AddDays, &[INSTANT, NUMBER], (2, 2), INSTANT),
    of("date", Function::Date, &[INSTANT], (1, 1), TEXT),
    of("year", Function::Year, &[INSTANT], (1, 1), NUMBER),
    of("month", Function::Month, &[INSTANT], (1, 1), NUMBER),
    of("day", Function::Day, &[INSTANT], (1, 1), NUMBER),
    of("hour", Function::Hour, &[INSTANT], (1, 1), NUMBER),
    of("weekday", Function::Weekday, &[INSTANT], (1, 1), NUMBER),
    of("instant", Function::Instant, &[ANY], (1, 1), INSTANT),
    of("concat", Function::Concat, &[ANY], (1, MANY), TEXT),
    of("upper", Function::Upper, &[TEXT], (1, 1), TEXT),
    of("lower", Function::Lower, &[TEXT], (1, 1), TEXT),
    of("trim", Function::Trim, &[TEXT], (1, 1), TEXT),
    of("length", Function::Length, &[ANY], (1, 1), NUMBER),
    of("substring", Function::Substring, &[TEXT, NUMBER, NUMBER], (2, 3), TEXT),
    of("replace", Function::Replace, &[TEXT, TEXT, TEXT], (3, 3), TEXT),
    of("contains", Function::Contains, &[ANY, TEXT], (2, 2), BOOLEAN),
    of("starts_with", Function::StartsWith, &[TEXT, TEXT], (2, 2), BOOLEAN),
    of("ends_with", Function::EndsWith, &[TEXT, TEXT], (2, 2), BOOLEAN),
    of("text", Function::Text, &[ANY], (1, 1), TEXT),
    of("number", Function::Number, &[ANY], (1, 1), NUMBER),
];

/// The function of a name.
pub(crate) fn by_name(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|signature| signature.name == name)
}
