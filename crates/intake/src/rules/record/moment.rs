//! When an event happened, by the receiver's clock.

use kernel::Instant;
use kernel::limits::{FUTURE_MICROS_MAX, PAST_MICROS_MAX};

use super::{Class, Position, Reject};
use crate::rules::raw;

/// Below this a number counts seconds: it has at most ten digits, which in milliseconds is April 1970.
const SECONDS_BELOW: i64 = 10_000_000_000;
/// Year 9999 in milliseconds; more is no time.
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// Positions below a millisecond; later events of a request share the last.
const ORDER_MAX: i64 = 999;

/// Reads a raw JSON value as an instant: RFC 3339, or milliseconds or ten-digit seconds as number or text.
pub(crate) fn instant(raw: &str) -> Option<Instant> {
    match raw::string(raw) {
        Some(text) => Instant::parse(&text).or_else(|| epoch(&text)),
        None => epoch(raw),
    }
}

fn epoch(text: &str) -> Option<Instant> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None; // `f64` also reads "inf" and "nan".
    }
    let number = text.parse::<i64>().ok().or_else(|| {
        let float = text.parse::<f64>().ok()?;
        (float.abs() <= MILLIS_MAX as f64).then_some(float as i64)
    })?;
    let millis = if number.abs() < SECONDS_BELOW { number * 1_000 } else { number };
    (millis.abs() <= MILLIS_MAX).then(|| Instant::from_millis(millis))
}

/// Reads a field as an instant, if it is there. `null` and `""` are absent.
pub(super) fn field(name: &'static str, raw: Option<&str>) -> Result<Option<Instant>, Reject> {
    match raw {
        None | Some("null" | "\"\"") => Ok(None),
        Some(raw) => match instant(raw) {
            Some(instant) => Ok(Some(instant)),
            None if raw.starts_with('"') || raw::is_number(raw) => {
                let reason = format!("`{name}` is no instant; send RFC 3339 with a zone, or milliseconds");
                Err(Reject::field(Class::Time, name, reason))
            }
            None => Err(Reject::wrong_type(name, raw, "an instant")),
        },
    }
}

/// What the sender's clock showed when the event happened and when it was sent.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    /// The field the time was read from.
    pub field: &'static str,
    /// When it happened.
    pub at: Option<Instant>,
    /// When it was sent.
    pub sent_at: Option<Instant>,
    /// Whether old events are expected from here.
    pub is_import: bool,
}

/// The time of an event: corrected by the difference of the two clocks, within bounds, and ordered below
/// the millisecond by its position.
pub(super) fn settle(position: Position<'_, '_>, claim: Claim) -> Result<Instant, Reject> {
    let received = position.frame.received;
    let at = match (claim.at, claim.sent_at) {
        (Some(at), Some(sent_at)) => received.plus(at.0.saturating_sub(sent_at.0)),
        (Some(at), None) => at,
        (None, _) => received,
    };
    if at > received.plus(FUTURE_MICROS_MAX) {
        let reason = format!("future_time: {at} is more than 5 minutes after it was received at {received}");
        return Err(Reject::field(Class::Time, claim.field, reason));
    }
    if !claim.is_import && at < received.plus(-PAST_MICROS_MAX) {
        let reason = format!("past_time: {at} is more than 36 months ago; send old events as an import");
        return Err(Reject::field(Class::Time, claim.field, reason));
    }
    Ok(Instant::from_millis(at.millis()).plus((position.index as i64).min(ORDER_MAX)))
}
