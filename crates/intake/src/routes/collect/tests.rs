//! The collector as its clients see it: real requests through the router, frames as they land.

mod fixtures;
mod mutation;
mod refusals;
mod replies;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use kernel::{Failure, Instant, SourceNo, WorkspaceNo};
use parking_lot::Mutex;
use tower::ServiceExt;

use super::*;
use crate::ports::{Land, Landing, Source, Sources};
use crate::rules::frame::Frame;
use crate::rules::record;

/// 2026-11-21T18:30:00Z, a few minutes after the fixtures were captured.
const NOW: Instant = Instant(1_795_285_800_000_000);

/// Sources, log, clock and ids in one, and a way to look at what landed.
struct World {
    now: AtomicI64,
    fresh: AtomicI64,
    partitions: u32,
    failure: Mutex<Option<fn() -> Failure>>,
    landed: Mutex<Vec<(SourceNo, u64, Vec<u8>)>>,
    sources: Vec<(&'static str, &'static str, Arc<Source>)>,
}

impl World {
    fn new() -> Arc<Self> {
        Self::with_partitions(1)
    }

    fn with_partitions(partitions: u32) -> Arc<Self> {
        let source = |no, is_enabled, origins: &[&str], events_per_second| {
            Arc::new(Source {
                workspace: WorkspaceNo(1),
                no: SourceNo(no),
                id: format!("src_{no}"),
                is_enabled,
                allowed_origins: origins.iter().map(|o| (*o).to_owned()).collect(),
                events_per_second,
            })
        };
        Arc::new(Self {
            now: AtomicI64::new(NOW.0),
            fresh: AtomicI64::new(0),
            partitions,
            failure: Mutex::new(None),
            landed: Mutex::default(),
            sources: vec![
                ("WRITE_KEY_DEMO", "", source(1, true, &[], 0)),
                ("TOKEN_DEMO", "default", source(2, true, &[], 0)),
                ("DISABLED", "closed", source(3, false, &[], 0)),
                ("ONE_ORIGIN", "", source(4, true, &["https://shop.example/"], 0)),
                ("SLOW", "", source(5, true, &[], 10)),
            ],
        })
    }

    fn collector(self: &Arc<Self>) -> Collector {
        Collector::new(self.clone(), self.clone(), self.clone(), self.clone())
            .with_script(Bytes::from_static(b"/* script */"))
    }

    async fn send(self: &Arc<Self>, request: Request<Body>) -> Answer {
        Answer::of(router(self.collector()).oneshot(request).await.unwrap()).await
    }

    /// The raw events of everything that landed, in order.
    fn events(&self) -> Vec<String> {
        let landed = self.landed.lock();
        let events = landed.iter().flat_map(|(_, _, bytes)| Frame::decode(bytes).unwrap().events);
        events.map(|event| String::from_utf8_lossy(event).into_owned()).collect()
    }

    /// What everything that landed says: one line an event.
    fn records(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (_, _, bytes) in self.landed.lock().iter() {
            let frame = Frame::decode(bytes).unwrap();
            for index in 0..frame.events.len() {
                lines.push(match record::decode(&frame, index) {
                    Ok(record) => {
                        let ids: Vec<_> = record
                            .identifiers
                            .iter()
                            .map(|id| format!(" {}={}", id.kind, id.value))
                            .collect();
                        format!("{:?} {}{}", record.kind, record.event, ids.concat())
                    }
                    Err(reject) => format!("{}: {}", reject.class.name(), reject.reason),
                });
            }
        }
        lines
    }
}

impl Sources for World {
    fn by_write_key(&self, key: &str) -> Option<Arc<Source>> {
        self.sources.iter().find(|(k, _, _)| *k == key).map(|(_, _, source)| source.clone())
    }

    fn by_project(&self, project: &str) -> Option<Arc<Source>> {
        let found = self.sources.iter().find(|(_, p, _)| *p == project && !p.is_empty());
        found.map(|(_, _, source)| source.clone())
    }
}

impl Land for World {
    fn partitions(&self, _: &Source) -> u32 {
        self.partitions
    }

    fn land(&self, source: &Source, partition: u64, frame: Vec<u8>) -> Landing<'_> {
        let no = source.no;
        Box::pin(async move {
            if let Some(failure) = *self.failure.lock() {
                return Err(failure());
            }
            self.landed.lock().push((no, partition, frame));
            Ok(())
        })
    }
}

impl Clock for World {
    fn now(&self) -> Instant {
        Instant(self.now.load(Relaxed))
    }
}

impl IdSource for World {
    fn fresh(&self) -> [u8; 16] {
        u128::from(self.fresh.fetch_add(1, Relaxed).unsigned_abs()).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// A response that has been read.
struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

/// `METHOD path`, headers as `name: value` lines, a body.
fn request(line: &str, headers: &str, body: impl Into<Body>) -> Request<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(path);
    for header in headers.lines().map(str::trim).filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        builder = builder.header(name, value);
    }
    builder.body(body.into()).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn basic(user: &str) -> String {
    format!("authorization: Basic {}", base64(user.as_bytes()))
}

/// A form's `data` field.
fn form(field: &str, json: &str) -> String {
    format!("{field}={}", base64(json.as_bytes()).replace('+', "%2B"))
}
