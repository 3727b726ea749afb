//! Segment's and RudderStack's endpoints, and their pixels.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::Value;

use super::answer::{self, Style};
use super::pass::{self, Envelope};
use super::{Collector, Part, Refusal, admit};
use crate::rules::frame::Protocol;
use crate::rules::open::{self, Batch, Event, Shape};

/// What a path says about its requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Call<'k> {
    /// The kind of a message that does not name it itself.
    pub kind: Option<&'k str>,
    /// Whether old events are expected.
    pub is_import: bool,
    /// How to answer.
    pub style: Style,
}

/// A message or batch in a body.
pub(super) async fn post(collector: Collector, call: Call<'static>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let read = async {
        let text = pass::body(&collector, &parts, body).await?;
        Ok(open::unpack(&text, None)?)
    };
    answered(&collector, call, &parts, read).await
}

/// Segment's pixel: `?data=` holds the message as base64 or JSON.
pub(super) async fn pixel(
    State(collector): State<Collector>,
    Path(method): Part,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = Call { kind: Some(&method), style: Style::PixelAlways, ..Call::default() };
    let read = async { Ok(open::unpack(&Bytes::new(), parts.uri.query())?) };
    answered(&collector, call, &parts, read).await
}

/// RudderStack's pixel: the query's fields are the message.
pub(super) async fn flat_pixel(
    State(collector): State<Collector>,
    Path(method): Part,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = Call { kind: Some(&method), style: Style::PixelAlways, ..Call::default() };
    let read = async { Ok(Bytes::from(open::message(admit::query(&parts)))) };
    answered(&collector, call, &parts, read).await
}

async fn answered(
    collector: &Collector,
    call: Call<'_>,
    parts: &Parts,
    read: impl Future<Output = Result<Bytes, Refusal>>,
) -> Response<Body> {
    collector.count(|c| &c.requests, 1);
    match collect(collector, call, parts, read).await {
        Ok(events) => {
            collector.count(|c| &c.accepted, events);
            answer::accepted(call.style)
        }
        Err(refusal) => {
            collector.count(|c| &c.refused, 1);
            refusal.answer(call.style)
        }
    }
}

/// Takes a request in and returns how many events it held.
async fn collect(
    collector: &Collector,
    call: Call<'_>,
    parts: &Parts,
    read: impl Future<Output = Result<Bytes, Refusal>>,
) -> Result<usize, Refusal> {
    // What the head can tell is asked before the body is read.
    let known = admit::by_head(collector, parts)?;
    if let Some(source) = &known {
        admit::at_the_door(collector, source, parts)?;
    }
    let text = read.await?;
    let batch = open::slice(&text, Shape::Batch)?;
    let source = match known {
        Some(source) => source,
        None => {
            let key = batch.write_key.as_deref().ok_or_else(admit::no_key)?;
            let source = admit::by_key(collector, key)?;
            admit::check(&source, parts)?;
            source
        }
    };
    if call.kind.is_none() && !batch.is_batch && !batch.events.iter().all(Event::has_type) {
        return Err(Refusal::malformed("the body has neither a `batch` nor a `type`"));
    }
    let envelope =
        Envelope { is_import: call.is_import, ..Envelope::of(collector, Protocol::Segment, parts) };
    collector.buckets.take(&source, batch.events.len(), envelope.received)?;
    let shared = shared(&batch, call.kind);
    let frames = envelope.frames(collector, &source, &batch, shared.as_deref());
    pass::land(collector, &source, &frames).await?;
    Ok(batch.events.len())
}

/// What a batch, and its path, say for all its events, as a JSON object.
pub(super) fn shared(batch: &Batch<'_>, kind: Option<&str>) -> Option<String> {
    let kind = kind.filter(|_| !batch.events.iter().all(Event::has_type));
    let kind = kind.map(|kind| Value::from(kind).to_string());
    let members =
        [("context", batch.context), ("integrations", batch.integrations), ("type", kind.as_deref())];
    let mut out = String::new();
    for (key, value) in members {
        if let Some(value) = value {
            out.push_str(if out.is_empty() { "{\"" } else { ",\"" });
            out.push_str(key);
            out.push_str("\":");
            out.push_str(value);
        }
    }
    (!out.is_empty()).then(|| out + "}")
}
