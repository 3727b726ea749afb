//! The frame: what one request puts into the log. Events stay the bytes their sender wrote.
//!
//! Little-endian, no padding, versioned by its third byte:
//!
//! ```text
//! 'H' 'W' version protocol flags | received i64 | receipt 16 | source u32
//! | sent_at i64 if flag 1 | ip text if flag 4 | user agent text if flag 8 | shared text if flag 16
//! | first varint if flag 32 | count varint | (length varint, bytes) × count          flag 2 = import; text = varint length, UTF-8
//! ```
//!
//! Decoding borrows from the bytes and checks every length against what is left, so a truncated or
//! foreign frame is an error and costs no memory. There is no checksum: the log has one for every entry.

use kernel::{Instant, SourceNo};

const MAGIC: [u8; 2] = *b"HW";
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 5 + 8 + 16 + 4;

const HAS_SENT_AT: u8 = 1;
const IS_IMPORT: u8 = 2;
const HAS_IP: u8 = 4;
const HAS_USER_AGENT: u8 = 8;
const HAS_SHARED: u8 = 16;
const HAS_FIRST: u8 = 32;
const FLAGS_KNOWN: u8 = 63;

/// Which language the events of a frame speak. The numbers are stored and never change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Protocol {
    /// Segment's, which RudderStack's SDKs speak too.
    Segment = 1,
    /// 神策's.
    Sensors = 2,
    /// Ours: Segment's message shape, and CloudEvents.
    Own = 3,
    /// Not events: one command of the system itself.
    Command = 9,
}

impl Protocol {
    fn of_number(number: u8) -> Option<Self> {
        [Self::Segment, Self::Sensors, Self::Own, Self::Command].into_iter().find(|p| *p as u8 == number)
    }
}

/// One request's events and what they have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// The language of the events.
    pub protocol: Protocol,
    /// When the request arrived. All later logic uses this, never the wall clock.
    pub received: Instant,
    /// A fresh id of this frame; message ids are derived from it where a sender gave none.
    pub receipt: [u8; 16],
    /// Who sent it.
    pub source: SourceNo,
    /// When the sender's clock said it was sent.
    pub sent_at: Option<Instant>,
    /// Whether old events are expected.
    pub is_import: bool,
    /// The sender's address.
    pub ip: Option<&'a str>,
    /// The sender's `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// A JSON object with what the batch says for all its events: `context`, `integrations`, `type`.
    pub shared: Option<&'a str>,
    /// The index that the first of `events` had in the frame it landed in: 0, unless this is an extract
    /// made by [`Frame::only`]. Derived message ids and the order within a millisecond depend on it.
    pub first: u32,
    /// The raw JSON of each event, exactly as sent and not yet known to be valid.
    pub events: Vec<&'a [u8]>,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// It does not begin like a frame, or has bytes after its end.
    #[error("not a frame")]
    Foreign,
    /// It was written by a newer program.
    #[error("frame version {0} is not known")]
    Version(u8),
    /// It ends too early.
    #[error("the frame is truncated")]
    Truncated,
    /// A text in it is not UTF-8.
    #[error("a text of the frame is not UTF-8")]
    Text,
}

impl<'a> Frame<'a> {
    /// The frame of a command, which comes from no source.
    pub fn command(received: Instant, receipt: [u8; 16], raw: &'a [u8]) -> Self {
        Self {
            protocol: Protocol::Command,
            received,
            receipt,
            source: SourceNo(0),
            sent_at: None,
            is_import: false,
            ip: None,
            user_agent: None,
            shared: None,
            first: 0,
            events: vec![raw],
        }
    }

    /// A frame with only the event at `index`, which decodes to the same record there as here. With no
    /// events if there is none.
    #[must_use]
    pub fn only(&self, index: usize) -> Self {
        let first = self.first.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        let events = self.events.get(index).copied().into_iter().collect();
        Self { first, events, ..*self }
    }

    /// The bytes for the log.
    pub fn encode(&self) -> Vec<u8> {
        let texts = [self.ip, self.user_agent, self.shared];
        let text_bytes: usize = texts.iter().flatten().map(|t| t.len() + 5).sum();
        let event_bytes: usize = self.events.iter().map(|e| e.len() + 5).sum();
        let mut out = Vec::with_capacity(HEAD_BYTES + 16 + text_bytes + event_bytes);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, self.protocol as u8, self.flags()]);
        out.extend_from_slice(&self.received.0.to_le_bytes());
        out.extend_from_slice(&self.receipt);
        out.extend_from_slice(&self.source.0.to_le_bytes());
        if let Some(sent_at) = self.sent_at {
            out.extend_from_slice(&sent_at.0.to_le_bytes());
        }
        for text in texts.into_iter().flatten() {
            write_bytes(&mut out, text.as_bytes());
        }
        if self.first > 0 {
            write_varint(&mut out, self.first as usize);
        }
        write_varint(&mut out, self.events.len());
        for event in &self.events {
            write_bytes(&mut out, event);
        }
        out
    }

    /// Reads what [`Frame::encode`] wrote, borrowing from `bytes`.
    ///
    /// # Errors
    /// See [`Damage`]; never panics, whatever the bytes.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Damage::Foreign);
        }
        let mut rest = Rest(&bytes[MAGIC.len()..]);
        let [version, protocol, flags] = rest.array()?;
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let protocol = Protocol::of_number(protocol).ok_or(Damage::Foreign)?;
        if flags & !FLAGS_KNOWN != 0 {
            return Err(Damage::Foreign);
        }
        let received = Instant(i64::from_le_bytes(rest.array()?));
        let receipt = rest.array()?;
        let source = SourceNo(u32::from_le_bytes(rest.array()?));
        let sent_at = match flags & HAS_SENT_AT {
            0 => None,
            _ => Some(Instant(i64::from_le_bytes(rest.array()?))),
        };
        let ip = rest.text_if(flags & HAS_IP)?;
        let user_agent = rest.text_if(flags & HAS_USER_AGENT)?;
        let shared = rest.text_if(flags & HAS_SHARED)?;
        let first = match flags & HAS_FIRST {
            0 => 0,
            _ => u32::try_from(rest.varint()?).map_err(|_| Damage::Foreign)?,
        };
        let events = rest.events()?;
        if !rest.0.is_empty() {
            return Err(Damage::Foreign);
        }
        let is_import = flags & IS_IMPORT != 0;
        Ok(Self {
            protocol,
            received,
            receipt,
            source,
            sent_at,
            is_import,
            ip,
            user_agent,
            shared,
            first,
            events,
        })
    }

    fn flags(&self) -> u8 {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        flag(self.sent_at.is_some(), HAS_SENT_AT)
            | flag(self.is_import, IS_IMPORT)
            | flag(self.ip.is_some(), HAS_IP)
            | flag(self.user_agent.is_some(), HAS_USER_AGENT)
            | flag(self.shared.is_some(), HAS_SHARED)
            | flag(self.first > 0, HAS_FIRST)
    }
}

fn write_varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Damage::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    fn varint(&mut self) -> Result<usize, Damage> {
        let mut number = 0usize;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damage::Foreign)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.varint()?;
        let (head, tail) = self.0.split_at_checked(length).ok_or(Damage::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn text_if(&mut self, flag: u8) -> Result<Option<&'a str>, Damage> {
        if flag == 0 {
            return Ok(None);
        }
        std::str::from_utf8(self.bytes()?).map(Some).map_err(|_| Damage::Text)
    }

    fn events(&mut self) -> Result<Vec<&'a [u8]>, Damage> {
        let count = self.varint()?;
        // Every event costs at least its length byte: a forged count cannot reserve more than that.
        if count > self.0.len() {
            return Err(Damage::Truncated);
        }
        let mut events = Vec::with_capacity(count);
        for _ in 0..count {
            events.push(self.bytes()?);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Frame<'static> {
        Frame {
            protocol: Protocol::Sensors,
            received: Instant(-5),
            receipt: [9; 16],
            source: SourceNo(u32::MAX),
            sent_at: Some(Instant(i64::MAX)),
            is_import: true,
            ip: Some("2001:db8::1"),
            user_agent: Some("浏览器"),
            shared: Some(r#"{"type":"track"}"#),
            first: 300,
            events: vec![br#"{"a":1}"#, b"", b"\xff not utf-8", &[b'x'; 300]],
        }
    }

    #[test]
    fn a_frame_reads_back_what_it_wrote() {
        let bare = Frame {
            sent_at: None,
            is_import: false,
            ip: None,
            user_agent: None,
            shared: None,
            first: 0,
            events: Vec::new(),
            ..full()
        };
        for protocol in [Protocol::Segment, Protocol::Sensors, Protocol::Own, Protocol::Command] {
            for frame in [full(), bare.clone()] {
                let frame = Frame { protocol, ..frame };
                assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
            }
        }
    }

    #[test]
    fn every_truncation_and_every_foreign_byte_is_an_error_or_another_frame_but_no_panic() {
        let bytes = full().encode();
        for length in 0..bytes.len() {
            assert!(Frame::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = Frame::decode(&changed);
            }
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Frame::decode(&longer), Err(Damage::Foreign));
        let mut newer = bytes;
        newer[2] = 2;
        assert_eq!(Frame::decode(&newer), Err(Damage::Version(2)));
        assert_eq!(Frame::decode(b"{\"batch\":[]}"), Err(Damage::Foreign));
    }

    #[test]
    fn the_stored_form_of_version_1_never_changes() {
        let frame = Frame { events: vec![b"{}"], ..full() };
        let hex: String = frame.encode().iter().map(|b| format!("{b:02x}")).collect();
        let expected = concat!(
            "485701023f",
            "fbffffffffffffff",
            "09090909090909090909090909090909",
            "ffffffff",
            "ffffffffffffff7f",
            "0b323030313a6462383a3a31",
            "09e6b58fe8a788e599a8",
            "107b2274797065223a22747261636b227d",
            "ac02",
            "01027b7d",
        );
        assert_eq!(hex, expected);
    }
}
