//! API tokens and write keys: their form, and how they are stored.

use kernel::id::base32;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// An API token as it is shown once: `hw_<id>_<secret>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Public part: finds the row, appears in the audit log.
    pub id: String,
    /// The text to hand out.
    pub text: String,
}

/// Makes a token of fresh bytes.
pub fn token(id: &[u8; 16], secret: &[u8; 32]) -> Token {
    let id = base32(id);
    let text = format!("hw_{id}_{}", hex(secret));
    Token { id, text }
}

/// A write key of fresh bytes: 26 characters, as public as a browser makes it.
pub fn write_key(secret: &[u8; 32]) -> String {
    let mut half = [0; 16];
    half.copy_from_slice(&secret[..16]);
    format!("wk_{}", base32(&half))
}

/// The id inside a token, if it has the form of one.
pub fn token_id(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix("hw_")?.split_once('_')?;
    (id.len() == 26 && secret.len() == 64).then_some(id)
}

/// What is stored of a token or a write key.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether `text` is the credential stored as `stored`, in constant time.
pub fn matches(text: &str, stored: &[u8]) -> bool {
    hash(text).ct_eq(stored).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_id_and_proved_by_its_hash() {
        let token = token(&[1; 16], &[2; 32]);
        assert_eq!(token_id(&token.text), Some(token.id.as_str()));
        assert!(matches(&token.text, &hash(&token.text)));
        assert!(!matches("hw_x_y", &hash(&token.text)));
        assert_eq!(token_id("hw_short_secret"), None);
    }
}
