//! What browser SDKs ask for before they send: settings, source configuration, the script itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::answer::{self, Style};
use super::{Collector, Part, Refusal, admit};
use crate::ports::Source;

/// How long browsers keep the settings, in seconds: long enough to spare page views, short enough that a
/// disabled source is noticed.
const SETTINGS_AGE: HeaderValue = HeaderValue::from_static("private, max-age=120");
const SCRIPT_AGE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// `GET /v1/projects/{key}/settings`. Without this answer Segment's browser SDK sends nothing at all.
pub(super) async fn settings(
    State(collector): State<Collector>,
    Path(key): Part,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    if let Err(refusal) = enabled(admit::by_key(&collector, &key), &parts) {
        return refusal.answer(Style::Sdk);
    }
    let (protocol, host) = reached_at(&collector, &parts);
    let body = json!({
        "integrations": { "Segment.io": {
            "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol,
        } },
        "plan": { "track": { "__default": { "enabled": true, "integrations": {} } } },
        "middlewareSettings": { "routingRules": [] },
        "metrics": { "sampleRate": 0 },
        "edgeFunction": {},
    });
    kept(answer::json(StatusCode::OK, body.to_string()), SETTINGS_AGE)
}

/// `GET /sourceConfig`: RudderStack's browser SDK wants to know of no destinations.
pub(super) async fn source_config(State(collector): State<Collector>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let found = admit::by_head(&collector, &parts).and_then(|source| source.ok_or_else(admit::no_key));
    let source = match enabled(found, &parts) {
        Ok(source) => source,
        Err(refusal) => return refusal.answer(Style::Sdk),
    };
    let (protocol, host) = reached_at(&collector, &parts);
    let metrics = json!({ "errors": { "enabled": false }, "metrics": { "enabled": false } });
    let body = json!({
        "source": {
            "id": source.id, "name": source.id, "writeKey": null, "enabled": true,
            "workspaceId": source.workspace.0.to_string(),
            "config": { "statsCollection": metrics },
            "destinations": [], "connections": [],
            "dataplanes": { "US": [{ "url": format!("{protocol}://{host}"), "default": true }] },
        },
        "updatedAt": collector.clock.now().to_string(),
    });
    kept(answer::json(StatusCode::OK, body.to_string()), SETTINGS_AGE)
}

/// `GET /analytics.js/v1/{key}/analytics.min.js`. The script is the same for every key.
pub(super) async fn script(State(collector): State<Collector>) -> Response<Body> {
    match collector.script {
        Some(script) => {
            let answer = answer::typed(StatusCode::OK, "application/javascript; charset=utf-8", script);
            kept(answer, SCRIPT_AGE)
        }
        None => Refusal::not_found().answer(Style::Sdk),
    }
}

/// `POST /v1/m`: the SDK's figures about itself, which nobody reads.
pub(super) async fn metrics() -> Response<Body> {
    answer::accepted(Style::Sdk)
}

fn enabled(found: Result<Arc<Source>, Refusal>, parts: &Parts) -> Result<Arc<Source>, Refusal> {
    let source = found?;
    admit::check(&source, parts)?;
    Ok(source)
}

fn kept(mut answer: Response<Body>, age: HeaderValue) -> Response<Body> {
    answer.headers_mut().insert(CACHE_CONTROL, age);
    answer
}

/// Protocol and host under which the client reached us, so that it comes back the same way.
fn reached_at<'p>(collector: &Collector, parts: &'p Parts) -> (&'static str, &'p str) {
    let forwarded = |name| admit::header(parts, name).filter(|_| collector.is_behind_proxy);
    let protocol = if forwarded("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let is_host = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
    };
    let host = forwarded("x-forwarded-host")
        .or_else(|| admit::header(parts, HOST.as_str()))
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
        .filter(is_host);
    (protocol, host.unwrap_or("localhost"))
}
