//! API tokens.

use db::{Row, Tx, Value};
use kernel::scope::Permissions;
use kernel::{Failure, Instant, Scope, WorkspaceNo};

use crate::credential;

/// A token to be stored.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// The workspace it belongs to.
    pub workspace: WorkspaceNo,
    /// What people call it.
    pub name: &'a str,
    /// What it may do.
    pub permissions: Permissions,
    /// From when on it is refused.
    pub expires: Option<Instant>,
}

/// Stores a token's hash.
///
/// # Errors
/// As the database says.
pub fn token_create(
    tx: &mut Tx<'_>,
    token: &credential::Token,
    new: &NewToken<'_>,
    at: Instant,
) -> db::Result<()> {
    let sql =
        "insert into api_token (token_id, workspace_id, secret_hash, name, scopes, created_us, expires_us)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (hash, scopes) = (credential::hash(&token.text), new.permissions.names());
    let params = [
        (&token.id).into(),
        new.workspace.into(),
        Value::Blob(&hash),
        new.name.into(),
        (&scopes).into(),
        at.into(),
        new.expires.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The scope a token stands for.
///
/// # Errors
/// [`Failure::Unauthenticated`] if it is unknown, wrong, expired or revoked.
pub fn token_scope(tx: &mut Tx<'_>, text: &str, now: Instant) -> kernel::Result<Scope> {
    let id = credential::token_id(text).ok_or(Failure::Unauthenticated)?;
    let sql =
        "select workspace_id, secret_hash, scopes, expires_us, revoked_us from api_token where token_id = ?1";
    let found = tx.query_one(sql, &[id.into()], |row| {
        let is_valid = credential::matches(text, row.blob(1)?)
            && row.int_opt(3)?.is_none_or(|expires| now.0 < expires)
            && row.int_opt(4)?.is_none();
        Ok(is_valid.then_some((WorkspaceNo(row.int(0)? as u32), row.text(2)?.to_owned())))
    })?;
    let (workspace, scopes) = found.flatten().ok_or(Failure::Unauthenticated)?;
    Ok(Scope { workspace, actor: format!("token:{id}"), permissions: Permissions::parse(&scopes)? })
}

/// A token as the workspace's people see it: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// When it was made.
    pub created: Instant,
    /// From when on it is refused.
    pub expires: Option<Instant>,
    /// Since when it is refused for good.
    pub revoked: Option<Instant>,
}

const COLUMNS: &str = "token_id, name, scopes, created_us, expires_us, revoked_us";

/// The tokens of the caller's workspace after the id `after`, at most `limit`. Ids grow with time.
///
/// # Errors
/// As the database says.
pub fn token_page(scope: &Scope, tx: &mut Tx<'_>, after: &str, limit: usize) -> db::Result<Vec<ApiToken>> {
    let sql = format!(
        "select {COLUMNS} from api_token where workspace_id = ?1 and token_id > ?2 order by token_id limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), after.into(), (limit as i64).into()], api_token)
}

/// One token of the caller's workspace, revoked or not.
///
/// # Errors
/// [`Failure::NotFound`] if it has none of this id.
pub fn token_fetch(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<ApiToken> {
    let sql = format!("select {COLUMNS} from api_token where workspace_id = ?1 and token_id = ?2");
    let found = tx.query_one(&sql, &[scope.workspace.into(), id.into()], api_token)?;
    found.ok_or_else(|| Failure::not_found("token"))
}

fn api_token(row: &Row<'_>) -> db::Result<ApiToken> {
    let permissions = Permissions::parse(row.text(2)?);
    Ok(ApiToken {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        permissions: permissions.map_err(|error| db::Error::Other(error.to_string()))?,
        created: row.instant(3)?,
        expires: row.int_opt(4)?.map(Instant),
        revoked: row.int_opt(5)?.map(Instant),
    })
}

/// Revokes a token of the caller's workspace.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace has no such live token.
pub fn token_revoke(scope: &Scope, tx: &mut Tx<'_>, id: &str, at: Instant) -> kernel::Result<()> {
    let sql = "update api_token set revoked_us = ?3
               where workspace_id = ?1 and token_id = ?2 and revoked_us is null";
    match tx.execute(sql, &[scope.workspace.into(), id.into(), at.into()])? {
        0 => Err(Failure::not_found("token")),
        _ => Ok(()),
    }
}
