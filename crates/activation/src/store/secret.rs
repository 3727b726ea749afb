//! Credentials of destinations, sealed. They are written and never read back by the API.

use db::{Row, Tx, Value};
use kernel::{Instant, Scope};

/// A sealed credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its id, which definitions name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The credential, sealed.
    pub sealed: Vec<u8>,
    /// The one before, sealed, while it is being replaced.
    pub previous: Option<Vec<u8>>,
    /// Until when the one before counts too.
    pub previous_until: Instant,
    /// Who changed it last.
    pub actor: String,
    /// When it was made.
    pub created: Instant,
    /// When it was last changed.
    pub changed: Instant,
}

const COLUMNS: &str = "secret_id, name, sealed, previous, previous_until_us, actor, created_us, changed_us";

/// Writes a secret, new or replaced.
///
/// # Errors
/// As the database says.
pub fn secret_put(scope: &Scope, tx: &mut Tx<'_>, secret: &Secret) -> db::Result<()> {
    let sql = "insert into destination_secret (workspace_id, secret_id, name, sealed, previous,
                   previous_until_us, actor, created_us, changed_us)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
               on conflict (workspace_id, secret_id) do update set name = excluded.name,
                   sealed = excluded.sealed, previous = excluded.previous,
                   previous_until_us = excluded.previous_until_us, actor = excluded.actor,
                   changed_us = excluded.changed_us";
    let params = [
        scope.workspace.into(),
        (&secret.id).into(),
        (&secret.name).into(),
        Value::Blob(&secret.sealed),
        Value::Blob(secret.previous.as_deref().unwrap_or_default()),
        secret.previous_until.into(),
        (&secret.actor).into(),
        secret.created.into(),
        secret.changed.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The secret of an id.
///
/// # Errors
/// As the database says.
pub fn secret_by_id(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> db::Result<Option<Secret>> {
    let sql = format!("select {COLUMNS} from destination_secret where workspace_id = ?1 and secret_id = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), id.into()], secret)
}

/// Secrets after an id, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn secret_page(scope: &Scope, tx: &mut Tx<'_>, after: &str, limit: usize) -> db::Result<Vec<Secret>> {
    let sql = format!(
        "select {COLUMNS} from destination_secret where workspace_id = ?1 and secret_id > ?2
         order by secret_id limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), after.into(), (limit as i64).into()], secret)
}

fn secret(row: &Row<'_>) -> db::Result<Secret> {
    Ok(Secret {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        sealed: row.blob(2)?.to_vec(),
        previous: Some(row.blob(3)?.to_vec()).filter(|bytes| !bytes.is_empty()),
        previous_until: row.instant(4)?,
        actor: row.text(5)?.to_owned(),
        created: row.instant(6)?,
        changed: row.instant(7)?,
    })
}
