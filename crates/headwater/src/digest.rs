//! The digest of a workspace's state: equal for equal facts, whatever order they arrived in.

use db::Pool;
use kernel::Scope;
use kernel::digest::Digest;

/// Reads the whole state of a workspace in one consistent picture and digests it.
///
/// # Errors
/// As the database says.
pub fn digest(pool: &Pool, scope: &Scope) -> kernel::Result<Digest> {
    pool.read(|tx| {
        let mut digest = Digest::default();
        let keys = identity::store::digest::digest_add(scope, tx, &mut digest)?;
        insight::store::digest::digest_add(scope, tx, &keys, &mut digest)?;
        intake::store::digest::digest_add(scope, tx, &mut digest)?;
        Ok(digest)
    })
}
