//! What is known of everybody together, as models want it, in versions.

use std::collections::BTreeMap;

use db::Tx;
use kernel::{Instant, Scope};

/// Constants as they were put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants {
    /// What models call them.
    pub name: String,
    /// Counts them, from 1.
    pub version: u32,
    /// The constants, as JSON.
    pub body: String,
    /// Who put them.
    pub actor: String,
    /// When.
    pub at: Instant,
}

/// Adds constants.
///
/// # Errors
/// As the database says.
pub fn constant_put(scope: &Scope, tx: &mut Tx<'_>, constants: &Constants) -> db::Result<()> {
    let sql = "insert into constant (workspace_id, name, version, body, actor, at_us)
               values (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = [
        scope.workspace.into(),
        (&constants.name).into(),
        i64::from(constants.version).into(),
        (&constants.body).into(),
        (&constants.actor).into(),
        constants.at.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The newest constants of every name.
///
/// # Errors
/// As the database says.
pub fn constant_current(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<BTreeMap<String, Constants>> {
    let sql = "select name, version, body, actor, at_us from constant
               where workspace_id = ?1 order by name, version";
    let rows = tx.query(sql, &[scope.workspace.into()], |row| {
        let (version, body) = (row.int(1)? as u32, row.text(2)?.to_owned());
        let (name, actor) = (row.text(0)?.to_owned(), row.text(3)?.to_owned());
        Ok(Constants { name, version, body, actor, at: row.instant(4)? })
    })?;
    Ok(rows.into_iter().map(|constants| (constants.name.clone(), constants)).collect())
}
