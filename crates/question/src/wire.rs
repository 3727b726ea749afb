//! Bytes of partial answers: numbers in groups of seven bits, texts and bitmaps with their lengths.

use roaring::RoaringBitmap;

use crate::partial::{Name, Part};

/// Writes.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

/// Reads what is left.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
}

impl Writer {
    pub(crate) fn number(&mut self, number: u64) {
        self.wide(u128::from(number));
    }

    fn wide(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Small magnitudes take few bytes, whatever their sign.
    pub(crate) fn signed(&mut self, number: i128) {
        self.wide((number << 1 ^ number >> 127).cast_unsigned());
    }

    fn slice(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        text.into_iter().for_each(|text| self.slice(text.as_bytes()));
    }

    pub(crate) fn people(&mut self, people: Option<&RoaringBitmap>) {
        self.number(u64::from(people.is_some()));
        if let Some(people) = people {
            self.number(people.serialized_size() as u64);
            people.serialize_into(&mut self.bytes).expect("a vector takes whatever is written");
        }
    }

    pub(crate) fn name(&mut self, name: &Name) {
        self.number(name.len() as u64);
        for part in name {
            match part {
                Part::Missing => self.number(0),
                Part::Number(number) => {
                    self.number(1);
                    self.signed(i128::from(*number));
                }
                Part::Text(text) => {
                    self.number(2);
                    self.slice(text.as_bytes());
                }
            }
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        u64::try_from(self.wide()?).ok()
    }

    fn wide(&mut self) -> Option<u128> {
        let (mut number, mut shift) = (0u128, 0);
        loop {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u128::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    pub(crate) fn signed(&mut self) -> Option<i128> {
        let number = self.wide()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn slice(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (slice, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(slice)
    }

    fn string(&mut self) -> Option<Box<str>> {
        std::str::from_utf8(self.slice()?).ok().map(Box::from)
    }

    /// `None` is damage, `Some(None)` no text.
    #[expect(clippy::option_option, reason = "damage and absence are different things")]
    pub(crate) fn text(&mut self) -> Option<Option<Box<str>>> {
        match self.number()? {
            0 => Some(None),
            1 => self.string().map(Some),
            _ => None,
        }
    }

    #[expect(clippy::option_option, reason = "damage and absence are different things")]
    pub(crate) fn people(&mut self) -> Option<Option<RoaringBitmap>> {
        match self.number()? {
            0 => Some(None),
            1 => RoaringBitmap::deserialize_from(self.slice()?).ok().map(Some),
            _ => None,
        }
    }

    pub(crate) fn name(&mut self) -> Option<Name> {
        let parts = (0..self.number()?).map(|_| {
            Some(match self.number()? {
                0 => Part::Missing,
                1 => Part::Number(i64::try_from(self.signed()?).ok()?),
                2 => Part::Text(self.string()?),
                _ => return None,
            })
        });
        parts.collect()
    }
}
