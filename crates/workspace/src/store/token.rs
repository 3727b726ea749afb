//! API tokens.

use db::{Tx, Value};
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
    let sql = "insert into api_token (token_id, workspace_id, secret_hash, name, scopes, created_us, expires_us)
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
    let sql = "select workspace_id, secret_hash, scopes, expires_us, revoked_us from api_token where token_id = ?1";
    let found = tx.query_one(sql, &[id.into()], |row| {
        let is_valid = credential::matches(text, row.blob(1)?)
            && row.int_opt(3)?.is_none_or(|expires| now.0 < expires)
            && row.int_opt(4)?.is_none();
        Ok(is_valid.then_some((WorkspaceNo(row.int(0)? as u32), row.text(2)?.to_owned())))
    })?;
    let (workspace, scopes) = found.flatten().ok_or(Failure::Unauthenticated)?;
    Ok(Scope { workspace, actor: format!("token:{id}"), permissions: Permissions::parse(&scopes)? })
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
