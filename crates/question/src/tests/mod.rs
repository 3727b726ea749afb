//! Tests of what every kind of question shares; `naive` has a plain answer for each kind.

mod breakdown;
mod closures;
mod conditions;
pub(crate) mod naive;
mod visits;

use roaring::RoaringBitmap;

use crate::partial::{Part, Partial};
use crate::{Ask, Question};

fn partial(seed: i64) -> Partial {
    let mut partial = Partial::default();
    for place in 0..seed {
        let group = partial.group(&[
            Part::Number(-place),
            Part::Text(format!("t{}", place % 2).into()),
            Part::Missing,
        ]);
        group.add(2, i128::from(seed) << 70);
        group.add(0, -1);
        group.note(seed as u32);
    }
    partial.table.push(9 - seed as u32, &[i128::from(seed), -5]);
    partial
}

#[test]
fn partials_merge_in_any_order_to_the_same_bytes_and_read_back() {
    let mut one = partial(3);
    one.merge(partial(5));
    one.merge(Partial::default());
    let mut other = partial(5);
    other.merge(partial(3));
    assert_eq!(one.to_bytes(), other.to_bytes());
    let read = Partial::from_bytes(&one.to_bytes()).unwrap();
    assert_eq!(read.groups, one.groups);
    assert_eq!(read.to_bytes(), one.to_bytes());
    let people: RoaringBitmap = [3, 5].into_iter().collect();
    assert_eq!(read.groups.values().next().unwrap().people, Some([5].into_iter().collect()));
    assert_eq!(read.groups.values().last().unwrap().people, Some(people));
    for end in 0..one.to_bytes().len() {
        assert!(Partial::from_bytes(&one.to_bytes()[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_question_reads_what_it_wrote_and_refuses_what_it_does_not_know() {
    let ask: Ask = serde_json::from_str(r#"{"members":{"event":"a","op":"gte","value":1}}"#).unwrap();
    let question = Question::new(kernel::Instant(1), "UTC", ask);
    assert_eq!(Question::parse(&question.to_json()).unwrap(), question);
    for wrong in [
        r#"{"as_of":"today","ask":{"latest":{"party":1}}}"#,
        r#"{"as_of":"2026-01-01T00:00:00Z","ask":{"latest":{"party":1}},"x":1}"#,
        r#"{"as_of":"2026-01-01T00:00:00Z","ask":{"members":{"event":"a"}}}"#,
    ] {
        assert!(Question::parse(wrong).is_err(), "{wrong}");
    }
}
