//! CloudEvents 1.0 in structured form: `id` is the message id, `type` the name, `data` the properties,
//! and the person is the extension `userid` or `anonymousid`, or else the `subject`.

use std::borrow::Cow;

use super::moment::{self, Claim};
use super::{Identifiers, Kind, Position, Record, Reject};
use crate::rules::raw;

#[derive(Default)]
struct Envelope<'a> {
    specversion: Option<&'a str>,
    id: Option<&'a str>,
    source: Option<&'a str>,
    kind: Option<&'a str>,
    subject: Option<&'a str>,
    time: Option<&'a str>,
    data: Option<&'a str>,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
}

/// Whether a text has the one member that every CloudEvent has and no message of Segment's shape.
pub(super) fn is_one(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"\"specversion\"").is_some()
        && read(text).is_ok_and(|envelope| envelope.specversion.is_some())
}

fn read(text: &str) -> Result<Envelope<'_>, serde_json::Error> {
    let mut envelope = Envelope::default();
    raw::members(text, |key, value| {
        let place = match &*key {
            "specversion" => &mut envelope.specversion,
            "id" => &mut envelope.id,
            "source" => &mut envelope.source,
            "type" => &mut envelope.kind,
            "subject" => &mut envelope.subject,
            "time" => &mut envelope.time,
            "data" => &mut envelope.data,
            "userid" => &mut envelope.user_id,
            "anonymousid" => &mut envelope.anonymous_id,
            _ => return,
        };
        *place = Some(value);
    })?;
    Ok(envelope)
}

pub(super) fn decode<'a>(position: Position<'_, 'a>, text: &'a str) -> Result<Record<'a>, Reject> {
    let envelope = read(text).map_err(|error| super::unparsable(text, &error))?;
    if super::string("specversion", envelope.specversion)?.as_deref() != Some("1.0") {
        let reason = "`specversion` is not `1.0`";
        return Err(Reject::field(super::Class::Schema, "specversion", reason));
    }
    super::string("source", envelope.source)?.ok_or_else(|| Reject::missing("source"))?;
    let message_id = super::message_id("id", envelope.id)?.ok_or_else(|| Reject::missing("id"))?;
    let event = super::name("type", envelope.kind)?.ok_or_else(|| Reject::missing("type"))?;
    let user_id = super::identifier_value("userid", envelope.user_id)?;
    let anonymous_id = super::identifier_value("anonymousid", envelope.anonymous_id)?;
    let subject = super::identifier_value("subject", envelope.subject)?;
    let mut found = Identifiers::default();
    if user_id.is_none() && anonymous_id.is_none() {
        found.add("user_id", subject.ok_or_else(|| Reject::missing("subject"))?);
    }
    found.add_some("user_id", user_id);
    found.add_some("anonymous_id", anonymous_id);
    let at = moment::field("time", envelope.time)?;
    let claim =
        Claim { field: "time", at, sent_at: position.frame.sent_at, is_import: position.frame.is_import };
    Ok(Record {
        kind: Kind::Track,
        message_id,
        event,
        time: moment::settle(position, claim)?,
        identifiers: found.0,
        subject: None,
        traits: Vec::new(),
        properties: super::object("data", envelope.data)?,
        context: position.frame.shared.and_then(shared_context).map(Cow::Borrowed),
        group_id: None,
    })
}

fn shared_context(shared: &str) -> Option<&str> {
    let mut context = None;
    raw::members(shared, |key, value| {
        if key == "context" && raw::is_object(value) {
            context = Some(value);
        }
    })
    .ok()?;
    context
}
