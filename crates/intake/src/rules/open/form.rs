//! Forms: `data` and `data_list` as 神策's SDKs send them, in a body or a query.
//!
//! The other fields need not be believed: `gzip=1` is visible in the bytes, `ext=crc` only repeats what
//! TCP already promised.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::{Unreadable, begin, inflate, trimmed};

/// The fields of a form or query, percent-decoded, in order.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Reads `a=1&b=2`.
    pub fn of(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The first field of this name that is not empty.
    pub fn get(self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.pairs()
            .find(|(key, value)| **key == *name.as_bytes() && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// The first field of this name that is not empty and is UTF-8.
    pub fn text(self, name: &str) -> Option<Cow<'a, str>> {
        match self.get(name)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// All fields.
    pub fn pairs(self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> {
        self.0.split(|byte| *byte == b'&').map(|pair| {
            let (key, value) = match memchr::memchr(b'=', pair) {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            (unescape(key), unescape(value))
        })
    }
}

/// The JSON text in a form's `data_list` or `data`.
pub(super) fn json(form: &[u8]) -> Result<Bytes, Unreadable> {
    let fields = Fields::of(form.trim_ascii());
    let value = fields.get("data_list").or_else(|| fields.get("data")).ok_or(Unreadable::Malformed(
        "the body is neither gzip, nor JSON, nor a form with `data` or `data_list`",
    ))?;
    let plain = match begin(&value) {
        Some(b'{' | b'[') => Bytes::from(value.into_owned()),
        _ => Bytes::from(base64(&value).ok_or(Unreadable::Malformed("`data` is not base64"))?),
    };
    let text = trimmed(inflate(plain)?);
    match text.first() {
        Some(b'{' | b'[') => Ok(text),
        _ => Err(Unreadable::Malformed("`data` holds no JSON")),
    }
}

/// Decodes base64 of either alphabet, padded or not.
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let engine = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(true),
    );
    let mut plain = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            // A sender that forgets to escape `+` in a form sends what reads as a space.
            b' ' | b'-' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            b'=' | b'\r' | b'\n' | b'\t' => {}
            byte => plain.push(*byte),
        }
    }
    engine.decode(plain).ok()
}

fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, text.get(at + 1..at + 3).and_then(hex)) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    Cow::Owned(out)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(digits[0])? << 4 | digit(digits[1])?) as u8)
}
