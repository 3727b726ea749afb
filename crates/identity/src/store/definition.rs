//! The identity rules in force, and every version before them.

use db::Tx;
use kernel::{Failure, Instant, Scope};

use crate::rules::{Document, Rules};

/// Held while a version gets its number, so that two stored at once do not get the same.
const RULES_LOCK: i64 = 0x5255_4c45_5300_0000;

/// The newest version and its number; version 0 is the built-in default.
///
/// # Errors
/// As the database says, or a stored document that no longer reads.
pub fn rules_current(scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<(u64, Rules)> {
    let sql =
        "select version, body from identity_rules where workspace_id = ?1 order by version desc limit 1";
    let found = tx
        .query_one(sql, &[scope.workspace.into()], |row| Ok((row.int(0)? as u64, row.text(1)?.to_owned())))?;
    let Some((version, body)) = found else {
        return Ok((0, Rules::default()));
    };
    let document: Document = serde_json::from_str(&body).map_err(Failure::internal)?;
    Ok((version, Rules::new(document).map_err(Failure::internal)?))
}

/// The number of the version in force.
///
/// # Errors
/// As the database says.
pub fn rules_version(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<u64> {
    let sql = "select coalesce(max(version), 0) from identity_rules where workspace_id = ?1";
    Ok(tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?.unwrap_or_default() as u64)
}

/// Stores a new version and returns its number.
///
/// # Errors
/// As the database says.
pub fn rules_put(scope: &Scope, tx: &mut Tx<'_>, body: &str, actor: &str, at: Instant) -> db::Result<u64> {
    tx.lock(RULES_LOCK | i64::from(scope.workspace.0))?;
    let sql = "select coalesce(max(version), 0) + 1 from identity_rules where workspace_id = ?1";
    let version = tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?.unwrap_or(1);
    let sql =
        "insert into identity_rules (workspace_id, version, body, actor, at_us) values (?1, ?2, ?3, ?4, ?5)";
    let params = [scope.workspace.into(), version.into(), body.into(), actor.into(), at.into()];
    tx.execute(sql, &params)?;
    Ok(version as u64)
}
