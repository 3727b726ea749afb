//! Audiences put together: sets of parties joined, cut and taken from one another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::Failure;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

/// How deep an expression may be.
pub const DEPTH_MAX: usize = 8;
/// Audiences an expression may name, each time counted.
pub const OPERANDS_MAX: usize = 100;

/// Sets of parties, put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// Who is in an audience.
    Audience(String),
    /// Who is in at least one; nobody if there is none.
    Union(Vec<Expression>),
    /// Who is in each; nobody if there is none.
    Intersect(Vec<Expression>),
    /// Who is in the first and in none of the others.
    Minus(Vec<Expression>),
}

/// The members of audiences, by id.
pub type Sets = BTreeMap<String, Arc<RoaringBitmap>>;

impl Expression {
    /// The audiences it names.
    ///
    /// # Errors
    /// [`Failure::LimitExceeded`] if it is too deep or names too many.
    pub fn audiences(&self) -> kernel::Result<BTreeSet<&str>> {
        let mut found = Vec::new();
        self.collect(1, &mut found)?;
        if found.len() > OPERANDS_MAX {
            return Err(Failure::LimitExceeded {
                limit: "audiences of an expression",
                max: OPERANDS_MAX as u64,
            });
        }
        Ok(found.into_iter().collect())
    }

    fn collect<'e>(&'e self, depth: usize, found: &mut Vec<&'e str>) -> kernel::Result<()> {
        if depth > DEPTH_MAX {
            return Err(Failure::LimitExceeded {
                limit: "the depth of an expression",
                max: DEPTH_MAX as u64,
            });
        }
        match self {
            Self::Audience(id) => found.push(id),
            Self::Union(members) | Self::Intersect(members) | Self::Minus(members) => {
                members.iter().try_for_each(|member| member.collect(depth + 1, found))?;
            }
        }
        Ok(())
    }

    /// Who is in it. Audiences that `sets` does not have are empty.
    pub fn evaluate(&self, sets: &Sets) -> RoaringBitmap {
        match self {
            Self::Audience(id) => sets.get(id).map(|set| (**set).clone()).unwrap_or_default(),
            Self::Union(members) => {
                let mut all = RoaringBitmap::new();
                members.iter().for_each(|member| member.with(sets, |set| all |= set));
                all
            }
            Self::Intersect(members) => {
                // The smallest first: what is left only shrinks.
                let mut order: Vec<&Self> = members.iter().collect();
                order.sort_by_key(|member| member.size_at_most(sets));
                let mut order = order.into_iter();
                let Some(first) = order.next() else { return RoaringBitmap::new() };
                let mut left = first.evaluate(sets);
                order.for_each(|member| member.with(sets, |set| left &= set));
                left
            }
            Self::Minus(members) => {
                let Some((first, others)) = members.split_first() else { return RoaringBitmap::new() };
                let mut left = first.evaluate(sets);
                others.iter().for_each(|member| member.with(sets, |set| left -= set));
                left
            }
        }
    }

    /// Lends the members without copying those of an audience.
    fn with(&self, sets: &Sets, look: impl FnOnce(&RoaringBitmap)) {
        match self {
            Self::Audience(id) => match sets.get(id) {
                Some(set) => look(set),
                None => look(&RoaringBitmap::new()),
            },
            other => look(&other.evaluate(sets)),
        }
    }

    /// No more than so many are in it.
    fn size_at_most(&self, sets: &Sets) -> u64 {
        match self {
            Self::Audience(id) => sets.get(id).map_or(0, |set| set.len()),
            Self::Union(members) => members.iter().map(|member| member.size_at_most(sets)).sum(),
            Self::Intersect(members) => {
                members.iter().map(|member| member.size_at_most(sets)).min().unwrap_or(0)
            }
            Self::Minus(members) => members.first().map_or(0, |member| member.size_at_most(sets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sets() -> Sets {
        let all = [("a", 0..500u32), ("b", 380..680), ("c", 0..0)];
        all.into_iter().map(|(id, range)| (id.to_owned(), Arc::new(range.collect()))).collect()
    }

    fn read(json: &str) -> Expression {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn two_audiences_of_500_and_300_with_120_in_common_make_680_120_and_380() {
        let size = |json: &str| read(json).evaluate(&sets()).len();
        assert_eq!(size(r#"{"union":[{"audience":"a"},{"audience":"b"}]}"#), 680);
        assert_eq!(size(r#"{"intersect":[{"audience":"a"},{"audience":"b"}]}"#), 120);
        assert_eq!(size(r#"{"minus":[{"audience":"a"},{"audience":"b"}]}"#), 380);
        assert_eq!(size(r#"{"intersect":[{"audience":"a"},{"audience":"c"}]}"#), 0);
        assert_eq!(size(r#"{"union":[]}"#), 0);
    }

    #[test]
    fn an_expression_has_a_depth_and_a_number_of_audiences() {
        let deep = |depth: usize| {
            let (open, close) = (r#"{"union":["#.repeat(depth), "]}".repeat(depth));
            read(&format!(r#"{open}{{"audience":"a"}}{close}"#))
        };
        assert!(deep(DEPTH_MAX - 1).audiences().is_ok());
        assert!(matches!(deep(DEPTH_MAX).audiences(), Err(Failure::LimitExceeded { .. })));
        let wide = Expression::Union(vec![Expression::Audience("a".into()); OPERANDS_MAX + 1]);
        assert!(matches!(wide.audiences(), Err(Failure::LimitExceeded { .. })));
    }

    fn expressions() -> impl Strategy<Value = Expression> {
        let leaf = prop::sample::select(vec!["a", "b", "c", "unknown"]);
        leaf.prop_map(|id| Expression::Audience(id.to_owned())).prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::vec(inner, 0..4);
            (0..3, members).prop_map(|(kind, members)| match kind {
                0 => Expression::Union(members),
                1 => Expression::Intersect(members),
                _ => Expression::Minus(members),
            })
        })
    }

    fn naive(expression: &Expression, sets: &Sets, party: u32) -> bool {
        let is_in = |member: &Expression| naive(member, sets, party);
        match expression {
            Expression::Audience(id) => sets.get(id).is_some_and(|set| set.contains(party)),
            Expression::Union(members) => members.iter().any(is_in),
            Expression::Intersect(members) => !members.is_empty() && members.iter().all(is_in),
            Expression::Minus(members) => {
                members.split_first().is_some_and(|(first, others)| is_in(first) && !others.iter().any(is_in))
            }
        }
    }

    proptest! {
        #[test]
        fn a_party_is_in_an_expression_exactly_if_logic_says_so(expression in expressions()) {
            let sets = sets();
            let found = expression.evaluate(&sets);
            for party in (0..700).step_by(7) {
                prop_assert_eq!(found.contains(party), naive(&expression, &sets, party));
            }
        }
    }
}
