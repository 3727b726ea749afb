//! Some events of one node in one row.
//!
//! ```text
//! version u8 · flags u8 · count · heads · names · (name, head, index, time, key, length) × count · payload
//! payload = the heads' and events' bytes, zstd with a built-in dictionary if flag 1
//! ```
//!
//! Events stay the bytes their sender wrote; what a request says for all its events (its head: a frame
//! without events) is kept once a chunk. Reading an event back is decoding it as the pipeline did. Names and
//! times stand before the payload, so that whoever wants to know when what happened unpacks nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use intake::rules::frame::Frame;
use kernel::{Failure, Instant, Key};

use super::varint::{read, write};

/// An event as a timeline keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Event time; with `key` the timeline's order.
    pub time: Instant,
    /// The event's key.
    pub key: Key,
    /// Its place in its request.
    pub index: u32,
    /// Its name.
    pub event: Arc<str>,
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
    /// Its name.
    pub event: &'a str,
    /// The request's frame without its events.
    pub head: &'a [u8],
    /// Its bytes as they were sent.
    pub raw: &'a [u8],
}

impl Stored {
    /// The same, borrowed.
    pub fn piece(&self) -> Piece<'_> {
        let Self { time, key, index, event, head, raw } = self;
        Piece { time: *time, key: *key, index: *index, event, head, raw }
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
    let (mut heads, mut names): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    let mut table = Vec::with_capacity(events.len() * 32);
    let mut payload = Vec::with_capacity(events.iter().map(|e| e.raw.len() + 64).sum());
    for event in events {
        write(&mut table, place(&mut names, event.event.as_bytes()));
        write(&mut table, place(&mut heads, event.head));
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
    write(&mut out, names.len() as u64);
    for name in &names {
        write(&mut out, name.len() as u64);
        out.extend_from_slice(name);
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

/// The place of a text in a short list, added if it is not there.
fn place<'a>(list: &mut Vec<&'a [u8]>, text: &'a [u8]) -> u64 {
    let found = list.iter().position(|known| *known == text);
    found.unwrap_or_else(|| {
        list.push(text);
        list.len() - 1
    }) as u64
}

/// Unpacks what [`encode`] packed.
///
/// # Errors
/// [`Failure::Internal`] for damaged bytes.
pub fn decode(bytes: &[u8]) -> kernel::Result<Vec<Stored>> {
    let chunk = Packed::open(bytes)?;
    let payload = chunk.unpack()?;
    let heads = chunk.heads(&payload)?;
    let names: Vec<Arc<str>> = chunk.names.iter().map(|name| Arc::from(*name)).collect();
    let stored = chunk.rows.iter().map(|row| {
        let (head, raw) = (heads[row.head].to_vec(), row.raw(&payload).to_vec());
        let event = Arc::clone(&names[row.name]);
        Stored { time: row.time, key: row.key, index: row.index, event, head, raw }
    });
    Ok(stored.collect())
}

/// A chunk whose table is read and whose payload is not unpacked yet.
#[derive(Debug)]
pub struct Packed<'a> {
    /// The names of its events, each once.
    pub names: Vec<&'a str>,
    /// Its events, in order of time and key.
    pub rows: Vec<Row>,
    head_lengths: Vec<usize>,
    length: usize,
    is_compressed: bool,
    body: &'a [u8],
}

/// Where an event of a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name, by its place among those of the chunk.
    pub name: usize,
    /// Its request's head, by its place among those of the chunk.
    pub head: usize,
    /// Its place in its request.
    pub index: u32,
    /// Event time.
    pub time: Instant,
    /// The event's key.
    pub key: Key,
    start: usize,
    end: usize,
}

impl Row {
    /// The event's bytes in an unpacked payload.
    pub fn raw<'p>(&self, payload: &'p [u8]) -> &'p [u8] {
        payload.get(self.start..self.end).unwrap_or_default()
    }
}

impl<'a> Packed<'a> {
    /// Reads the table of a chunk.
    ///
    /// # Errors
    /// [`Failure::Internal`] for damaged bytes.
    pub fn open(bytes: &'a [u8]) -> kernel::Result<Self> {
        Self::read(bytes).ok_or_else(damaged)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut input = bytes;
        let [version, flags] = take(&mut input, 2)? else { return None };
        if *version != VERSION {
            return None;
        }
        let count = read(&mut input)? as usize;
        let head_lengths: Vec<usize> = listed(&mut input, count, |input| Some(read(input)? as usize))?;
        let names: Vec<&str> = listed(&mut input, count, |input| {
            let length = read(input)? as usize;
            std::str::from_utf8(take(input, length)?).ok()
        })?;
        // The decompressor reserves what it is told, so that must be what the table says.
        let mut end = head_lengths.iter().try_fold(0usize, |sum, part| sum.checked_add(*part))?;
        let mut rows = Vec::with_capacity(count.min(bytes.len() / 27));
        for _ in 0..count {
            let (name, head, index) =
                (read(&mut input)? as usize, read(&mut input)? as usize, read(&mut input)?);
            let time = Instant(i64::from_le_bytes(take(&mut input, 8)?.try_into().ok()?));
            let key = Key::from_slice(take(&mut input, 16)?)?;
            let start = end;
            end = end.checked_add(read(&mut input)? as usize)?;
            if name >= names.len() || head >= head_lengths.len() {
                return None;
            }
            rows.push(Row { name, head, index: index as u32, time, key, start, end });
        }
        let length = read(&mut input)? as usize;
        let is_sound = length == end && length <= PAYLOAD_BYTES_MAX;
        let is_compressed = flags & COMPRESSED != 0;
        is_sound.then_some(Self { names, rows, head_lengths, length, is_compressed, body: input })
    }

    /// The payload as it was before it was packed.
    ///
    /// # Errors
    /// [`Failure::Internal`] for damaged bytes.
    pub fn unpack(&self) -> kernel::Result<Cow<'a, [u8]>> {
        let payload = match self.is_compressed {
            false => Cow::Borrowed(self.body),
            true => {
                let unpacked = DECOMPRESSOR.with_borrow_mut(|d| d.decompress(self.body, self.length));
                Cow::Owned(unpacked.map_err(|_| damaged())?)
            }
        };
        if payload.len() == self.length { Ok(payload) } else { Err(damaged()) }
    }

    /// The heads of the requests, from the payload.
    ///
    /// # Errors
    /// [`Failure::Internal`] for damaged bytes.
    pub fn heads<'p>(&self, payload: &'p [u8]) -> kernel::Result<Vec<&'p [u8]>> {
        let mut rest = payload;
        let heads = self.head_lengths.iter().map(|length| take(&mut rest, *length));
        heads.collect::<Option<_>>().ok_or_else(damaged)
    }
}

fn damaged() -> Failure {
    Failure::internal("a timeline chunk is damaged")
}

/// A list of at most `max` things, after their number.
fn listed<'a, T>(
    input: &mut &'a [u8],
    max: usize,
    read_one: impl Fn(&mut &'a [u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let count = read(input)? as usize;
    if count > max || count > input.len() {
        return None;
    }
    (0..count).map(|_| read_one(input)).collect()
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(head)
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
                event: ["Product Viewed", "页面浏览"][i as usize % 2].into(),
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
    fn names_and_times_are_read_without_the_payload() {
        let (events, bytes) = (events(5), packed(&events(5)));
        let cut = Packed { body: &[], ..Packed::open(&bytes).unwrap() };
        assert_eq!(cut.names, ["Product Viewed", "页面浏览"]);
        let rows: Vec<_> = cut.rows.iter().map(|row| (cut.names[row.name], row.time)).collect();
        assert_eq!(rows, events.iter().map(|e| (&*e.event, e.time)).collect::<Vec<_>>());
        assert!(cut.unpack().is_err());
    }

    #[test]
    fn a_chunk_that_claims_to_be_huge_is_an_error_and_reserves_nothing() {
        let claim = b"\x01\x05\0\0\0\xff\xff\xff\xff\xff\xff\x26\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x01\0AAAA";
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
