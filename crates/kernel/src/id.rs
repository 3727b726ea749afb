//! Ids are types. Internal numbers are small and local to one workspace; public ids are keyed hashes.
//!
//! A party's public id *is* the key of the identifier it is anchored at, so every id that was ever
//! handed out resolves for ever, through its identifier, to whoever holds that identifier today.

use std::fmt;

/// A workspace's number inside one installation. The wall: nothing crosses it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct WorkspaceNo(pub u32);

/// One identifier of one workspace, dense, in order of first arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct NodeNo(pub u64);

/// One party of one workspace, dense: the index used in bitmaps and sort keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct PartyNo(pub u32);

/// One source of one workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct SourceNo(pub u32);

/// 128 bits of a keyed BLAKE3 hash: the name of an identifier, an event or a party.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// Hashes `parts` under a workspace's secret. Parts are length-prefixed, so `("ab","c")` and
    /// `("a","bc")` differ.
    pub fn of(secret: &[u8; 32], parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        for part in parts {
            hasher.update(&(part.len() as u32).to_le_bytes());
            hasher.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(key)
    }

    /// The key stored in a 16-byte column, or `None` for another length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A map keyed by [`Key`]s, which are hashes already and need no second one.
pub type KeyMap<V> = std::collections::HashMap<Key, V, std::hash::BuildHasherDefault<KeyHasher>>;
/// A set of [`Key`]s.
pub type KeySet = std::collections::HashSet<Key, std::hash::BuildHasherDefault<KeyHasher>>;

/// Takes the first eight bytes of a key as its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl std::hash::Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8).take(1) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = u64::from_le_bytes(word);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length prefix of an array's bytes: the same for every key.
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", base32(&self.0))
    }
}

/// The public id of a party: `pty_` and 26 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub Key);

impl PartyId {
    /// Reads the text form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        unbase32(text.strip_prefix("pty_")?).map(|bytes| Self(Key(bytes)))
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pty_{}", base32(&self.0.0))
    }
}

impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Crockford's alphabet in lower case: no i, l, o, u, and it sorts like the bytes.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 16 bytes as 26 characters of Crockford base 32.
pub fn base32(bytes: &[u8; 16]) -> String {
    let value = u128::from_be_bytes(*bytes);
    (0..26).rev().map(|i| ALPHABET[((value >> (5 * i)) & 31) as usize] as char).collect()
}

/// The inverse of [`base32`]; `None` for a wrong length, alphabet or overflow.
pub fn unbase32(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 {
        return None;
    }
    let mut value: u128 = 0;
    for (i, c) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|a| *a == c)? as u128;
        if i == 0 && digit > 7 {
            return None;
        }
        value = value << 5 | digit;
    }
    Some(value.to_be_bytes())
}

/// Where fresh ids come from. The binary's is UUIDv7; tests count.
pub trait IdSource: Send + Sync {
    /// 16 bytes never handed out before, roughly in order of time.
    fn fresh(&self) -> [u8; 16];

    /// 32 bytes nobody can guess.
    fn secret(&self) -> [u8; 32];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_id_reads_back_what_it_prints() {
        let id = PartyId(Key::of(&[7; 32], &[b"user_id", b"u-1"]));
        assert_eq!(PartyId::parse(&id.to_string()), Some(id));
        assert_eq!(PartyId::parse("pty_zzzzzzzzzzzzzzzzzzzzzzzzzz"), None, "overflows 128 bits");
        assert_eq!(PartyId::parse("pty_short"), None);
    }

    #[test]
    fn the_borders_between_hashed_parts_matter() {
        assert_ne!(Key::of(&[0; 32], &[b"ab", b"c"]), Key::of(&[0; 32], &[b"a", b"bc"]));
    }
}
