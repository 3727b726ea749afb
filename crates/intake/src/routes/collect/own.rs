//! Our own endpoint: a message, a batch, JSON lines or CloudEvents; answers for each event.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::answer::{self, Style};
use super::pass::{self, Envelope, Planned};
use super::{Collector, Refusal, admit, segment};
use crate::rules::frame::Protocol;
use crate::rules::open::{self, Shape};
use crate::rules::record;

/// What became of the events of one request.
#[derive(Serialize, ToSchema)]
#[schema(as = CollectReport)]
pub(super) struct Report {
    /// Events that are durable and can be read.
    accepted: usize,
    /// Events that cannot be read; they are durable too, and wait in quarantine.
    rejected: usize,
    /// One for each event, in the order they were sent.
    results: Vec<Verdict>,
}

/// What became of one event. A rejected one is kept for quarantine all the same.
#[derive(Serialize, ToSchema)]
#[schema(as = CollectVerdict)]
pub(super) struct Verdict {
    /// Its place in the request.
    index: usize,
    /// `accepted` or `rejected`.
    status: &'static str,
    /// Its message id, given or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// What kind of trouble: `parse`, `schema`, `size` or `time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    /// The offending field.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What of the collector belongs into the API's document: our own endpoint.
#[derive(utoipa::OpenApi)]
#[openapi(paths(events), modifiers(&WriteKey))]
pub(super) struct Document;

/// The credential of a source.
struct WriteKey;

impl utoipa::Modify for WriteKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.security_schemes.insert("write_key".to_owned(), bearer.into());
    }
}

/// Send events
///
/// One message in Segment's shape, `{"batch": […]}`, JSON lines, or CloudEvents (structured, batch or
/// binary). 200 means every event of the answer is durable. `?import=true` accepts events of any age.
#[utoipa::path(post, path = "/api/v1/events", tag = "collect", operation_id = "events_collect",
    params(("import" = Option<bool>, Query, description = "Accept events older than 36 months")),
    request_body = Object,
    responses((status = 200, body = Report), (status = 400, description = "Not readable at all, or too large"),
        (status = 401, description = "No source has this write key"),
        (status = 429, description = "Too fast; see `Retry-After`"),
        (status = 503, description = "Cannot be made durable now; see `Retry-After`")),
    security(("write_key" = [])))]
pub(super) async fn events(State(collector): State<Collector>, request: Request) -> Response<Body> {
    collector.count(|c| &c.requests, 1);
    match collect(&collector, request).await {
        Ok(report) => {
            collector.count(|c| &c.accepted, report.accepted);
            collector.count(|c| &c.rejected, report.rejected);
            let body = serde_json::to_vec(&report).expect("numbers and strings always serialise");
            answer::json(StatusCode::OK, body)
        }
        Err(refusal) => {
            collector.count(|c| &c.refused, 1);
            refusal.answer(Style::Own)
        }
    }
}

async fn collect(collector: &Collector, request: Request) -> Result<Report, Refusal> {
    let (parts, body) = request.into_parts();
    let known = admit::by_bearer_or_head(collector, &parts)?;
    if let Some(source) = &known {
        admit::at_the_door(collector, source, &parts)?;
    }
    let body = pass::body(collector, &parts, body).await?;
    let text = text(&parts, body)?;
    let batch = open::slice(&text, Shape::Lines)?;
    let source = match known {
        Some(source) => source,
        None => {
            let key = batch.write_key.as_deref().ok_or_else(admit::no_key)?;
            let source = admit::by_key(collector, key)?;
            admit::check(&source, &parts)?;
            source
        }
    };
    let is_import = admit::query(&parts).text("import").as_deref() == Some("true");
    let envelope = Envelope { is_import, ..Envelope::of(collector, Protocol::Own, &parts) };
    collector.buckets.take(&source, batch.events.len(), envelope.received)?;
    let shared = segment::shared(&batch, None);
    let frames = envelope.frames(collector, &source, &batch, shared.as_deref());
    let report = report(&frames);
    pass::land(collector, &source, &frames).await?;
    Ok(report)
}

/// The JSON text of a body, or of a CloudEvent whose attributes are headers.
fn text(parts: &Parts, body: Bytes) -> Result<Bytes, Refusal> {
    if parts.headers.contains_key("ce-specversion") {
        let body = open::inflate(body.clone())?;
        let headers =
            parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let content_type = admit::header(parts, "content-type").map(|value| ("ce-datacontenttype", value));
        if let Some(event) = open::structured(headers.chain(content_type), &body) {
            return Ok(event.into());
        }
    }
    Ok(open::unpack(&body, None)?)
}

fn report(frames: &[Planned<'_>]) -> Report {
    let mut results = Vec::with_capacity(frames.iter().map(|planned| planned.places.len()).sum());
    for planned in frames {
        for (index, place) in planned.places.iter().enumerate() {
            results.push(match record::decode(&planned.frame, index) {
                Ok(record) => Verdict {
                    index: *place,
                    status: "accepted",
                    message_id: Some(record.message_id.into_owned()),
                    class: None,
                    field: None,
                    reason: None,
                },
                Err(reject) => Verdict {
                    index: *place,
                    status: "rejected",
                    message_id: None,
                    class: Some(reject.class.name()),
                    field: reject.field.map(|field| field.into_owned()),
                    reason: Some(reject.reason),
                },
            });
        }
    }
    results.sort_by_key(|verdict| verdict.index);
    let accepted = results.iter().filter(|verdict| verdict.reason.is_none()).count();
    Report { accepted, rejected: results.len() - accepted, results }
}
