//! Segment's message shape, which RudderStack's SDKs and our own endpoint share.

use std::borrow::Cow;

use super::moment::{self, Claim};
use super::{IDENTIFIERS_MAX, Identifiers, Kind, Op, Position, Record, Reject, TraitChange};
use crate::rules::raw;

/// The members of a message that mean something here, still raw.
#[derive(Default)]
struct Message<'a> {
    kind: Option<&'a str>,
    message_id: Option<&'a str>,
    event: Option<&'a str>,
    name: Option<&'a str>,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    previous_id: Option<&'a str>,
    group_id: Option<&'a str>,
    timestamp: Option<&'a str>,
    original_timestamp: Option<&'a str>,
    sent_at: Option<&'a str>,
    traits: Option<&'a str>,
    properties: Option<&'a str>,
    context: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        raw::members(text, |key, value| {
            let place = match &*key {
                "type" => &mut message.kind,
                "messageId" => &mut message.message_id,
                "event" => &mut message.event,
                "name" => &mut message.name,
                "userId" => &mut message.user_id,
                "anonymousId" => &mut message.anonymous_id,
                "previousId" => &mut message.previous_id,
                "groupId" => &mut message.group_id,
                "timestamp" => &mut message.timestamp,
                "originalTimestamp" => &mut message.original_timestamp,
                "sentAt" => &mut message.sent_at,
                "traits" => &mut message.traits,
                "properties" => &mut message.properties,
                "context" => &mut message.context,
                _ => return,
            };
            *place = Some(value);
        })?;
        Ok(message)
    }
}

pub(super) fn decode<'a>(position: Position<'_, 'a>, text: &'a str) -> Result<Record<'a>, Reject> {
    let message = Message::read(text).map_err(|error| super::unparsable(text, &error))?;
    let shared = position.frame.shared.and_then(|text| Message::read(text).ok()).unwrap_or_default();
    let kind = kind(message.kind.filter(|kind| *kind != "null").or(shared.kind))?;
    let message_id = super::message_id("messageId", message.message_id)?;
    let context = object_pair(message.context, shared.context)?;
    let (traits, properties) =
        (super::object("traits", message.traits)?, super::object("properties", message.properties)?);
    let about = About::read(context);
    let person_traits = if kind == Kind::Identify { traits } else { None };
    let time = time(position, &message)?;
    let event = event(kind, &message)?;
    let group_id = super::identifier_value("groupId", message.group_id)?;
    if kind == Kind::Group && group_id.is_none() {
        return Err(Reject::missing("groupId"));
    }
    Ok(Record {
        kind,
        message_id: message_id.unwrap_or_else(|| Cow::Owned(position.message_id())),
        event,
        time,
        identifiers: identifiers(kind, &message, person_traits, &about)?,
        subject: None,
        traits: match kind {
            Kind::Identify => trait_changes([person_traits, about.traits]),
            _ => Vec::new(),
        },
        properties: if kind == Kind::Group { traits } else { properties },
        context: merged(context),
        group_id: group_id.or_else(|| loose(about.group_id)),
    })
}

fn kind(raw: Option<&str>) -> Result<Kind, Reject> {
    let text = super::string("type", raw)?.ok_or_else(|| Reject::missing("type"))?;
    Ok(match &*text {
        "track" => Kind::Track,
        "page" => Kind::Page,
        "screen" => Kind::Screen,
        "identify" => Kind::Identify,
        "group" => Kind::Group,
        "alias" => Kind::Alias,
        other => {
            let shown: String = other.chars().take(40).collect();
            let known = "track, page, screen, identify, group, alias";
            let reason = format!("`type` is `{shown}`, not one of {known}");
            return Err(Reject::field(super::Class::Schema, "type", reason));
        }
    })
}

fn event<'a>(kind: Kind, message: &Message<'a>) -> Result<Cow<'a, str>, Reject> {
    match kind {
        Kind::Track => super::name("event", message.event)?.ok_or_else(|| Reject::missing("event")),
        Kind::Page => Ok(super::name("name", message.name)?.unwrap_or(Cow::Borrowed("Page"))),
        Kind::Screen => Ok(super::name("name", message.name)?.unwrap_or(Cow::Borrowed("Screen"))),
        Kind::Identify => Ok(Cow::Borrowed("Identify")),
        Kind::Group => Ok(Cow::Borrowed("Group")),
        _ => Ok(Cow::Borrowed("Alias")),
    }
}

fn time(position: Position<'_, '_>, message: &Message<'_>) -> Result<kernel::Instant, Reject> {
    let (field, at) = match moment::field("timestamp", message.timestamp)? {
        Some(at) => ("timestamp", Some(at)),
        None => ("originalTimestamp", moment::field("originalTimestamp", message.original_timestamp)?),
    };
    // A sender's broken clock is a reason to correct nothing, not to lose the event.
    let sent_at = position.frame.sent_at.or_else(|| message.sent_at.and_then(moment::instant));
    moment::settle(position, Claim { field, at, sent_at, is_import: position.frame.is_import })
}

/// The event's context and the batch's, both checked.
fn object_pair<'a>(own: Option<&'a str>, shared: Option<&'a str>) -> Result<[Option<&'a str>; 2], Reject> {
    Ok([super::object("context", own)?, super::object("context", shared)?])
}

/// What a context says about the person. It is written by SDKs and free in form, so what has an
/// unexpected type is passed over.
#[derive(Default)]
struct About<'a> {
    device: Option<&'a str>,
    external_ids: Option<&'a str>,
    traits: Option<&'a str>,
    group_id: Option<&'a str>,
}

impl<'a> About<'a> {
    /// The batch's context first, so that the event's own members replace its.
    fn read([own, shared]: [Option<&'a str>; 2]) -> Self {
        let mut about = Self::default();
        for context in [shared, own].into_iter().flatten() {
            let _ = raw::members(context, |key, value| {
                let place = match &*key {
                    "device" => &mut about.device,
                    "externalIds" => &mut about.external_ids,
                    "traits" => &mut about.traits,
                    "groupId" => &mut about.group_id,
                    _ => return,
                };
                *place = Some(value);
            });
        }
        about.traits = about.traits.filter(|traits| raw::is_object(traits));
        about
    }
}

fn identifiers<'a>(
    kind: Kind,
    message: &Message<'a>,
    traits: Option<&'a str>,
    about: &About<'a>,
) -> Result<Vec<super::Identifier<'a>>, Reject> {
    let user_id = super::identifier_value("userId", message.user_id)?;
    let anonymous_id = super::identifier_value("anonymousId", message.anonymous_id)?;
    let mut found = Identifiers::default();
    found.add_some("user_id", user_id);
    found.add_some("anonymous_id", anonymous_id);
    if kind == Kind::Alias {
        found.add_some("anonymous_id", super::identifier_value("previousId", message.previous_id)?);
    }
    let (first, second) = (Contact::read(traits), Contact::read(about.traits));
    found.add_some("email", first.email.or(second.email));
    let (phone, mobile) = match first.phone.is_some() || first.mobile.is_some() {
        true => (first.phone, first.mobile),
        false => (second.phone, second.mobile),
    };
    found.add_some("mobile", phone);
    found.add_some("mobile", mobile);
    found.add_some("device_id", device_id(about.device));
    external_ids(about.external_ids, &mut found);
    if found.0.is_empty() {
        let reason = "there is neither `userId` nor `anonymousId`, nor another identifier";
        return Err(Reject::field(super::Class::Schema, "userId", reason));
    }
    Ok(found.0)
}

/// The traits that also identify.
#[derive(Default)]
struct Contact<'a> {
    email: Option<Cow<'a, str>>,
    phone: Option<Cow<'a, str>>,
    mobile: Option<Cow<'a, str>>,
}

impl<'a> Contact<'a> {
    fn read(traits: Option<&'a str>) -> Self {
        let mut contact = Self::default();
        let _ = raw::members(traits.unwrap_or("{}"), |key, value| match &*key {
            "email" => contact.email = loose(Some(value)),
            "phone" => contact.phone = loose(Some(value)),
            "mobile" => contact.mobile = loose(Some(value)),
            _ => {}
        });
        contact
    }
}

fn device_id(device: Option<&str>) -> Option<Cow<'_, str>> {
    let mut id = None;
    let _ = raw::members(device.filter(|device| raw::is_object(device))?, |key, value| {
        if key == "id" {
            id = Some(value);
        }
    });
    loose(id)
}

fn external_ids<'a>(list: Option<&'a str>, found: &mut Identifiers<'a>) {
    let _ = raw::elements(list.unwrap_or("[]"), |item| {
        let (mut id, mut kind) = (None, None);
        let _ = raw::members(item, |key, value| match &*key {
            "id" => id = Some(value),
            "type" => kind = Some(value),
            _ => {}
        });
        if let (Some(id), Some(kind)) = (loose(id), kind.and_then(raw::string))
            && !kind.is_empty()
            && found.0.len() < IDENTIFIERS_MAX
        {
            found.add(kind, id);
        }
    });
}

/// A label in a place free in form: absent if it is nothing that could identify.
fn loose(raw: Option<&str>) -> Option<Cow<'_, str>> {
    super::identifier_value("", raw).ok().flatten()
}

/// Traits as operations; a field's first source wins.
fn trait_changes<'a>(sources: [Option<&'a str>; 2]) -> Vec<TraitChange<'a>> {
    let set = |(field, value)| TraitChange { field, op: Op::Set, value };
    let [own, context] = sources.map(|source| raw::distinct(source.unwrap_or("{}")).unwrap_or_default());
    if own.is_empty() {
        return context.into_iter().map(set).collect();
    }
    let known: hashbrown::HashSet<_> = match context.is_empty() {
        true => hashbrown::HashSet::new(),
        false => own.iter().map(|(field, _)| field.clone()).collect(),
    };
    let rest = context.into_iter().filter(|(field, _)| !known.contains(field));
    own.into_iter().chain(rest).map(set).collect()
}

/// One context from the event's and the batch's; a member of the event's wins as a whole.
fn merged<'a>([own, shared]: [Option<&'a str>; 2]) -> Option<Cow<'a, str>> {
    let (own, shared) = match (own, shared) {
        (Some(own), Some(shared)) => (own, shared),
        (one, other) => return one.or(other).map(Cow::Borrowed),
    };
    let (Ok(mut members), Ok(rest)) = (raw::distinct(own), raw::distinct(shared)) else {
        return Some(Cow::Borrowed(own));
    };
    let known: hashbrown::HashSet<_> = members.iter().map(|(key, _)| key.clone()).collect();
    members.extend(rest.into_iter().filter(|(key, _)| !known.contains(key)));
    let mut out = String::with_capacity(own.len() + shared.len());
    for (key, value) in members {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&serde_json::Value::from(key).to_string());
        out.push(':');
        out.push_str(value);
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    Some(Cow::Owned(out))
}
