//! Slicing: one pass over a JSON text that finds the events, and the few members the door needs.

use std::borrow::Cow;

use kernel::Instant;
use kernel::limits::BATCH_EVENTS_MAX;

use super::Unreadable;
use crate::rules::raw;
use crate::rules::record::instant;
use crate::rules::scan::Scanner;

/// What a text may look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// `{"batch":[…]}`, a list of events or one event: Segment and RudderStack.
    Batch,
    /// A list of records or one record: 神策.
    Records,
    /// Like [`Shape::Batch`], or one event a line: the own endpoint.
    Lines,
}

/// One event where it lies in the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Event<'a> {
    /// Its bytes, exactly as sent.
    pub raw: &'a [u8],
    /// A hash of `userId` or else `anonymousId` (or what the protocol has in their place); 0 without.
    pub person: u64,
    /// The raw value of its `writeKey` or `token`.
    key: Option<&'a [u8]>,
    /// The raw value of its `project`.
    project: Option<&'a [u8]>,
    /// Whether it has a `type`.
    has_type: bool,
}

impl<'a> Event<'a> {
    /// The write key or token it carries itself.
    pub fn key(&self) -> Option<Cow<'a, str>> {
        text(self.key?)
    }

    /// The 神策 project it names.
    pub fn project(&self) -> Option<Cow<'a, str>> {
        text(self.project?)
    }

    /// Whether it says itself what it is.
    pub fn has_type(&self) -> bool {
        self.has_type
    }
}

/// The events of one request and what its envelope says for all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch<'a> {
    /// In the order they were sent.
    pub events: Vec<Event<'a>>,
    /// Whether they came in an envelope or list, rather than one alone.
    pub is_batch: bool,
    /// The envelope's write key, or else the first event's.
    pub write_key: Option<Cow<'a, str>>,
    /// The envelope's `sentAt`, if it can be read.
    pub sent_at: Option<Instant>,
    /// The envelope's `context`, if it is an object.
    pub context: Option<&'a str>,
    /// The envelope's `integrations`, if it is an object.
    pub integrations: Option<&'a str>,
}

/// Finds the events of a JSON text.
///
/// # Errors
/// [`Unreadable`] if the text is not of this shape, or holds too many events.
pub fn slice(text: &[u8], shape: Shape) -> Result<Batch<'_>, Unreadable> {
    let document = document(text, shape);
    match document {
        Err(Unreadable::Malformed(_)) if shape == Shape::Lines => lines(text).unwrap_or(document),
        other => other,
    }
}

fn document(text: &[u8], shape: Shape) -> Result<Batch<'_>, Unreadable> {
    let mut scanner = Scanner::new(text);
    let mut batch = match scanner.peek() {
        Some(b'[') => Batch { events: list(&mut scanner)?, is_batch: true, ..Batch::default() },
        Some(b'{') => envelope(&mut scanner, shape)?,
        _ => return Err(Unreadable::Malformed("the body is not JSON")),
    };
    if scanner.peek().is_some() {
        return Err(Unreadable::Malformed("there is text after the end of the JSON document"));
    }
    if !batch.is_batch && !is_valid(batch.events[0].raw) {
        return Err(Unreadable::Malformed("the body is not valid JSON"));
    }
    if batch.write_key.is_none() {
        batch.write_key = batch.events.iter().find_map(Event::key);
    }
    Ok(batch)
}

/// Reads `{…}`, which is an envelope if it has a list named `batch` and an event otherwise.
fn envelope<'a>(scanner: &mut Scanner<'a>, shape: Shape) -> Result<Batch<'a>, Unreadable> {
    let broken = || Unreadable::Malformed("the body is not valid JSON, or is truncated");
    let mut batch = Batch::default();
    let mut whole = Event::default();
    let start = scanner.begin_object().ok_or_else(broken)?;
    while let Some(key) = scanner.next_key().ok_or_else(broken)? {
        if key == b"batch" && shape != Shape::Records && scanner.peek() == Some(b'[') {
            batch.is_batch = true;
            batch.events = list(scanner)?;
        } else {
            let value = scanner.value().ok_or_else(broken)?;
            match key {
                b"sentAt" => batch.sent_at = text_of(value).and_then(instant),
                b"context" => batch.context = text_of(value).filter(|v| raw::is_object(v)),
                b"integrations" => batch.integrations = text_of(value).filter(|v| raw::is_object(v)),
                _ => whole.note(key, value),
            }
        }
        scanner.end_member().ok_or_else(broken)?;
    }
    batch.write_key = whole.key();
    if !batch.is_batch {
        whole.raw = scanner.since(start);
        // One event keeps these to itself.
        batch = Batch { events: vec![whole], write_key: batch.write_key, ..Batch::default() };
    }
    Ok(batch)
}

fn list<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<Event<'a>>, Unreadable> {
    let broken = || Unreadable::Malformed("the list of events is not valid JSON, or is truncated");
    let mut events = Vec::new();
    scanner.pass(b'[').ok_or_else(broken)?;
    if scanner.pass(b']').is_some() {
        return Ok(events);
    }
    loop {
        if events.len() == BATCH_EVENTS_MAX {
            return Err(Unreadable::Events);
        }
        let mut event = Event::default();
        event.raw = scanner.element(|key, value| event.note(key, value)).ok_or_else(broken)?;
        events.push(event);
        if scanner.pass(b',').is_none() {
            scanner.pass(b']').ok_or_else(broken)?;
            return Ok(events);
        }
    }
}

/// One event a line. `None` if the text does not look like lines: then it is one broken document.
fn lines(text: &[u8]) -> Option<Result<Batch<'_>, Unreadable>> {
    let mut events = Vec::new();
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        if events.len() == BATCH_EVENTS_MAX {
            return Some(Err(Unreadable::Events));
        }
        events.push(Event::alone(line));
    }
    let is_whole = |event: &Event<'_>| event.raw.starts_with(b"{") && is_valid(event.raw);
    if events.len() < 2 || !events.iter().any(is_whole) {
        return None;
    }
    let write_key = events.iter().find_map(Event::key);
    Some(Ok(Batch { events, is_batch: true, write_key, ..Batch::default() }))
}

impl<'a> Event<'a> {
    /// An event that comes by itself: on a line of its own, or out of quarantine.
    pub(crate) fn alone(raw: &'a [u8]) -> Self {
        let mut event = Event { raw, ..Event::default() };
        Scanner::new(raw).element(|key, value| event.note(key, value));
        event
    }

    /// Remembers the members the door needs. The best name of a person wins whatever its place.
    fn note(&mut self, key: &[u8], value: &'a [u8]) {
        match key {
            b"userId" | b"distinct_id" | b"userid" => self.person = person(value).unwrap_or(self.person),
            b"anonymousId" | b"anonymousid" | b"subject" if self.person == 0 => {
                self.person = person(value).unwrap_or(0);
            }
            b"writeKey" | b"token" => self.key = Some(value),
            b"project" => self.project = Some(value),
            b"type" => self.has_type = true,
            _ => {}
        }
    }
}

/// FNV-1a of an identifier's text, never 0; `None` for null, `""` and what is no identifier. It only has
/// to be the same everywhere and for ever: the identity index uses a keyed hash.
fn person(value: &[u8]) -> Option<u64> {
    let text = match value {
        [b'"', inner @ .., b'"'] if !inner.is_empty() => inner,
        [b'0'..=b'9' | b'-', ..] => value,
        _ => return None,
    };
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Some(hash.max(1))
}

fn is_valid(event: &[u8]) -> bool {
    text_of(event).is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

fn text_of(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    raw::string(text_of(value)?).filter(|text| !text.is_empty())
}
