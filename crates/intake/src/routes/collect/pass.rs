//! The way of a request through the collector: its body is read, its events framed and the frames landed.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_LENGTH, USER_AGENT};
use axum::http::request::Parts;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use kernel::Instant;
use kernel::limits::BODY_WIRE_BYTES_MAX;

use super::{Collector, Refusal, admit};
use crate::ports::Source;
use crate::rules::frame::{Frame, Protocol};
use crate::rules::open::{Batch, Event};

/// Longer user agents are cut: no real one is.
const USER_AGENT_BYTES_MAX: usize = 512;

/// Reads a body within the limit.
pub(super) async fn body(collector: &Collector, parts: &Parts, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::too_large(format!("the body is larger than {BODY_WIRE_BYTES_MAX} bytes"));
    let announced = admit::header(parts, CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > BODY_WIRE_BYTES_MAX) {
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::malformed("the body ended too early"))?;
        if first.len() + rest.len() + chunk.len() > BODY_WIRE_BYTES_MAX {
            return Err(too_large());
        }
        // Most bodies are one chunk and are not copied.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(announced.unwrap_or(0).max(first.len() + chunk.len()));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&chunk);
    }
    let whole = if rest.is_empty() { first } else { rest.freeze() };
    collector.count(|c| &c.bytes, whole.len());
    Ok(whole)
}

/// What a request's frames have in common besides what its batch says.
pub(super) struct Envelope<'p> {
    pub protocol: Protocol,
    pub received: Instant,
    pub is_import: bool,
    pub sent_at: Option<Instant>,
    pub ip: Option<String>,
    pub user_agent: Option<&'p str>,
}

impl<'p> Envelope<'p> {
    pub(super) fn of(collector: &Collector, protocol: Protocol, parts: &'p Parts) -> Self {
        let user_agent = admit::header(parts, USER_AGENT.as_str()).filter(|text| !text.is_empty());
        // RudderStack's browser SDK tells when it sent a single message in a header.
        let sent_at = admit::header(parts, "sentat").and_then(Instant::parse);
        Self {
            protocol,
            received: collector.clock.now(),
            is_import: false,
            sent_at,
            ip: address(collector, parts),
            user_agent: user_agent.map(|text| &text[..text.floor_char_boundary(USER_AGENT_BYTES_MAX)]),
        }
    }

    /// The frames of a batch, one for each partition its events fall into. Inside a frame events keep
    /// their order. Each frame comes with its events' places in the request.
    pub(super) fn frames<'a>(
        &'a self,
        collector: &Collector,
        source: &Source,
        batch: &Batch<'a>,
        shared: Option<&'a str>,
    ) -> Vec<Planned<'a>> {
        let partitions = u64::from(collector.land.partitions(source).max(1));
        let mut order: Vec<(usize, &Event<'a>)> = batch.events.iter().enumerate().collect();
        if partitions > 1 {
            order.sort_by_key(|(_, event)| event.person % partitions);
        }
        let frame = |events: &[(usize, &Event<'a>)]| Frame {
            protocol: self.protocol,
            received: self.received,
            receipt: collector.ids.fresh(),
            source: source.no,
            sent_at: self.sent_at.or(batch.sent_at),
            is_import: self.is_import,
            ip: self.ip.as_deref(),
            user_agent: self.user_agent,
            shared,
            first: 0,
            events: events.iter().map(|(_, event)| event.raw).collect(),
        };
        order
            .chunk_by(|(_, a), (_, b)| a.person % partitions == b.person % partitions)
            .map(|events| Planned {
                partition: events[0].1.person % partitions,
                frame: frame(events),
                places: events.iter().map(|(place, _)| *place).collect(),
            })
            .collect()
    }
}

/// A frame on its way to its partition.
pub(super) struct Planned<'a> {
    partition: u64,
    /// The frame, whose receipt is its own: message ids are derived from receipt and index.
    pub frame: Frame<'a>,
    /// Where in the request each of its events stood.
    pub places: Vec<usize>,
}

/// Makes frames durable. If one fails the sender repeats the request, and message ids tell what is new.
pub(super) async fn land(
    collector: &Collector,
    source: &Source,
    frames: &[Planned<'_>],
) -> Result<(), Refusal> {
    let landings =
        frames.iter().map(|planned| collector.land.land(source, planned.partition, planned.frame.encode()));
    try_join_all(landings).await?;
    Ok(())
}

fn address(collector: &Collector, parts: &Parts) -> Option<String> {
    if collector.is_behind_proxy {
        // The last entry is the one our own proxy wrote; those before it came from the client.
        let last = admit::header(parts, "x-forwarded-for")?.rsplit(',').next()?.trim();
        return last.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string());
    }
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string())
}
