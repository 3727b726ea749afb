//! 神策's endpoints: `/sa`, `/sa.gif` and the debug mode that says what is wrong with each record.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use serde_json::json;

use super::answer::{self, Style};
use super::pass::{self, Envelope, Planned};
use super::{Collector, Refusal, admit};
use crate::ports::Source;
use crate::rules::frame::Protocol;
use crate::rules::open::{self, Batch, Shape};
use crate::rules::record;

/// Records in a form, by GET or POST.
pub(super) async fn collect(State(collector): State<Collector>, request: Request) -> Response<Body> {
    collector.count(|c| &c.requests, 1);
    let style = if request.method() == Method::POST { Style::Plain } else { Style::Pixel };
    match take(&collector, request).await {
        Ok(events) => {
            collector.count(|c| &c.accepted, events);
            answer::accepted(style)
        }
        Err(refusal) => {
            collector.count(|c| &c.refused, 1);
            refusal.answer(Style::Sdk)
        }
    }
}

async fn take(collector: &Collector, request: Request) -> Result<usize, Refusal> {
    let (parts, text) = text(collector, request).await?;
    let opened = Opened::of(collector, &parts, &text)?;
    let frames = opened.envelope.frames(collector, &opened.source, &opened.batch, None);
    pass::land(collector, &opened.source, &frames).await?;
    Ok(opened.batch.events.len())
}

/// As [`collect`], but each record is read and what is wrong is answered with 400. With `Dry-Run: true`
/// nothing is stored.
pub(super) async fn debug(State(collector): State<Collector>, request: Request) -> Response<Body> {
    collector.count(|c| &c.requests, 1);
    match inspect(&collector, request).await {
        Ok(answer) => answer,
        Err(refusal) => {
            collector.count(|c| &c.refused, 1);
            refusal.answer(Style::Sdk)
        }
    }
}

async fn inspect(collector: &Collector, request: Request) -> Result<Response<Body>, Refusal> {
    let (parts, text) = text(collector, request).await?;
    let opened = Opened::of(collector, &parts, &text)?;
    let frames = opened.envelope.frames(collector, &opened.source, &opened.batch, None);
    let wrong = wrong(&frames);
    let is_dry = admit::header(&parts, "dry-run").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !is_dry {
        pass::land(collector, &opened.source, &frames).await?;
        collector.count(|c| &c.accepted, opened.batch.events.len() - wrong.len());
        collector.count(|c| &c.rejected, wrong.len());
    }
    if wrong.is_empty() {
        return Ok(answer::accepted(Style::Sdk));
    }
    let message = format!("{} of {} records are wrong", wrong.len(), opened.batch.events.len());
    let body = json!({ "success": false, "code": "invalid", "message": message, "records": wrong });
    Ok(answer::json(StatusCode::BAD_REQUEST, body.to_string()))
}

fn wrong(frames: &[Planned<'_>]) -> Vec<serde_json::Value> {
    let mut wrong = Vec::new();
    for planned in frames {
        for (index, place) in planned.places.iter().enumerate() {
            if let Err(reject) = record::decode(&planned.frame, index) {
                let reason = json!({
                    "index": place, "class": reject.class.name(), "field": reject.field,
                    "reason": reject.reason,
                });
                wrong.push((*place, reason));
            }
        }
    }
    wrong.sort_by_key(|(place, _)| *place);
    wrong.into_iter().map(|(_, reason)| reason).collect()
}

async fn text(collector: &Collector, request: Request) -> Result<(Parts, Bytes), Refusal> {
    let (parts, body) = request.into_parts();
    if let Some(source) = by_query(collector, &parts)? {
        admit::at_the_door(collector, &source, &parts)?;
    }
    let body = pass::body(collector, &parts, body).await?;
    let text = open::unpack(&body, parts.uri.query())?;
    Ok((parts, text))
}

/// A request whose source is known and may send.
struct Opened<'a> {
    source: Arc<Source>,
    batch: Batch<'a>,
    envelope: Envelope<'a>,
}

impl<'a> Opened<'a> {
    fn of(collector: &Collector, parts: &'a Parts, text: &'a [u8]) -> Result<Self, Refusal> {
        let batch = open::slice(text, Shape::Records)?;
        let source = match by_query(collector, parts)? {
            Some(source) => source,
            None => by_records(collector, &batch)?,
        };
        admit::check(&source, parts)?;
        let envelope = Envelope::of(collector, Protocol::Sensors, parts);
        collector.buckets.take(&source, batch.events.len(), envelope.received)?;
        Ok(Self { source, batch, envelope })
    }
}

/// `token` in the query, or else a write key in the head, or else `project` in the query.
fn by_query(collector: &Collector, parts: &Parts) -> Result<Option<Arc<Source>>, Refusal> {
    let query = admit::query(parts);
    if let Some(token) = query.text("token") {
        return admit::by_key(collector, &token).map(Some);
    }
    if let Some(source) = admit::by_head(collector, parts)? {
        return Ok(Some(source));
    }
    match query.text("project") {
        Some(project) => admit::by_project(collector, &project).map(Some),
        None => Ok(None),
    }
}

/// `token` or else `project` in the records, which must all lead to one source: nothing of one workspace
/// may land in another because it shared a request.
fn by_records(collector: &Collector, batch: &Batch<'_>) -> Result<Arc<Source>, Refusal> {
    let mut found: Option<Arc<Source>> = None;
    let mut last = None;
    for event in &batch.events {
        let credential = (event.key(), event.project());
        if last.as_ref() == Some(&credential) {
            continue;
        }
        let source = match &credential {
            (Some(token), _) => admit::by_key(collector, token)?,
            (None, Some(project)) => admit::by_project(collector, project)?,
            (None, None) => return Err(admit::no_key()),
        };
        if found.as_ref().is_some_and(|found| (found.workspace, found.no) != (source.workspace, source.no)) {
            return Err(Refusal::malformed("the records belong to several sources; send a request for each"));
        }
        found = Some(source);
        last = Some(credential);
    }
    found.ok_or_else(admit::no_key)
}
