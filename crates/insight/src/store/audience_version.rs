//! What audiences were defined as, version by version.

use db::Tx;
use kernel::{Instant, Scope};

use super::audience::AudienceNo;

/// One definition an audience had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Counts the definitions, from 1.
    pub version: u32,
    /// What people called it.
    pub name: String,
    /// Its rule, as JSON.
    pub rule: String,
    /// Who defined it so.
    pub actor: String,
    /// When.
    pub at: Instant,
}

/// The definitions of an audience before a version, the latest first.
///
/// # Errors
/// As the database says.
pub fn audience_version_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    audience: AudienceNo,
    before: u32,
    limit: usize,
) -> db::Result<Vec<Version>> {
    let sql = "select version, name, rule, actor, at_us from audience_version
               where workspace_id = ?1 and audience_no = ?2 and version < ?3
               order by version desc limit ?4";
    let params = [scope.workspace.into(), audience.into(), i64::from(before).into(), (limit as i64).into()];
    tx.query(sql, &params, |row| {
        Ok(Version {
            version: row.int(0)? as u32,
            name: row.text(1)?.to_owned(),
            rule: row.text(2)?.to_owned(),
            actor: row.text(3)?.to_owned(),
            at: row.instant(4)?,
        })
    })
}
