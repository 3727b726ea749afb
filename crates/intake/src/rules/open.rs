//! Opening a request: from the bytes of a body to the raw events in it.
//!
//! 1. [`unpack`] finds the JSON text: gunzips what begins with `1f 8b`, takes what begins with `{` or `[`
//!    as it is and reads anything else as a form whose `data_list` or `data` is base64 of JSON or of gzip.
//!    No header is asked, because real SDKs send every one of these under a wrong Content-Type.
//! 2. [`slice`](fn@slice) finds where each event begins and ends, and what the envelope says for all.
//!
//! An event that is broken inside is sliced like any other. Only a body whose events cannot be found, or
//! that is too large, is [`Unreadable`].

mod cloud_event;
mod form;
mod pixel;
mod slice;

use std::io::Read;

use bytes::Bytes;
use kernel::limits::{BATCH_EVENTS_MAX, BODY_BYTES_MAX};

pub use cloud_event::structured;
pub use form::{Fields, base64};
pub use pixel::message;
pub use slice::{Batch, Event, Shape, slice};

/// Why no event could be taken out of a body.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than allowed, packed or unpacked.
    #[error("the body is larger than {BODY_BYTES_MAX} bytes after decompression")]
    Bytes,
    /// It holds more events than allowed.
    #[error("the request holds more than {BATCH_EVENTS_MAX} events; send several")]
    Events,
    /// It is not what the endpoint reads.
    #[error("{0}")]
    Malformed(&'static str),
}

/// The JSON text inside a body. `query` is asked for `data` when the body is empty, as in a pixel request.
///
/// # Errors
/// [`Unreadable`] if there is no JSON text in it or it unpacks to more than the limit.
pub fn unpack(body: &Bytes, query: Option<&str>) -> Result<Bytes, Unreadable> {
    let body = inflate(body.clone())?;
    match begin(&body) {
        None => form::json(query.unwrap_or_default().as_bytes()),
        Some(b'{' | b'[') => Ok(trimmed(body)),
        Some(_) => form::json(&body),
    }
}

/// Gunzips what is gzip and leaves the rest alone.
///
/// # Errors
/// [`Unreadable`] if the gzip is damaged or the result too large.
pub fn inflate(bytes: Bytes) -> Result<Bytes, Unreadable> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return match bytes.len() > BODY_BYTES_MAX {
            true => Err(Unreadable::Bytes),
            false => Ok(bytes),
        };
    }
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(BODY_BYTES_MAX));
    // One byte more than allowed is enough to know; the rest of a bomb is never unpacked.
    flate2::bufread::MultiGzDecoder::new(&bytes[..])
        .take(BODY_BYTES_MAX as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|_| Unreadable::Malformed("the gzip data is damaged or truncated"))?;
    match out.len() > BODY_BYTES_MAX {
        true => Err(Unreadable::Bytes),
        false => Ok(out.into()),
    }
}

/// The first byte that is neither white space nor byte order mark.
fn begin(bytes: &[u8]) -> Option<u8> {
    without_mark(bytes).trim_ascii_start().first().copied()
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn trimmed(bytes: Bytes) -> Bytes {
    let text = without_mark(&bytes).trim_ascii();
    bytes.slice_ref(text)
}

#[cfg(test)]
mod tests;
