//! What one record says about identifiers: normalised, mirrored, ordered, with what guards compare.

use std::sync::Arc;

use intake::rules::record::{Kind, Op, Record};
use intake::stages::members::each_member;
use kernel::{Instant, Key, time};

use crate::rules::normalise::{Refusal, normalise};
use crate::rules::{KindRef, Rules};
use crate::store::node::node_key;

/// Width of the buckets in which facts of changeable identifiers are kept. A recycled number is told
/// by a silence of months, so a month loses nothing; a shared tablet changes hands within the hour.
pub(super) const RECYCLED_BUCKET: i64 = 30 * time::DAY;
pub(super) const SOFT_BUCKET: i64 = time::HOUR;

/// An identifier on a record, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) key: Key,
    pub(super) rank: u16,
    pub(super) is_hard: bool,
    pub(super) bucket_micros: i64,
    pub(super) kind: Arc<str>,
    pub(super) value: String,
}

/// A record as identity sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sighting {
    /// Whose facts these are comes first. Each identifier once.
    pub(super) identifiers: Vec<Seen>,
    /// Identifiers to detach.
    pub(super) detached: Vec<Seen>,
    /// Of those, an identifier and its mirror, the better kind first: they stay one thing.
    pub(super) twins: Vec<[Seen; 2]>,
    /// What only one person would say: field and value.
    pub(super) claims: Vec<(&'static str, String)>,
    /// Where the person was, and in which minute: `minute|place`.
    pub(super) presence: Option<String>,
}

/// Reads a record.
///
/// # Errors
/// The kind of an identifier that is wrong, and why.
pub(super) fn sight(
    rules: &Rules,
    secret: &[u8; 32],
    record: &Record<'_>,
) -> Result<Sighting, (String, &'static str)> {
    let mut sighting = Sighting::default();
    let is_unbind = record.kind == Kind::Unbind;
    for identifier in &record.identifiers {
        let list = if is_unbind { &mut sighting.detached } else { &mut sighting.identifiers };
        add(rules, secret, &identifier.kind, &identifier.value, list)?;
    }
    if let Some(subject) = &record.subject {
        add(rules, secret, &subject.kind, &subject.value, &mut sighting.identifiers)?;
    }
    if is_unbind && sighting.identifiers.is_empty() {
        sighting.identifiers.extend(sighting.detached.first().cloned());
    }
    sighting.identifiers.sort_by_key(|seen| (seen.rank, seen.key));
    for pair in sighting.detached.windows(2) {
        if rules.mirror(&pair[0].kind) == Some(&*pair[1].kind) {
            let mut twins = [pair[0].clone(), pair[1].clone()];
            twins.sort_by_key(|seen| (seen.rank, seen.key));
            sighting.twins.push(twins);
        }
    }
    claims(record, &mut sighting.claims);
    sighting.presence = presence(record);
    Ok(sighting)
}

fn add(
    rules: &Rules,
    secret: &[u8; 32],
    kind: &str,
    raw: &str,
    list: &mut Vec<Seen>,
) -> Result<(), (String, &'static str)> {
    for kind in std::iter::once(kind).chain(rules.mirror(kind)) {
        let identifier = match normalise(rules, kind, raw) {
            Ok(identifier) => identifier,
            Err(Refusal::Blocked) => continue,
            Err(Refusal::Invalid(reason)) => return Err((kind.to_owned(), reason)),
        };
        let key = node_key(secret, identifier.kind, &identifier.value, 0);
        if list.iter().any(|seen| seen.key == key) {
            continue;
        }
        let rule = rules.kind(identifier.kind);
        list.push(Seen {
            key,
            rank: rule.rank,
            is_hard: rule.is_hard(),
            bucket_micros: bucket(&rule),
            kind: Arc::from(identifier.kind),
            value: identifier.value,
        });
    }
    Ok(())
}

fn bucket(kind: &KindRef<'_>) -> i64 {
    match (kind.is_hard(), kind.rule.can_change_hands) {
        (false, _) => SOFT_BUCKET,
        (true, true) => RECYCLED_BUCKET,
        (true, false) => 0,
    }
}

/// Name, year of birth and operator, as identify calls state them.
fn claims(record: &Record<'_>, out: &mut Vec<(&'static str, String)>) {
    let (mut first, mut last) = (None, None);
    for change in record.traits.iter().filter(|c| matches!(c.op, Op::Set | Op::SetOnce)) {
        let value = || text(change.value);
        match change.field.as_ref() {
            "name" | "$name" | "full_name" | "姓名" => out.extend(value().map(|v| ("name", v))),
            "firstName" | "first_name" => first = value(),
            "lastName" | "last_name" => last = value(),
            "birthday" | "birth_year" | "birthYear" | "$birthday" | "生日" | "出生年份" => {
                out.extend(value().and_then(|v| year(&v)).map(|v| ("birth_year", v)));
            }
            "operator" | "operator_id" => out.extend(value().map(|v| ("operator", v))),
            _ => {}
        }
    }
    if let (Some(first), Some(last)) = (first, last)
        && !out.iter().any(|(field, _)| *field == "name")
    {
        out.push(("name", format!("{first} {last}")));
    }
}

/// The text of a JSON string or number; nothing for the rest.
fn text(raw: &str) -> Option<String> {
    let value = match raw.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(raw).ok()?,
        b'0'..=b'9' => raw.to_owned(),
        _ => return None,
    };
    let value = value.trim();
    (!value.is_empty() && value.len() <= 200).then(|| value.to_owned())
}

fn year(text: &str) -> Option<String> {
    let year = text.get(..4)?;
    let is_year = year.bytes().all(|b| b.is_ascii_digit()) && ("1900".."2100").contains(&year);
    is_year.then(|| year.to_owned())
}

/// An event in a shop puts the person there in that minute.
fn presence(record: &Record<'_>) -> Option<String> {
    let (mut place, mut is_store) = (None, false);
    each_member(record.properties?, &mut |property, value| match property {
        "store_id" => place = text(value),
        "channel" => is_store = value == "\"store\"",
        _ => {}
    });
    let minute = |at: Instant| at.0.div_euclid(time::MINUTE);
    place.filter(|_| is_store).map(|place| format!("{}|{place}", minute(record.time)))
}
