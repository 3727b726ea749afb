//! 神策's records.
//!
//! Their identity rules in the order they are tried: `identities` says all there is to say; without it
//! `distinct_id` is a login id if the record says so, `"<key>+<value>"` names its own kind, and anything
//! else is anonymous.

use std::borrow::Cow;

use super::moment::{self, Claim};
use super::{
    Class, IDENTIFIERS_MAX, Identifier, Identifiers, Kind, Op, Position, Record, Reject, TraitChange,
};
use crate::rules::raw;

const LOGIN: &str = "$identity_login_id";
const ANONYMOUS: &str = "$identity_anonymous_id";
/// A mark the SDKs put among the properties; it is about the record, not about the person.
const IS_LOGIN: &str = "$is_login_id";

#[derive(Default)]
struct Message<'a> {
    kind: Option<&'a str>,
    event: Option<&'a str>,
    time: Option<&'a str>,
    time_free: Option<&'a str>,
    distinct_id: Option<&'a str>,
    login_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    original_id: Option<&'a str>,
    identities: Option<&'a str>,
    properties: Option<&'a str>,
    track_id: Option<&'a str>,
    item_type: Option<&'a str>,
    item_id: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        raw::members(text, |key, value| {
            let place = match &*key {
                "type" => &mut message.kind,
                "event" => &mut message.event,
                "time" => &mut message.time,
                "time_free" => &mut message.time_free,
                "distinct_id" => &mut message.distinct_id,
                "login_id" => &mut message.login_id,
                "anonymous_id" => &mut message.anonymous_id,
                "original_id" => &mut message.original_id,
                "identities" => &mut message.identities,
                "properties" => &mut message.properties,
                "_track_id" => &mut message.track_id,
                "item_type" => &mut message.item_type,
                "item_id" => &mut message.item_id,
                _ => return,
            };
            *place = Some(value);
        })?;
        Ok(message)
    }

    /// What tells the record from others: 神策's own rule. Without `_track_id`, which the server SDKs do
    /// not send, the properties belong to it: they write several records of one type for one person
    /// within a millisecond, and those are different facts.
    fn message_id(&self) -> String {
        let content = if self.track_id.is_none() { self.properties } else { None };
        let parts = [
            self.distinct_id,
            self.time,
            self.kind,
            self.event,
            self.track_id,
            self.item_type,
            self.item_id,
            content,
            if self.track_id.is_none() { self.identities } else { None },
        ];
        super::message_id_of(&parts.map(|part| part.unwrap_or_default().as_bytes()))
    }
}

pub(super) fn decode<'a>(position: Position<'_, 'a>, text: &'a str) -> Result<Record<'a>, Reject> {
    let message = Message::read(text).map_err(|error| super::unparsable(text, &error))?;
    let kind_text = super::string("type", message.kind)?.ok_or_else(|| Reject::missing("type"))?;
    let (kind, op, default_event) = kind(&kind_text)?;
    let event = match kind {
        Kind::Track => super::name("event", message.event)?.ok_or_else(|| Reject::missing("event"))?,
        Kind::Profile | Kind::Item => Cow::Borrowed(default_event),
        _ => super::name("event", message.event)?.unwrap_or(Cow::Borrowed(default_event)),
    };
    let properties = super::object("properties", message.properties)?;
    let is_import = position.frame.is_import || message.time_free == Some("true");
    let at = moment::field("time", message.time)?;
    let time = moment::settle(position, Claim { field: "time", at, sent_at: None, is_import })?;
    let who = match kind {
        Kind::Item => Who::thing(&message)?,
        _ => Who::person(kind, &message, properties)?,
    };
    let message_id = match message.time {
        None | Some("null" | "\"\"") => position.message_id(),
        Some(_) => message.message_id(),
    };
    Ok(Record {
        kind,
        message_id: Cow::Owned(message_id),
        event,
        time,
        identifiers: who.identifiers,
        subject: who.subject,
        traits: op.map_or(Ok(Vec::new()), |op| trait_changes(op, properties))?,
        properties,
        context: None,
        group_id: None,
    })
}

/// The kind of a type, its operation if it is one on profiles, and its name where the record has none.
fn kind(text: &str) -> Result<(Kind, Option<Op>, &'static str), Reject> {
    Ok(match text {
        "track" => (Kind::Track, None, ""),
        "track_signup" => (Kind::Signup, None, "$SignUp"),
        "track_id_bind" => (Kind::Bind, None, "$BindID"),
        "track_id_unbind" => (Kind::Unbind, None, "$UnbindID"),
        "profile_set" => (Kind::Profile, Some(Op::Set), "profile_set"),
        "profile_set_once" => (Kind::Profile, Some(Op::SetOnce), "profile_set_once"),
        "profile_increment" => (Kind::Profile, Some(Op::Increment), "profile_increment"),
        "profile_append" => (Kind::Profile, Some(Op::Append), "profile_append"),
        "profile_unset" => (Kind::Profile, Some(Op::Unset), "profile_unset"),
        "profile_delete" => (Kind::Profile, Some(Op::DeleteAll), "profile_delete"),
        "item_set" => (Kind::Item, None, "item_set"),
        "item_delete" => (Kind::Item, None, "item_delete"),
        other => {
            let shown: String = other.chars().take(40).collect();
            let known = "track, track_signup, track_id_bind, track_id_unbind, profile_*, item_*";
            let reason = format!("`type` is `{shown}`, not one of {known}");
            return Err(Reject::field(Class::Schema, "type", reason));
        }
    })
}

/// Whom or what a record is about.
struct Who<'a> {
    identifiers: Vec<Identifier<'a>>,
    subject: Option<Identifier<'a>>,
}

impl<'a> Who<'a> {
    fn thing(message: &Message<'a>) -> Result<Self, Reject> {
        super::name("item_type", message.item_type)?.ok_or_else(|| Reject::missing("item_type"))?;
        let id = super::string("item_id", message.item_id)?.ok_or_else(|| Reject::missing("item_id"))?;
        super::check_identifier("item_id", &id)?;
        Ok(Self { identifiers: Vec::new(), subject: None })
    }

    fn person(kind: Kind, message: &Message<'a>, properties: Option<&'a str>) -> Result<Self, Reject> {
        let mut found = Identifiers::default();
        identities(message.identities, &mut found)?;
        let distinct_id = super::identifier_value("distinct_id", message.distinct_id)?;
        let login_id = super::identifier_value("login_id", message.login_id)?;
        let is_login = kind == Kind::Signup
            || is_marked_login(properties)
            || (login_id.is_some() && login_id == distinct_id);
        let subject = distinct_id.map(|id| identified(id, if is_login { LOGIN } else { ANONYMOUS }));
        if !found.0.is_empty() {
            // A bare id on an unbind may be a login id or not, and the record does not say: a guess would
            // make somebody up.
            let is_apart = |subject: &Identifier<'_>| {
                kind == Kind::Unbind && subject.kind != ANONYMOUS && !found.0.contains(subject)
            };
            return Ok(Self { subject: subject.filter(is_apart), identifiers: found.0 });
        }
        if kind == Kind::Unbind {
            return Err(Reject::missing("identities"));
        }
        let rest = [
            login_id.map(|id| identified(id, LOGIN)),
            super::identifier_value("anonymous_id", message.anonymous_id)?
                .map(|id| identified(id, ANONYMOUS)),
            super::identifier_value("original_id", message.original_id)?.map(|id| identified(id, ANONYMOUS)),
        ];
        for identifier in [subject].into_iter().chain(rest).flatten() {
            found.add(identifier.kind, identifier.value);
        }
        match found.0.is_empty() {
            true => Err(Reject::missing("distinct_id")),
            false => Ok(Self { identifiers: found.0, subject: None }),
        }
    }
}

/// Every key of `identities`, in order.
fn identities<'a>(raw: Option<&'a str>, found: &mut Identifiers<'a>) -> Result<(), Reject> {
    let Some(raw) = super::object("identities", raw)? else { return Ok(()) };
    let list = raw::distinct(raw).map_err(|error| super::unparsable(raw, &error))?;
    if list.len() > IDENTIFIERS_MAX {
        let reason = format!("`identities` has {} keys; {IDENTIFIERS_MAX} are allowed", list.len());
        return Err(Reject::field(Class::Size, "identities", reason));
    }
    for (kind, value) in list {
        if let Some(value) = super::identifier_value("identities", Some(value))? {
            found.add(kind, value);
        }
    }
    Ok(())
}

fn is_marked_login(properties: Option<&str>) -> bool {
    let Some(properties) = properties else { return false };
    if memchr::memmem::find(properties.as_bytes(), IS_LOGIN.as_bytes()).is_none() {
        return false;
    }
    let mut is_marked = false;
    let _ = raw::members(properties, |key, value| {
        if key == IS_LOGIN {
            is_marked = value == "true";
        }
    });
    is_marked
}

/// `"<key>+<value>"` taken apart, or an identifier of the kind given. Keys begin with `$`: an e-mail
/// address or telephone number with a plus is a value.
fn identified<'a>(id: Cow<'a, str>, kind: &'static str) -> Identifier<'a> {
    let split = match id.split_once('+') {
        Some((key, value)) if is_key(key) && !value.is_empty() => Some(key.len()),
        _ => None,
    };
    match (split, id) {
        (None, value) => Identifier { kind: Cow::Borrowed(kind), value },
        (Some(at), Cow::Borrowed(id)) => {
            Identifier { kind: Cow::Borrowed(&id[..at]), value: Cow::Borrowed(&id[at + 1..]) }
        }
        (Some(at), Cow::Owned(id)) => {
            Identifier { kind: Cow::Owned(id[..at].to_owned()), value: Cow::Owned(id[at + 1..].to_owned()) }
        }
    }
}

fn is_key(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn trait_changes<'a>(op: Op, properties: Option<&'a str>) -> Result<Vec<TraitChange<'a>>, Reject> {
    if op == Op::DeleteAll {
        return Ok(vec![TraitChange { field: Cow::Borrowed(""), op, value: "null" }]);
    }
    let properties = properties.ok_or_else(|| Reject::missing("properties"))?;
    let list = raw::distinct(properties).map_err(|error| super::unparsable(properties, &error))?;
    let mut changes = Vec::with_capacity(list.len());
    for (field, value) in list {
        if field == IS_LOGIN {
            continue;
        }
        let is_fit = match op {
            Op::Increment => raw::is_number(value),
            Op::Append => value.starts_with(['[', '"']),
            _ => true,
        };
        if !is_fit {
            let expected = if op == Op::Increment { "a number" } else { "a list of strings" };
            let reason = format!("`properties.{field}` is {}, not {expected}", raw::kind(value));
            return Err(Reject::field(Class::Schema, format!("properties.{field}"), reason));
        }
        changes.push(TraitChange { field, op, value });
    }
    Ok(changes)
}
