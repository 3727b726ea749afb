//! Who may send, and how much: keys, sources, origins and the token bucket of each source.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use hashbrown::HashMap;
use kernel::{Instant, SourceNo, WorkspaceNo};
use parking_lot::Mutex;

use super::{Collector, Refusal};
use crate::ports::Source;
use crate::rules::open::{Fields, base64};

/// The source a key belongs to, if the head of the request carries one. `Authorization: Basic` first, then
/// `X-Write-Key`, then `writeKey` in the query.
///
/// # Errors
/// A key that is there must be right: the body is not asked then.
pub(super) fn by_head(collector: &Collector, parts: &Parts) -> Result<Option<Arc<Source>>, Refusal> {
    if let Some(text) = authorization(parts, "basic") {
        let decoded = base64(text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.as_deref().map(user);
        // Nobody is named by an empty user; some senders forget the base64 or the colon.
        if decoded != Some("") && !user(text).is_empty() {
            let source = decoded.into_iter().chain([user(text)]).find_map(|key| find(collector, key));
            return source.map(Some).ok_or_else(unknown);
        }
    }
    if let Some(key) = header(parts, "x-write-key").filter(|key| !key.is_empty()) {
        return by_key(collector, key).map(Some);
    }
    match query(parts).text("writeKey") {
        Some(key) => by_key(collector, &key).map(Some),
        None => Ok(None),
    }
}

/// As [`by_head`], with `Authorization: Bearer <write key>` too. Only our own endpoint reads it so: to
/// Segment's it is an OAuth token, which comes with a key in the body.
pub(super) fn by_bearer_or_head(
    collector: &Collector,
    parts: &Parts,
) -> Result<Option<Arc<Source>>, Refusal> {
    match authorization(parts, "bearer").filter(|key| !key.is_empty()) {
        Some(key) => by_key(collector, key).map(Some),
        None => by_head(collector, parts),
    }
}

/// The source with this write key.
pub(super) fn by_key(collector: &Collector, key: &str) -> Result<Arc<Source>, Refusal> {
    find(collector, key).ok_or_else(unknown)
}

/// The source that takes a 神策 project.
pub(super) fn by_project(collector: &Collector, project: &str) -> Result<Arc<Source>, Refusal> {
    let source = collector.sources.by_project(project);
    source.ok_or_else(|| Refusal::unauthenticated("no source takes this `project`; send its `token`"))
}

/// A request without any key.
pub(super) fn no_key() -> Refusal {
    Refusal::unauthenticated("a write key is required: Authorization: Basic, X-Write-Key or `writeKey`")
}

fn unknown() -> Refusal {
    Refusal::unauthenticated("no source has this write key")
}

fn find(collector: &Collector, key: &str) -> Option<Arc<Source>> {
    collector.sources.by_write_key(key)
}

/// Fails unless the source is enabled and takes requests from this page. Senders that are no browser have
/// no origin; the list is about pages.
pub(super) fn check(source: &Source, parts: &Parts) -> Result<(), Refusal> {
    if !source.is_enabled {
        return Err(Refusal::forbidden("this source is disabled"));
    }
    let Some(origin) = parts.headers.get(ORIGIN) else { return Ok(()) };
    let is_same =
        |allowed: &String| origin.as_bytes().eq_ignore_ascii_case(allowed.trim_end_matches('/').as_bytes());
    if source.allowed_origins.is_empty() || source.allowed_origins.iter().any(is_same) {
        return Ok(());
    }
    Err(Refusal::forbidden("this source takes no events from this origin"))
}

/// [`check`], and no debt from earlier requests: all that is asked before a body is read.
pub(super) fn at_the_door(collector: &Collector, source: &Source, parts: &Parts) -> Result<(), Refusal> {
    check(source, parts)?;
    collector.buckets.take(source, 0, collector.clock.now())
}

/// A header as text.
pub(super) fn header<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name)?.to_str().ok().map(str::trim)
}

/// The query's fields.
pub(super) fn query(parts: &Parts) -> Fields<'_> {
    Fields::of(parts.uri.query().unwrap_or_default().as_bytes())
}

fn authorization<'p>(parts: &'p Parts, scheme: &str) -> Option<&'p str> {
    let (word, rest) = header(parts, AUTHORIZATION.as_str())?.split_once(' ')?;
    word.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// The user's part of `user:password`.
fn user(text: &str) -> &str {
    text.split_once(':').map_or(text, |(user, _)| user)
}

/// The token buckets of all sources: one second's events each, and a debt for a batch larger than that.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<(WorkspaceNo, SourceNo), Bucket>>);

/// Counts in millionths of an event, which makes a rate in events a second one in units a microsecond.
#[derive(Debug)]
struct Bucket {
    level: i64,
    at: Instant,
}

impl Buckets {
    /// Takes `events` from a source's bucket. A batch may overdraw it, so that a limit below a batch's size
    /// slows a sender down instead of shutting it out.
    ///
    /// # Errors
    /// 429 with the seconds until the debt is paid.
    pub(super) fn take(&self, source: &Source, events: usize, now: Instant) -> Result<(), Refusal> {
        let rate = i64::from(source.events_per_second);
        if rate == 0 {
            return Ok(());
        }
        let full = rate * 1_000_000;
        let mut buckets = self.0.lock();
        let bucket = buckets.entry((source.workspace, source.no)).or_insert(Bucket { level: full, at: now });
        let passed = now.0.saturating_sub(bucket.at.0).max(0);
        bucket.level = bucket.level.saturating_add(passed.saturating_mul(rate)).min(full);
        bucket.at = now;
        if bucket.level <= 0 {
            let micros = -bucket.level / rate + 1;
            let seconds = u32::try_from(micros.unsigned_abs().div_ceil(1_000_000)).unwrap_or(u32::MAX);
            return Err(Refusal::too_many(format!("this source may send {rate} events a second"), seconds));
        }
        bucket.level -= events as i64 * 1_000_000;
        Ok(())
    }
}
