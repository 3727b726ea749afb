//! The record: what an event says, whichever SDK sent it.
//!
//! [`decode`] is pure and total: the same frame gives the same record or the same [`Reject`] for ever, so
//! a replay sees the ids and instants it saw the first time. It borrows from the frame wherever the text
//! needs no unescaping, and builds no JSON tree. It does not normalise identifiers, know tracking plans or
//! look anything up.

mod cloud_event;
mod moment;
mod segment;
mod sensors;

use std::borrow::Cow;

use kernel::limits::{
    EVENT_BYTES_MAX, IDENTIFIER_BYTES_MAX, JSON_DEPTH_MAX, MESSAGE_ID_CHARS_MAX, NAME_BYTES_MAX,
};
use kernel::{Instant, Key};

pub(crate) use moment::instant;

use super::frame::{Frame, Protocol};
use super::{raw, scan};

/// What an event does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Somebody did something.
    Track,
    /// Somebody saw a page.
    Page,
    /// Somebody saw a screen of an app.
    Screen,
    /// Somebody is described, and their identifiers are linked.
    Identify,
    /// Somebody belongs to a group.
    Group,
    /// Two identifiers are one person.
    Alias,
    /// 神策: operations on a profile.
    Profile,
    /// 神策: identifiers are linked.
    Bind,
    /// 神策: identifiers are detached.
    Unbind,
    /// 神策: an anonymous person logs in.
    Signup,
    /// 神策: something is said about a thing, not a person.
    Item,
}

/// An identifier as the sender wrote it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Identifier<'a> {
    /// `user_id`, `anonymous_id`, `email`, `mobile`, `device_id`, or what the sender calls it.
    pub kind: Cow<'a, str>,
    /// Its value, not normalised.
    pub value: Cow<'a, str>,
}

/// What happens to a field of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// It becomes the value; `null` too is a value.
    Set,
    /// It becomes the value unless it has one.
    SetOnce,
    /// The number is added.
    Increment,
    /// The list's items, or the one string, join the set.
    Append,
    /// It loses its value.
    Unset,
    /// All fields lose their values; the field is empty.
    DeleteAll,
}

/// One operation on one field of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraitChange<'a> {
    /// The field, as the sender calls it.
    pub field: Cow<'a, str>,
    /// What happens to it.
    pub op: Op,
    /// The operand as raw JSON.
    pub value: &'a str,
}

/// What one event says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// What it does.
    pub kind: Kind,
    /// What tells it from every other event of its source; the same when it is sent again.
    pub message_id: Cow<'a, str>,
    /// Its name on a timeline.
    pub event: Cow<'a, str>,
    /// When it happened by the receiver's clock. The digits below a millisecond are its position in the
    /// frame, at most 999, so that events of one millisecond keep their order.
    pub time: Instant,
    /// The person's identifiers in the order they were found, without repetition. Those to detach, if
    /// the kind is [`Kind::Unbind`].
    pub identifiers: Vec<Identifier<'a>>,
    /// Whom an unbind speaks of, if not one of the identifiers to detach.
    pub subject: Option<Identifier<'a>>,
    /// What changes in the person's profile, in order.
    pub traits: Vec<TraitChange<'a>>,
    /// A raw JSON object: the properties, or a group's traits, which are not the person's.
    pub properties: Option<&'a str>,
    /// A raw JSON object; owned only if a batch's context had to be merged in.
    pub context: Option<Cow<'a, str>>,
    /// The group the event belongs to.
    pub group_id: Option<Cow<'a, str>>,
}

/// The class of a [`Reject`], by which the quarantine is sorted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// It is not JSON.
    Parse,
    /// A field is missing or has the wrong type or value.
    Schema,
    /// Something is too large, too long or too deep.
    Size,
    /// Its time is unreadable or out of bounds.
    Time,
}

impl Class {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Schema => "schema",
            Self::Size => "size",
            Self::Time => "time",
        }
    }
}

/// Why an event is no record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Reject {
    /// Its class.
    pub class: Class,
    /// What is wrong, for a person. Repeats no values but those of `type` and times.
    pub reason: String,
    /// Path of the offending field; `None` for the event as a whole.
    pub field: Option<Cow<'static, str>>,
}

impl Reject {
    fn whole(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), field: None }
    }

    fn field(class: Class, field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), field: Some(field.into()) }
    }

    fn missing(field: &'static str) -> Self {
        Self::field(Class::Schema, field, format!("`{field}` is missing"))
    }

    fn wrong_type(field: &'static str, raw: &str, expected: &str) -> Self {
        Self::field(Class::Schema, field, format!("`{field}` is {}, not {expected}", raw::kind(raw)))
    }
}

/// What the event at `index` of a frame says.
///
/// # Errors
/// A [`Reject`] that says what is wrong with the event; the other events of the frame are not affected.
pub fn decode<'a>(frame: &Frame<'a>, index: usize) -> Result<Record<'a>, Reject> {
    let Some(&bytes) = frame.events.get(index) else {
        return Err(Reject::whole(Class::Parse, "the frame has no such event"));
    };
    if bytes.len() > EVENT_BYTES_MAX {
        let reason = format!("the event has {} bytes; {EVENT_BYTES_MAX} are allowed", bytes.len());
        return Err(Reject::whole(Class::Size, reason));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        Reject::whole(Class::Parse, format!("the event is not UTF-8 from byte {}", e.valid_up_to()))
    })?;
    let texture = scan::texture(bytes);
    if texture.depth > JSON_DEPTH_MAX {
        let reason = format!("the event nests {} levels deep; {JSON_DEPTH_MAX} are allowed", texture.depth);
        return Err(Reject::whole(Class::Size, reason));
    }
    if texture.has_lone_surrogate {
        return Err(Reject::whole(Class::Parse, "a `\\u` escape names half a character"));
    }
    let position = Position { frame, index: frame.first as usize + index };
    match frame.protocol {
        Protocol::Segment => segment::decode(position, text),
        Protocol::Own if cloud_event::is_one(text) => cloud_event::decode(position, text),
        Protocol::Own => segment::decode(position, text),
        Protocol::Sensors => sensors::decode(position, text),
        Protocol::Command => Err(Reject::whole(Class::Schema, "a command is not an event")),
    }
}

/// Where an event lay when it landed; what its protocol's reader needs besides its text.
#[derive(Clone, Copy)]
struct Position<'f, 'a> {
    frame: &'f Frame<'a>,
    index: usize,
}

impl Position<'_, '_> {
    /// The message id of an event that has none of its own: the same whenever the frame is replayed.
    fn message_id(self) -> String {
        message_id_of(&[&self.frame.receipt, &(self.index as u64).to_le_bytes()])
    }
}

/// A UUID-like text from a hash of `parts`. Not keyed: it names events, not people, and must not change
/// when a workspace's secret does.
fn message_id_of(parts: &[&[u8]]) -> String {
    let Key(b) = Key::of(&[0; 32], parts);
    let part = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    format!("{}-{}-{}-{}-{}", part(&b[..4]), part(&b[4..6]), part(&b[6..8]), part(&b[8..10]), part(&b[10..]))
}

/// Whether the text opens like an object; anything else is refused with the words a person needs.
fn unparsable(text: &str, error: &serde_json::Error) -> Reject {
    match text.trim_start().starts_with('{') {
        true => Reject::whole(Class::Parse, format!("the event is not valid JSON: {error}")),
        false => Reject::whole(Class::Parse, "an event must be a JSON object"),
    }
}

/// A field that must be a string, if it is there. `null` and `""` are absent.
fn string<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Reject> {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return Ok(None) };
    let text = raw::string(raw).ok_or_else(|| Reject::wrong_type(field, raw, "a string"))?;
    Ok((!text.is_empty()).then_some(text))
}

/// A field that names something: a string, or a number, whose text counts. `null` and `""` are absent.
fn label<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Reject> {
    match raw {
        Some(raw) if raw::is_number(raw) => Ok(Some(Cow::Borrowed(raw))),
        _ => string(field, raw),
    }
}

/// A [`label`] that identifies somebody.
fn identifier_value<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Reject> {
    let value = label(field, raw)?;
    match &value {
        Some(text) => check_identifier(field, text).map(|()| value),
        None => Ok(None),
    }
}

fn check_identifier(field: &'static str, text: &str) -> Result<(), Reject> {
    if text.len() > IDENTIFIER_BYTES_MAX {
        let reason = format!("`{field}` has {} bytes; {IDENTIFIER_BYTES_MAX} are allowed", text.len());
        return Err(Reject::field(Class::Size, field, reason));
    }
    if text.contains('\0') {
        return Err(Reject::field(Class::Schema, field, format!("`{field}` contains a NUL character")));
    }
    Ok(())
}

/// The name of an event, a page or a screen.
fn name<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Reject> {
    let name = string(field, raw)?;
    match name.as_ref().map(|name| name.len()) {
        Some(bytes) if bytes > NAME_BYTES_MAX => {
            let reason = format!("`{field}` has {bytes} bytes; {NAME_BYTES_MAX} are allowed");
            Err(Reject::field(Class::Size, field, reason))
        }
        _ => Ok(name),
    }
}

/// A message id, if the sender gave one.
fn message_id<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Reject> {
    let id = label(field, raw)?;
    match id.as_ref().map(|id| id.chars().count()) {
        Some(chars) if chars > MESSAGE_ID_CHARS_MAX => {
            let reason = format!("`{field}` has {chars} characters; {MESSAGE_ID_CHARS_MAX} are allowed");
            Err(Reject::field(Class::Size, field, reason))
        }
        _ => Ok(id),
    }
}

/// A field that must be an object, if it is there.
fn object<'a>(field: &'static str, raw: Option<&'a str>) -> Result<Option<&'a str>, Reject> {
    match raw {
        None | Some("null") => Ok(None),
        Some(raw) if raw::is_object(raw) => Ok(Some(raw)),
        Some(raw) => Err(Reject::wrong_type(field, raw, "an object")),
    }
}

/// A list of identifiers without repetition.
#[derive(Default)]
struct Identifiers<'a>(Vec<Identifier<'a>>);

impl<'a> Identifiers<'a> {
    fn add(&mut self, kind: impl Into<Cow<'a, str>>, value: Cow<'a, str>) {
        let identifier = Identifier { kind: kind.into(), value };
        if !self.0.contains(&identifier) {
            self.0.push(identifier);
        }
    }

    fn add_some(&mut self, kind: impl Into<Cow<'a, str>>, value: Option<Cow<'a, str>>) {
        if let Some(value) = value {
            self.add(kind, value);
        }
    }
}

/// How many identifiers one event may carry. A hostile list must not cost a quadratic comparison, and no
/// person has so many.
const IDENTIFIERS_MAX: usize = 64;

#[cfg(test)]
mod tests;
