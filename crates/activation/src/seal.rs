//! Secrets at rest: each under a key of its own (AES-256-GCM), which is sealed under one made of the
//! workspace's secret. The id of the secret is bound to it, so that one cannot be put in another's place.
//!
//! ```text
//! version u8 · nonce 12 · sealed key 32 + 16 · nonce 12 · sealed text + 16
//! ```

use kernel::id::IdSource;
use kernel::{Failure, WorkspaceNo};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + NONCE_LEN + KEY_BYTES + TAG_BYTES + NONCE_LEN;
/// What the key is for: another purpose has another key.
const PURPOSE: &str = "headwater 2026 destination secrets";

/// Seals and opens the secrets of one workspace.
pub struct Sealer {
    key: [u8; KEY_BYTES],
    workspace: WorkspaceNo,
}

impl Sealer {
    /// For a workspace with this secret.
    pub fn new(workspace: WorkspaceNo, secret: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key(PURPOSE, secret), workspace }
    }

    /// Seals a text under an id.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the cipher refuses, which it does not.
    pub fn seal(&self, ids: &dyn IdSource, id: &str, text: &str) -> kernel::Result<Vec<u8>> {
        let key = ids.secret();
        let mut out = vec![VERSION];
        self.seal_part(&self.key, &nonce_of(ids), id, &key, &mut out)?;
        self.seal_part(&key, &nonce_of(ids), id, text.as_bytes(), &mut out)?;
        Ok(out)
    }

    /// Opens what [`Sealer::seal`] sealed under the same id.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it is not that.
    pub fn open(&self, id: &str, sealed: &[u8]) -> kernel::Result<String> {
        let broken = || Failure::internal("a secret cannot be opened");
        if sealed.len() < HEAD_BYTES || sealed[0] != VERSION {
            return Err(broken());
        }
        let (head, text) = sealed[1..].split_at(HEAD_BYTES - 1 - NONCE_LEN);
        let key = self.open_part(&self.key, id, head).ok_or_else(broken)?;
        let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| broken())?;
        let text = self.open_part(&key, id, text).ok_or_else(broken)?;
        String::from_utf8(text).map_err(|_| broken())
    }

    fn bound(&self, id: &str) -> Aad<Vec<u8>> {
        Aad::from([&self.workspace.0.to_le_bytes()[..], id.as_bytes()].concat())
    }

    fn seal_part(
        &self,
        key: &[u8; KEY_BYTES],
        nonce: &[u8; NONCE_LEN],
        id: &str,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> kernel::Result<()> {
        let refused = |_| Failure::internal("the cipher refuses");
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(refused)?);
        let mut text = plain.to_vec();
        let nonce_once = Nonce::assume_unique_for_key(*nonce);
        cipher.seal_in_place_append_tag(nonce_once, self.bound(id), &mut text).map_err(refused)?;
        out.extend_from_slice(nonce);
        out.extend_from_slice(&text);
        Ok(())
    }

    fn open_part(&self, key: &[u8; KEY_BYTES], id: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let length = cipher.open_in_place(nonce, self.bound(id), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

fn nonce_of(ids: &dyn IdSource) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&ids.secret()[..NONCE_LEN]);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(workspace: u32) -> Sealer {
        Sealer::new(WorkspaceNo(workspace), &[9; 32])
    }

    #[test]
    fn a_secret_opens_under_its_own_id_in_its_own_workspace_and_nowhere_else() {
        let sealed = sealer(1).seal(&testkit::CountingIds::default(), "sec_1", "hunter2-密码").unwrap();
        assert_eq!(sealer(1).open("sec_1", &sealed).unwrap(), "hunter2-密码");
        assert!(sealer(1).open("sec_2", &sealed).is_err());
        assert!(sealer(2).open("sec_1", &sealed).is_err());
        assert!(Sealer::new(WorkspaceNo(1), &[8; 32]).open("sec_1", &sealed).is_err());
    }

    #[test]
    fn nothing_of_a_secret_is_in_what_is_kept_and_no_two_sealings_are_alike() {
        let ids = testkit::CountingIds::default();
        let one = sealer(1).seal(&ids, "sec_1", "hunter2").unwrap();
        let two = sealer(1).seal(&ids, "sec_1", "hunter2").unwrap();
        assert!(!one.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(one, two);
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let sealed = sealer(1).seal(&testkit::CountingIds::default(), "sec_1", "hunter2").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(sealer(1).open("sec_1", &changed).is_err(), "byte {place}");
        }
        assert!((0..sealed.len()).all(|length| sealer(1).open("sec_1", &sealed[..length]).is_err()));
    }
}
