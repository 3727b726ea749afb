//! Signatures of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`, one for each secret in force.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::Failure;
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Bytes of a key: fewer are guessed, more are of no use.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key of one receiver: `whsec_` and 24 to 64 bytes in base 64.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if it is none.
    pub fn parse(text: &str) -> kernel::Result<Self> {
        let wrong = || Failure::invalid("secret", "`whsec_` and 24 to 64 bytes in base 64");
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or_else(wrong)?).map_err(|_| wrong())?;
        if KEY_BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(wrong()) }
    }

    /// The secret of these bytes, as it is handed out.
    pub fn text(bytes: &[u8; 32]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(bytes))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The value of `webhook-signature`: one signature a key, separated by spaces.
pub fn sign(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures = keys.iter().map(|Key(key)| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = sign(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let [old, new] = [[1; 32], [2; 32]].map(|bytes| Key::parse(&Key::text(&bytes)).unwrap());
        let both = sign(&[new.clone(), old.clone()], "a", 1, b"{}");
        assert_eq!(both, format!("{} {}", sign(&[new], "a", 1, b"{}"), sign(&[old], "a", 1, b"{}")));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_%%%"] {
            let refused = Key::parse(text).unwrap_err().to_string();
            assert!(
                refused.starts_with("secret: ") && (text.is_empty() || !refused.contains(text)),
                "{refused}"
            );
        }
        assert_eq!(format!("{:?}", Key::parse(&Key::text(&[7; 32])).unwrap()), "Key(…)");
    }
}
