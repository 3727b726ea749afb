//! A pass: the coordinator's word that a question about one workspace may be worked on until an instant.
//!
//! It is a keyed hash under the secret all nodes share, so the secret itself never travels, and whoever
//! overhears a pass has one workspace for the length of one question. Clocks may differ by [`CLOCKS_DIFFER`].

use kernel::time::SECOND;
use kernel::{Instant, Key};

use crate::error::{Error, Result};

/// The header every call carries.
pub(super) const HEADER: &str = "x-headwater-pass";
/// By how much the clocks of two nodes may differ.
const CLOCKS_DIFFER: i64 = 60 * SECOND;
/// Shorter secrets can be tried out.
const SECRET_LENGTH_MIN: usize = 32;
/// Longer names are no workspace's.
const ROOT_LENGTH_MAX: usize = 64;

/// What all nodes of a cluster know and nobody else.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret a text stands for.
    ///
    /// # Errors
    /// [`Error::Refused`] below 32 characters.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.chars().count() < SECRET_LENGTH_MIN {
            let message = format!("the cluster's secret needs at least {SECRET_LENGTH_MIN} characters");
            return Err(Error::Refused(message));
        }
        let mut secret = [0; 32];
        for (half, out) in secret.chunks_exact_mut(16).enumerate() {
            out.copy_from_slice(&Key::of(&[0; 32], &[b"cluster", &[half as u8], text.as_bytes()]).0);
        }
        Ok(Self(secret))
    }
}

/// Without the secret.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What a bearer may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The lake to read, as it is called among all lakes.
    pub(super) root: String,
    /// Until when.
    pub(super) until: Instant,
}

impl Pass {
    /// As the text of a header.
    ///
    /// # Errors
    /// [`Error::Refused`] for a root that is no plain name.
    pub(super) fn seal(&self, secret: &Secret) -> Result<String> {
        if !is_plain(&self.root) {
            return Err(Error::Refused(format!("`{}` is no name of a lake", self.root)));
        }
        Ok(format!("{}.{}.{}", self.until.0, self.root, self.hash(secret)))
    }

    /// Reads [`Pass::seal`]; `None` unless it was made with this secret and is still good.
    pub(super) fn open(text: &str, secret: &Secret, now: Instant) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (until, root, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let pass = Self { root: root.to_owned(), until: Instant(until.parse().ok()?) };
        // Hashed once more, so that how long the comparison takes says nothing.
        let again = |text: &str| Key::of(&secret.0, &[b"compare", text.as_bytes()]);
        let is_ours = again(hash) == again(&pass.hash(secret));
        let is_good = now.0 <= pass.until.0.saturating_add(CLOCKS_DIFFER);
        (is_ours && is_good && is_plain(root)).then_some(pass)
    }

    fn hash(&self, secret: &Secret) -> String {
        kernel::id::base32(
            &Key::of(&secret.0, &[b"pass", &self.until.0.to_le_bytes(), self.root.as_bytes()]).0,
        )
    }
}

/// Whether a name stays inside the folder of all lakes.
fn is_plain(root: &str) -> bool {
    (1..=ROOT_LENGTH_MAX).contains(&root.len())
        && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of thirty-two characters";

    fn secret() -> Secret {
        Secret::parse(SECRET).unwrap()
    }

    fn pass(root: &str) -> Pass {
        Pass { root: root.into(), until: Instant(1_000 * SECOND) }
    }

    #[test]
    fn a_pass_opens_until_its_time_is_over_and_with_its_secret_only() {
        let text = pass("7").seal(&secret()).unwrap();
        assert_eq!(Pass::open(&text, &secret(), Instant(1_060 * SECOND)), Some(pass("7")));
        assert_eq!(Pass::open(&text, &secret(), Instant(1_061 * SECOND)), None);
        let other = Secret::parse("another secret of thirty-two letters").unwrap();
        assert_eq!(Pass::open(&text, &other, Instant(0)), None);
    }

    #[test]
    fn a_pass_that_was_changed_anywhere_does_not_open() {
        let text = pass("ws-1").seal(&secret()).unwrap();
        for (place, letter) in text.char_indices() {
            let other = if letter == '0' { '1' } else { '0' };
            let changed: String =
                text.char_indices().map(|(i, c)| if i == place { other } else { c }).collect();
            assert_eq!(Pass::open(&changed, &secret(), Instant(0)), None, "{changed}");
        }
        assert_eq!(Pass::open("", &secret(), Instant(0)), None);
    }

    #[test]
    fn a_root_outside_the_folder_of_all_lakes_gets_no_pass() {
        for root in ["", ".", "..", "../1", "a/b", "a.b", "ä", &"x".repeat(65)] {
            assert!(matches!(pass(root).seal(&secret()), Err(Error::Refused(_))), "{root}");
        }
    }

    #[test]
    fn a_secret_is_long_and_is_not_shown() {
        assert!(matches!(Secret::parse("short"), Err(Error::Refused(_))));
        assert_eq!(format!("{:?}", secret()), "Secret");
    }
}
