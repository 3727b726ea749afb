//! A comparison made ready to be asked millions of times.
//!
//! What a value is decides which part of the comparison it meets; a value of another type meets
//! none, and is false. A text met by an instant's comparison counts as the instant it spells.

use std::cmp::Ordering;

use kernel::Instant;
use regex::{Regex, RegexBuilder};

use crate::number::{Number, Wide};
use crate::rule::{Comparison, Literal, Relation, TextRelation};
use crate::value::{Place, ValueRef, nfc};

/// What a regular expression may take when it is compiled; 256 characters of anything sane take less.
const PATTERN_BYTES_MAX: usize = 2 << 20;

/// Compiles a regular expression the way rules do.
pub(crate) fn pattern(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&nfc(text)).size_limit(PATTERN_BYTES_MAX).build()
}

/// Which values of an ordered type.
#[derive(Debug, PartialEq)]
pub(crate) enum Domain<T> {
    /// Between two ends; the flag says whether the end itself belongs to it.
    Range(Option<(T, bool)>, Option<(T, bool)>),
    /// One of these, which are sorted.
    OneOf(Vec<T>),
    /// None of these, which are sorted.
    NoneOf(Vec<T>),
}

impl<T: Ord> Domain<T> {
    /// Does a value lie in it that compares so with every literal?
    pub(crate) fn has(&self, compare: impl Fn(&T) -> Ordering) -> bool {
        match self {
            Self::Range(low, high) => {
                low.as_ref().is_none_or(|(end, is_in)| match compare(end) {
                    Ordering::Less => false,
                    Ordering::Equal => *is_in,
                    Ordering::Greater => true,
                }) && high.as_ref().is_none_or(|(end, is_in)| match compare(end) {
                    Ordering::Less => true,
                    Ordering::Equal => *is_in,
                    Ordering::Greater => false,
                })
            }
            Self::OneOf(values) => values.binary_search_by(|value| compare(value).reverse()).is_ok(),
            Self::NoneOf(values) => values.binary_search_by(|value| compare(value).reverse()).is_err(),
        }
    }

    fn is(relation: Relation, value: T) -> Self {
        match relation {
            Relation::Eq => Self::OneOf(vec![value]),
            Relation::Ne => Self::NoneOf(vec![value]),
            Relation::Gt => Self::Range(Some((value, false)), None),
            Relation::Gte => Self::Range(Some((value, true)), None),
            Relation::Lt => Self::Range(None, Some((value, false))),
            Relation::Lte => Self::Range(None, Some((value, true))),
        }
    }

    /// The same comparison of the literals as another type; `None` if one of them is not of it.
    fn of(comparison: &Comparison, read: impl Fn(&Literal) -> Option<T>) -> Option<Self> {
        let all = |values: &[Literal]| {
            let mut values = values.iter().map(&read).collect::<Option<Vec<T>>>()?;
            values.sort_unstable();
            Some(values)
        };
        Some(match comparison {
            Comparison::Is(relation, value) => Self::is(*relation, read(value)?),
            Comparison::In(values) => Self::OneOf(all(values)?),
            Comparison::NotIn(values) => Self::NoneOf(all(values)?),
            Comparison::Between(low, high) => {
                Self::Range(Some((read(low)?, true)), Some((read(high)?, true)))
            }
            _ => return None,
        })
    }
}

/// A domain of whole numbers, for columns of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Whole {
    /// Both ends belong to it.
    Range(i64, i64),
    OneOf(Vec<i64>),
    NoneOf(Vec<i64>),
}

const NOTHING: Whole = Whole::Range(1, 0);

impl Whole {
    /// `domain` for columns that keep numbers at this scale.
    pub(crate) fn numbers(domain: &Domain<Number>, scale: u8) -> Self {
        let exact = |values: &[Number]| {
            let digits = values.iter().filter_map(|value| match value.floor_at(scale) {
                (digits, true) => i64::try_from(digits).ok(),
                _ => None,
            });
            digits.collect()
        };
        match domain {
            Domain::OneOf(values) => Self::OneOf(exact(values)),
            Domain::NoneOf(values) => Self::NoneOf(exact(values)),
            Domain::Range(low, high) => {
                let low = low.as_ref().map_or(i128::MIN, |(end, is_in)| {
                    let (digits, is_exact) = end.floor_at(scale);
                    if is_exact && *is_in { digits } else { digits.saturating_add(1) }
                });
                let high = high.as_ref().map_or(i128::MAX, |(end, is_in)| {
                    let (digits, is_exact) = end.floor_at(scale);
                    if is_exact && !*is_in { digits.saturating_sub(1) } else { digits }
                });
                let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
                if low > most || high < least {
                    return NOTHING;
                }
                Self::Range(low.max(least) as i64, high.min(most) as i64)
            }
        }
    }

    fn instants(domain: &Domain<i64>) -> Self {
        match domain {
            Domain::OneOf(values) => Self::OneOf(values.clone()),
            Domain::NoneOf(values) => Self::NoneOf(values.clone()),
            Domain::Range(low, high) => {
                let low = low.map_or(i64::MIN, |(end, is_in)| end.saturating_add(i64::from(!is_in)));
                let high = high.map_or(i64::MAX, |(end, is_in)| end.saturating_sub(i64::from(!is_in)));
                Self::Range(low, high)
            }
        }
    }

    pub(crate) fn has(&self, value: i64) -> bool {
        match self {
            Self::Range(low, high) => (*low..=*high).contains(&value),
            Self::OneOf(values) => values.binary_search(&value).is_ok(),
            Self::NoneOf(values) => values.binary_search(&value).is_err(),
        }
    }
}

/// A comparison made ready.
#[derive(Debug)]
pub(crate) enum Probe {
    Exists,
    Missing,
    Compare(Box<Compare>),
    Text(TextProbe),
    Time(Whole),
    /// Within the last so many microseconds, or else older.
    Age {
        is_within: bool,
        micros: i64,
    },
    Near(Place, f64),
}

/// One comparison, for each type its literals can be.
#[derive(Debug)]
pub(crate) struct Compare {
    pub(crate) numbers: Option<Domain<Number>>,
    pub(crate) texts: Option<Domain<Box<str>>>,
    booleans: Option<Domain<bool>>,
    instants: Option<Whole>,
}

#[derive(Debug)]
pub(crate) enum TextProbe {
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Matches(Regex),
}

impl TextProbe {
    fn new(relation: TextRelation, part: &str) -> Self {
        let text = || nfc(part).into();
        match relation {
            TextRelation::Contains => Self::Contains(text()),
            TextRelation::StartsWith => Self::StartsWith(text()),
            TextRelation::EndsWith => Self::EndsWith(text()),
            // A rule that was read has been tried; one built by hand with a wrong pattern matches its text.
            TextRelation::Matches => pattern(part).map_or_else(|_| Self::Contains(text()), Self::Matches),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Contains(part) => text.contains(&**part),
            Self::StartsWith(part) => text.starts_with(&**part),
            Self::EndsWith(part) => text.ends_with(&**part),
            Self::Matches(pattern) => pattern.is_match(text),
        }
    }
}

impl Probe {
    pub(crate) fn new(comparison: &Comparison) -> Self {
        match comparison {
            Comparison::Exists => Self::Exists,
            Comparison::Missing => Self::Missing,
            Comparison::Text(relation, part) => Self::Text(TextProbe::new(*relation, part)),
            Comparison::Before(at) => Self::Time(Whole::instants(&Domain::is(Relation::Lt, at.0))),
            Comparison::After(at) => Self::Time(Whole::instants(&Domain::is(Relation::Gt, at.0))),
            Comparison::WithinLast(duration) => Self::Age { is_within: true, micros: duration.micros() },
            Comparison::OlderThan(duration) => Self::Age { is_within: false, micros: duration.micros() },
            Comparison::WithinKm { place, km } => Self::Near(*place, *km),
            _ => Self::Compare(Box::new(Compare {
                numbers: Domain::of(comparison, |literal| match literal {
                    Literal::Number(number) => Some(*number),
                    _ => None,
                }),
                texts: Domain::of(comparison, |literal| match literal {
                    Literal::Text(text) => Some(nfc(text).into()),
                    _ => None,
                }),
                booleans: Domain::of(comparison, |literal| match literal {
                    Literal::Boolean(value) => Some(*value),
                    _ => None,
                }),
                instants: Domain::of(comparison, |literal| match literal {
                    Literal::Text(text) => Instant::parse(text).map(|at| at.0),
                    _ => None,
                })
                .map(|domain| Whole::instants(&domain)),
            })),
        }
    }

    /// Does it hold of this value at `as_of`?
    pub(crate) fn holds(&self, value: Option<ValueRef<'_>>, as_of: i64) -> bool {
        let Some(value) = value else { return matches!(self, Self::Missing) };
        match self {
            Self::Exists => true,
            Self::Missing => false,
            Self::Compare(compare) => match value {
                ValueRef::Number(number) => {
                    compare.numbers.as_ref().is_some_and(|domain| domain.has(|end| number.cmp(end)))
                }
                ValueRef::Text(_) => self.holds_text(value),
                ValueRef::Boolean(value) => {
                    compare.booleans.as_ref().is_some_and(|domain| domain.has(|end| value.cmp(end)))
                }
                ValueRef::Instant(at) => compare.instants.as_ref().is_some_and(|domain| domain.has(at.0)),
                _ => false,
            },
            Self::Text(probe) => match (value, probe) {
                (ValueRef::Text(_), _) => self.holds_text(value),
                (ValueRef::List(items), TextProbe::Contains(part)) => {
                    items.iter().any(|item| nfc(item) == **part)
                }
                _ => false,
            },
            Self::Time(_) | Self::Age { .. } => {
                let domain = self.instants(as_of);
                value.instant().is_some_and(|at| domain.is_some_and(|domain| domain.has(at.0)))
            }
            Self::Near(middle, km) => match value {
                ValueRef::Place(place) => place.km_to(*middle) <= *km,
                _ => false,
            },
        }
    }

    /// Does it hold of a text, whatever the present instant?
    pub(crate) fn holds_text(&self, value: ValueRef<'_>) -> bool {
        let ValueRef::Text(text) = value else { return false };
        match self {
            Self::Exists => true,
            Self::Compare(compare) => compare.texts.as_ref().is_some_and(|domain| {
                let text = nfc(text);
                domain.has(|end| (*text).cmp(&**end))
            }),
            Self::Text(probe) => probe.holds(&nfc(text)),
            Self::Time(domain) => value.instant().is_some_and(|at| domain.has(at.0)),
            Self::Missing | Self::Age { .. } | Self::Near(..) => false,
        }
    }

    /// Does it hold of `sum / count`, exactly?
    pub(crate) fn holds_quotient(&self, sum: Wide, count: u64) -> bool {
        match self {
            Self::Exists => true,
            Self::Compare(compare) => compare
                .numbers
                .as_ref()
                .is_some_and(|domain| domain.has(|end| sum.cmp(&end.wide().times(count)))),
            _ => false,
        }
    }

    /// The instants it holds of.
    pub(crate) fn instants(&self, as_of: i64) -> Option<std::borrow::Cow<'_, Whole>> {
        use std::borrow::Cow;
        match self {
            Self::Compare(compare) => compare.instants.as_ref().map(Cow::Borrowed),
            Self::Time(domain) => Some(Cow::Borrowed(domain)),
            Self::Age { is_within, micros } => {
                let old = as_of.saturating_sub(*micros);
                let (low, high) = if *is_within { (old.saturating_add(1), as_of) } else { (i64::MIN, old) };
                Some(Cow::Owned(Whole::Range(low, high)))
            }
            _ => None,
        }
    }

    /// Does it depend on the present instant?
    pub(crate) fn is_relative(&self) -> bool {
        matches!(self, Self::Age { .. })
    }

    /// The first instant after `as_of` at which it can hold otherwise of this value.
    pub(crate) fn crossing(&self, value: Option<ValueRef<'_>>, as_of: i64) -> i64 {
        let Self::Age { micros, .. } = self else { return NEVER };
        let Some(Instant(at)) = value.and_then(ValueRef::instant) else { return NEVER };
        [at, at.saturating_add(*micros)].into_iter().filter(|point| *point > as_of).min().unwrap_or(NEVER)
    }
}

/// Later than every instant.
pub(crate) const NEVER: i64 = i64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_between_two_digits_of_a_column_bounds_it_exactly() {
        let number = |text: &str| Number::parse(text).unwrap();
        let range =
            |relation, literal: &str, scale| Whole::numbers(&Domain::is(relation, number(literal)), scale);
        assert_eq!(range(Relation::Gte, "2.55", 1), Whole::Range(26, i64::MAX));
        assert_eq!(range(Relation::Gt, "2.5", 1), Whole::Range(26, i64::MAX));
        assert_eq!(range(Relation::Lte, "2.55", 1), Whole::Range(i64::MIN, 25));
        assert_eq!(range(Relation::Lt, "2.5", 1), Whole::Range(i64::MIN, 24));
        assert_eq!(range(Relation::Lt, "-2.55", 1), Whole::Range(i64::MIN, -26));
        assert_eq!(range(Relation::Eq, "2.55", 1), Whole::OneOf(vec![]));
        assert_eq!(range(Relation::Gte, "99999999999999999999", 2), NOTHING);
        assert_eq!(range(Relation::Lte, "99999999999999999999", 2), Whole::Range(i64::MIN, i64::MAX));
    }
}
