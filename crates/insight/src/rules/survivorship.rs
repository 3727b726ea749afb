//! Which value of a field counts: the fold of everything that was ever said about it.
//!
//! Values are compared by evidence grade, then the priority of the source, then event time, then the
//! event's key: content, never arrival. So any order of arrival, duplicates and late data give the same
//! profile, byte for byte. Operations that build on a value (increment, append) count if they are later
//! than the value that won.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use kernel::decimal::Decimal;
use kernel::{Instant, Key, NodeNo, SourceNo};
use serde_json::Value;

/// What a fact does to its field. The numbers are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Op {
    /// The field becomes the value; an empty value removes it.
    Set = 0,
    /// The field becomes the value if nothing else set it.
    SetOnce = 1,
    /// The number is added.
    Increment = 2,
    /// The items join the list.
    Append = 3,
    /// Every field of the node's earlier facts is gone.
    DeleteAll = 4,
}

impl Op {
    /// The operation stored as `number`.
    pub fn of(number: i64) -> Option<Self> {
        [Self::Set, Self::SetOnce, Self::Increment, Self::Append, Self::DeleteAll]
            .into_iter()
            .find(|op| *op as i64 == number)
    }
}

/// One thing said about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The node it was said of.
    pub node: NodeNo,
    /// The field; empty for [`Op::DeleteAll`].
    pub field: String,
    /// What it does.
    pub op: Op,
    /// Canonical JSON; empty removes.
    pub value: String,
    /// Event time.
    pub at: Instant,
    /// The event.
    pub key: Key,
    /// Who said it.
    pub source: SourceNo,
}

/// How much a source's word weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// Evidence grade: `A` before `B` before `C` before `D`.
    pub grade: Reverse<char>,
    /// Priority among sources of one grade.
    pub priority: i32,
}

impl Default for Weight {
    /// A source that is no longer known: stated, no priority.
    fn default() -> Self {
        Self { grade: Reverse('C'), priority: 0 }
    }
}

/// The value that counts, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Winner {
    /// The value.
    pub value: Value,
    /// The fact that set it, or the latest that built on it.
    pub from: Fact,
}

/// The fields of a profile with the values that count. `weight` knows the sources.
pub fn fold(facts: &[Fact], weight: &dyn Fn(SourceNo) -> Weight) -> BTreeMap<String, Winner> {
    let mut deleted: BTreeMap<NodeNo, (Instant, Key)> = BTreeMap::new();
    for fact in facts.iter().filter(|f| f.op == Op::DeleteAll) {
        let slot = deleted.entry(fact.node).or_insert((fact.at, fact.key));
        *slot = (*slot).max((fact.at, fact.key));
    }
    let is_alive = |f: &&Fact| deleted.get(&f.node).is_none_or(|until| (f.at, f.key) > *until);
    let mut fields: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    for fact in facts.iter().filter(|f| f.op != Op::DeleteAll).filter(is_alive) {
        fields.entry(&fact.field).or_default().push(fact);
    }
    let winners = fields.into_iter().filter_map(|(field, mut facts)| {
        facts.sort_by_key(|f| (f.at, f.key));
        Some((field.to_owned(), fold_field(&facts, weight)?))
    });
    winners.collect()
}

/// Folds the facts of one field, oldest first.
fn fold_field(facts: &[&Fact], weight: &dyn Fn(SourceNo) -> Weight) -> Option<Winner> {
    let rank = |f: &&&Fact| (weight(f.source), f.at, f.key);
    let set = facts.iter().filter(|f| f.op == Op::Set).max_by_key(rank);
    let since = set.map(|f| (f.at, f.key));
    let base = match set {
        Some(fact) if !fact.value.is_empty() => Some(*fact),
        _ => facts.iter().find(|f| f.op == Op::SetOnce && Some((f.at, f.key)) > since).copied(),
    };
    let mut winner = base.and_then(|fact| {
        let value = serde_json::from_str(&fact.value).ok()?;
        Some(Winner { value, from: fact.clone() })
    });
    let is_later = |f: &&&Fact| Some((f.at, f.key)) > since;
    for fact in facts.iter().filter(is_later) {
        let before = winner.as_ref().map(|w| &w.value);
        let value = match fact.op {
            Op::Increment => increment(before, &fact.value),
            Op::Append => append(before, &fact.value),
            _ => None,
        };
        if let Some(value) = value {
            winner = Some(Winner { value, from: (*fact).clone() });
        }
    }
    winner
}

fn increment(before: Option<&Value>, by: &str) -> Option<Value> {
    let before = match before {
        None => Decimal::default(),
        Some(Value::Number(n)) => Decimal::parse(&n.to_string())?,
        Some(_) => return None,
    };
    serde_json::from_str(&before.plus(Decimal::parse(by)?)?.to_string()).ok()
}

/// The union, in order of first appearance.
fn append(before: Option<&Value>, items: &str) -> Option<Value> {
    let mut list = match before {
        None => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return None,
    };
    let mut seen: BTreeSet<String> = list.iter().map(Value::to_string).collect();
    let items = match serde_json::from_str(items).ok()? {
        Value::Array(items) => items,
        one => vec![one],
    };
    list.extend(items.into_iter().filter(|item| seen.insert(item.to_string())));
    Some(Value::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(op: Op, value: &str, at: i64, source: u32) -> Fact {
        let key = Key::of(&[0; 32], &[&at.to_le_bytes(), &[op as u8], value.as_bytes()]);
        let (node, field) = (NodeNo(1), if op == Op::DeleteAll { "" } else { "f" });
        Fact {
            node,
            field: field.into(),
            op,
            value: value.into(),
            at: Instant(at),
            key,
            source: SourceNo(source),
        }
    }

    /// Source 9 has graded evidence, source 8 a higher priority.
    fn weight(source: SourceNo) -> Weight {
        match source.0 {
            9 => Weight { grade: Reverse('A'), priority: 0 },
            8 => Weight { grade: Reverse('C'), priority: 5 },
            _ => Weight::default(),
        }
    }

    /// Folds every rotation and the reverse of `facts` and wants the same answer each time.
    fn check(facts: &[Fact], expected: &str) {
        let mut order = facts.to_vec();
        for turn in 0..2 * facts.len() {
            if turn == facts.len() {
                order.reverse();
            }
            order.rotate_left(1);
            let value = fold(&order, &weight).remove("f").map_or("-".to_owned(), |w| w.value.to_string());
            assert_eq!(value, expected, "{facts:?}");
        }
    }

    #[test]
    fn grade_beats_priority_beats_time_in_any_order_of_arrival() {
        check(&[fact(Op::Set, "1", 10, 1), fact(Op::Set, "2", 20, 1)], "2");
        check(&[fact(Op::Set, "1", 10, 8), fact(Op::Set, "2", 20, 1)], "1");
        check(&[fact(Op::Set, "1", 10, 8), fact(Op::Set, "2", 5, 9), fact(Op::Set, "3", 30, 1)], "2");
    }

    #[test]
    fn operations_build_on_the_value_that_won_and_only_if_later() {
        check(&[fact(Op::Increment, "5", 10, 1), fact(Op::Increment, "0.1", 11, 1)], "5.1");
        check(
            &[fact(Op::Set, "100", 10, 1), fact(Op::Increment, "5", 5, 1), fact(Op::Increment, "7", 15, 1)],
            "107",
        );
        let hobbies = [fact(Op::Append, r#"["a","b"]"#, 10, 1), fact(Op::Append, r#"["b","c"]"#, 20, 1)];
        check(&hobbies, r#"["a","b","c"]"#);
        check(&[fact(Op::SetOnce, "1", 10, 1), fact(Op::SetOnce, "2", 20, 1)], "1");
        check(&[fact(Op::SetOnce, "1", 10, 1), fact(Op::Set, "3", 5, 1)], "3");
    }

    #[test]
    fn what_is_unset_or_deleted_stays_gone_until_something_later_comes() {
        check(&[fact(Op::Set, "1", 10, 1), fact(Op::Set, "", 20, 1)], "-");
        check(&[fact(Op::Set, "1", 30, 1), fact(Op::Set, "", 20, 1)], "1");
        check(&[fact(Op::Set, "1", 10, 1), fact(Op::DeleteAll, "", 20, 1)], "-");
        check(
            &[fact(Op::Set, "1", 10, 1), fact(Op::DeleteAll, "", 20, 1), fact(Op::SetOnce, "2", 25, 1)],
            "2",
        );
    }
}
