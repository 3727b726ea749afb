//! Some events of one node in one row.
//!
//! ```text
//! version u8 · flags u8 · count · heads · (head, index, time, key, length) × count · payload
//! payload = the heads' and events' bytes, zstd with a built-in dictionary if flag 1
//! ```
//!
//! Events stay the bytes their sender wrote; what a request says for all its events (its head: a frame
//! without events) is kept once a chunk. Reading an event back is decoding it as the pipeline did.

use std::cell::RefCell;

use intake::rules::frame::Frame;
use kernel::{Failure, Instant, Key};

/// An event as a timeline keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Event time; with `key` the timeline's order.
    pub time: Instant,
    /// The event's key.
    pub key: Key,
    /// Its place in its request.
    pub index: u32,
    /// The request's frame without its events.
    pub head: Vec<u8>,
    /// Its bytes as they were sent.
    pub raw: Vec<u8>,
}

/// An event on its way into a chunk, borrowed from the request it came in.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Event time.
    pub time: Instant,
    /// The event's key.
    pub key: Key,
    /// Its place in its request.
    pub index: u32,
    /// The request's frame without its events.
    pub head: &'a [u8],
    /// Its bytes as they were sent.
    pub raw: &'a [u8],
}

impl Stored {
    /// The same, borrowed.
    pub fn piece(&self) -> Piece<'_> {
        let Self { time, key, index, head, raw } = self;
        Piece { time: *time, key: *key, index: *index, head, raw }
    }
}

const VERSION: u8 = 1;
const COMPRESSED: u8 = 1;
/// Below this a payload is not worth compressing.
const COMPRESS_BYTES_MIN: usize = 200;
/// Far beyond any chunk: 256 events of the largest size are 8 MiB.
const PAYLOAD_BYTES_MAX: usize = 256 << 20;
/// The fastest level: chunks are written on the hot path.
const LEVEL: i32 = 1;
/// What real SDKs repeat in every message. Part of the stored format: never change, only add versions.
static DICTIONARY: &[u8] = include_bytes!("chunk.dictionary");

thread_local! {
    static COMPRESSOR: RefCell<zstd::bulk::Compressor<'static>> = RefCell::new(
        zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY).expect("the dictionary is plain text"),
    );
    static DECOMPRESSOR: RefCell<zstd::bulk::Decompressor<'static>> = RefCell::new(
        zstd::bulk::Decompressor::with_dictionary(DICTIONARY).expect("the dictionary is plain text"),
    );
}

/// The head of a frame: everything but its events.
pub fn head_of(frame: &Frame<'_>) -> Vec<u8> {
    Frame { first: 0, events: Vec::new(), ..frame.clone() }.encode()
}

/// Packs events, in the order given.
pub fn encode(events: &[Piece<'_>]) -> Vec<u8> {
    let mut heads: Vec<&[u8]> = Vec::new();
    let mut table = Vec::with_capacity(events.len() * 32);
    let mut payload = Vec::with_capacity(events.iter().map(|e| e.raw.len() + 64).sum());
    for event in events {
        let head = heads.iter().position(|h| *h == event.head).unwrap_or_else(|| {
            heads.push(event.head);
            heads.len() - 1
        });
        write(&mut table, head as u64);
        write(&mut table, event.index.into());
        table.extend_from_slice(&event.time.0.to_le_bytes());
        table.extend_from_slice(&event.key.0);
        write(&mut table, event.raw.len() as u64);
    }
    let mut out = vec![VERSION, 0];
    write(&mut out, events.len() as u64);
    write(&mut out, heads.len() as u64);
    for head in &heads {
        write(&mut out, head.len() as u64);
        payload.extend_from_slice(head);
    }
    events.iter().for_each(|event| payload.extend_from_slice(event.raw));
    out.extend_from_slice(&table);
    write(&mut out, payload.len() as u64);
    if payload.len() >= COMPRESS_BYTES_MIN
        && let Ok(packed) = COMPRESSOR.with_borrow_mut(|c| c.compress(&payload))
        && packed.len() < payload.len()
    {
        out[1] |= COMPRESSED;
        out.extend_from_slice(&packed);
    } else {
        out.extend_from_slice(&payload);
    }
    out
}

/// Unpacks what [`encode`] packed.
///
/// # Errors
/// [`Failure::Internal`] for damaged bytes.
pub fn decode(bytes: &[u8]) -> kernel::Result<Vec<Stored>> {
    decode_checked(bytes).ok_or_else(|| Failure::internal("a timeline chunk is damaged"))
}

fn decode_checked(bytes: &[u8]) -> Option<Vec<Stored>> {
    let mut input = bytes;
    let [version, flags] = take(&mut input, 2)? else { return None };
    if *version != VERSION {
        return None;
    }
    let (count, head_count) = (read(&mut input)? as usize, read(&mut input)? as usize);
    if count > bytes.len() || head_count > count {
        return None;
    }
    let head_lengths: Vec<usize> =
        (0..head_count).map(|_| read(&mut input).map(|n| n as usize)).collect::<Option<_>>()?;
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let (head, index) = (read(&mut input)? as usize, read(&mut input)? as u32);
        let time = Instant(i64::from_le_bytes(take(&mut input, 8)?.try_into().ok()?));
        let key = Key::from_slice(take(&mut input, 16)?)?;
        rows.push((head, index, time, key, read(&mut input)? as usize));
    }
    let length = read(&mut input)? as usize;
    // The decompressor reserves what it is told, so that must be what the table says.
    let mut parts = head_lengths.iter().chain(rows.iter().map(|(.., length)| length));
    let sum = parts.try_fold(0usize, |sum, part| sum.checked_add(*part))?;
    if length != sum || length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = match flags & COMPRESSED {
        0 => input.to_vec(),
        _ => DECOMPRESSOR.with_borrow_mut(|d| d.decompress(input, length)).ok()?,
    };
    let mut rest = &payload[..];
    let heads: Vec<&[u8]> = head_lengths.into_iter().map(|n| take(&mut rest, n)).collect::<Option<_>>()?;
    let events = rows.into_iter().map(|(head, index, time, key, length)| {
        let (head, raw) = (heads.get(head)?.to_vec(), take(&mut rest, length)?.to_vec());
        Some(Stored { time, key, index, head, raw })
    });
    events.collect()
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(head)
}

/// LEB128.
fn write(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let [byte] = take(input, 1)? else { return None };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: u32) -> Vec<Stored> {
        (0..count)
            .map(|i| Stored {
                time: Instant(i64::from(i) * 1_000 - 5),
                key: Key::of(&[0; 32], &[&i.to_le_bytes()]),
                index: i,
                head: format!("head {}", i / 3).into_bytes(),
                raw: format!(r#"{{"type":"track","event":"Product Viewed","properties":{{"n":{i}}}}}"#)
                    .into(),
            })
            .collect()
    }

    fn packed(events: &[Stored]) -> Vec<u8> {
        encode(&events.iter().map(Stored::piece).collect::<Vec<_>>())
    }

    #[test]
    fn a_chunk_reads_back_what_was_packed() {
        for count in [0, 1, 7, 500] {
            assert_eq!(decode(&packed(&events(count))).unwrap(), events(count));
        }
    }

    #[test]
    fn a_chunk_that_claims_to_be_huge_is_an_error_and_reserves_nothing() {
        let claim = b"\x01\x05\0\0\xff\xff\xff\xff\xff\xff\x26\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x01\0AAAA";
        assert!(decode(claim).is_err());
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic() {
        let bytes = packed(&events(20));
        for cut in 0..bytes.len() {
            let _ = decode(&bytes[..cut]);
        }
        for i in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[i] ^= 0x41;
            let _ = decode(&broken);
        }
    }
}
