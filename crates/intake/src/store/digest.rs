//! What of intake's tables makes two states the same: things that are not parties, and what waits.
//!
//! The tracking plan is left out: which type a property got first is a matter of arrival.

use db::Tx;
use kernel::Scope;
use kernel::digest::Digest;

/// Adds every object fact, and the events that are in quarantine and wait.
///
/// # Errors
/// As the database says.
pub fn digest_add(scope: &Scope, tx: &mut Tx<'_>, digest: &mut Digest) -> db::Result<()> {
    let sql = "select object_kind, object_id, field, value, time_us, key from object_fact
               where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let texts = [row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?].map(str::as_bytes);
        let time = row.int(4)?.to_le_bytes();
        digest.add("object", &[texts[0], texts[1], texts[2], texts[3], &time, row.blob(5)?]);
        Ok(())
    })?;
    let sql = "select quarantine_id, class from quarantine where workspace_id = ?1 and state = 'open'";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        digest.add("quarantine", &[row.blob(0)?, row.text(1)?.as_bytes()]);
        Ok(())
    })
}
