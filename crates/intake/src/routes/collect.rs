//! The collector: the paths SDKs know, and what every request goes through.
//!
//! A request is admitted (key, source, origin, rate), opened, cut into frames, and answered with 200 when
//! the frames are durable, never before. What an event says is not looked at here, except by the endpoints
//! that report on each event. No path redirects, because Segment's SDK takes a redirect for a delivery,
//! and every answer carries CORS headers, because without them browsers send again what has arrived.

mod admit;
mod answer;
mod cors;
mod own;
mod pass;
mod segment;
mod sensors;
mod setup;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, any, get, post};
use bytes::Bytes;
use kernel::id::IdSource;
use kernel::time::Clock;

use crate::ports::{Land, Sources};
use answer::{Refusal, Style};
use segment::Call;

/// What the collector's routes share. Cheap to clone: clones share counters and rate limits.
#[derive(Clone)]
pub struct Collector {
    sources: Arc<dyn Sources>,
    land: Arc<dyn Land>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    script: Option<Bytes>,
    is_behind_proxy: bool,
    buckets: Arc<admit::Buckets>,
    /// What has come in since the start.
    pub counters: Arc<Counters>,
}

/// Figures of the collector since the start of the process.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events that were answered as accepted, all of them durable.
    pub accepted: AtomicU64,
    /// Events that were found invalid by an endpoint that reports on each, and are in quarantine.
    pub rejected: AtomicU64,
    /// Requests to the paths that take events.
    pub requests: AtomicU64,
    /// Those that were answered with an error; none of their events was accepted.
    pub refused: AtomicU64,
    /// Bytes of the bodies of requests, as they came over the wire.
    pub bytes: AtomicU64,
}

impl Collector {
    /// A collector with no script to serve, reached directly by its clients.
    pub fn new(
        sources: Arc<dyn Sources>,
        land: Arc<dyn Land>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let (buckets, counters) = Default::default();
        Self { sources, land, clock, ids, script: None, is_behind_proxy: false, buckets, counters }
    }

    /// Serves these bytes as `analytics.min.js`.
    #[must_use]
    pub fn with_script(self, script: Bytes) -> Self {
        Self { script: Some(script), ..self }
    }

    /// Believes `X-Forwarded-For`, `-Proto` and `-Host`. Only right if a proxy sets them on every request:
    /// otherwise any client may write them.
    #[must_use]
    pub fn behind_proxy(self) -> Self {
        Self { is_behind_proxy: true, ..self }
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64, by: usize) {
        counter(&self.counters).fetch_add(by as u64, Relaxed);
    }
}

/// The OpenAPI document of our own endpoint; the paths of SDKs are theirs to describe.
pub fn document() -> utoipa::openapi::OpenApi {
    <own::Document as utoipa::OpenApi>::openapi()
}

/// Every path that takes events, with what their SDKs ask for first. It has a fallback (404 with CORS), so
/// a router it is merged into sets its own afterwards.
pub fn router(state: Collector) -> Router {
    let router = segment_paths(Router::new());
    let router = rudder_paths(router)
        .route("/sa", any(sensors::collect))
        .route("/sa.gif", any(sensors::collect))
        .route("/debug", any(sensors::debug))
        .route("/api/v1/events", post(own::events))
        .fallback(|| async { Refusal::not_found().answer(Style::Sdk) });
    router.layer(from_fn(cors::answer)).with_state(state)
}

fn segment_paths(router: Router<Collector>) -> Router<Collector> {
    let messages =
        [("track", "t"), ("page", "p"), ("screen", "s"), ("identify", "i"), ("group", "g"), ("alias", "a")];
    let router = messages.into_iter().fold(router, |router, (kind, letter)| {
        router.route(&format!("/v1/{kind}"), message(kind)).route(&format!("/v1/{letter}"), message(kind))
    });
    router
        .route("/v1/batch", batch(Call::default()))
        .route("/v1/b", batch(Call::default()))
        .route("/v1/import", batch(Call { is_import: true, ..Call::default() }))
        .route("/v1/m", post(setup::metrics))
        .route("/v1/pixel/{method}", get(segment::pixel))
        .route("/v1/projects/{key}/settings", get(setup::settings))
        .route("/analytics.js/v1/{key}/analytics.min.js", get(setup::script))
}

fn rudder_paths(router: Router<Collector>) -> Router<Collector> {
    router
        // Not understood, and better seen in quarantine than lost with a 404.
        .route("/v1/merge", message("merge"))
        .route("/v1/audiencelist", message("audiencelist"))
        .route("/beacon/v1/batch", batch(Call { style: Style::Plain, ..Call::default() }))
        .route("/pixel/v1/{method}", get(segment::flat_pixel))
        .route("/sourceConfig", get(setup::source_config))
        .route("/sourceConfig/", get(setup::source_config))
}

/// A path for one message whose kind the path names.
fn message(kind: &'static str) -> MethodRouter<Collector> {
    batch(Call { kind: Some(kind), ..Call::default() })
}

fn batch(call: Call<'static>) -> MethodRouter<Collector> {
    post(move |State(collector): State<Collector>, request: Request| segment::post(collector, call, request))
}

/// The one variable part of a path.
type Part = Path<String>;

#[cfg(test)]
mod tests;
