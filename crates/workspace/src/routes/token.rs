//! `/api/v1/tokens`: who else may use the API. A token is shown once, and nobody can give away more than
//! they have.

use axum::Json;
use axum::extract::State;
use kernel::scope::{Permission, Permissions};
use kernel::{Failure, Instant, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};

use super::act::{Act, perform};
use super::list::page;
use super::request::{Body, Path, Query};
use crate::store::token::{self, ApiToken, token_fetch};
use crate::{Installation, credential};

/// Characters of a token's name; it only has to fit a list.
const NAME_CHARS_MAX: usize = 100;

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// Its id, which the audit log shows as `token:<id>`.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do, for example `profile:read`.
    scopes: Vec<String>,
    /// When it was made.
    created_at: String,
    /// From when on it is refused.
    expires_at: Option<String>,
    /// Since when it is refused for good. Processes that used it just before may take it 5 s longer.
    revoked_at: Option<String>,
}

impl From<ApiToken> for Token {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: scope_list(token.permissions),
            created_at: token.created.to_string(),
            expires_at: token.expires.map(|at| at.to_string()),
            revoked_at: token.revoked.map(|at| at.to_string()),
        }
    }
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What people call it: 1 to 100 characters.
    name: String,
    /// What it may do: at most what the caller may.
    scopes: Vec<String>,
    /// From when on it is refused (RFC 3339); never if absent.
    expires_at: Option<String>,
}

/// A new token with its secret, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewTokenSecret {
    /// Its id.
    id: String,
    /// The text to send as `Authorization: Bearer …`. Keep it: it is not stored here.
    token: String,
    /// What it may do.
    scopes: Vec<String>,
    /// From when on it is refused.
    expires_at: Option<String>,
}

/// The API tokens, oldest first
#[utoipa::path(get, path = "/api/v1/tokens", tag = "workspace", operation_id = "token_list",
    params(PageQuery), responses((status = 200, body = Page<Token>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn token_list(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<Token>> {
    let limit = query.limit();
    let tokens = web::blocking(move || {
        let after: Option<String> = query.cursor.as_deref().map(decode_cursor).transpose()?;
        let after = after.unwrap_or_default();
        let pool = installation.store().installation()?;
        Ok(pool.read(|tx| token::token_page(&scope, tx, &after, limit + 1))?)
    });
    Ok(Json(page(tokens.await?, limit, |token| token.id.clone(), Token::from)))
}

/// Make an API token
#[utoipa::path(post, path = "/api/v1/tokens", tag = "workspace", operation_id = "token_create",
    request_body = NewToken, responses((status = 200, body = NewTokenSecret),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn token_create(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Body(new): Body<NewToken>,
) -> Answer<NewTokenSecret> {
    Ok(Json(web::blocking(move || create(&installation, &scope, &new)).await?))
}

fn create(installation: &Installation, scope: &Scope, new: &NewToken) -> kernel::Result<NewTokenSecret> {
    let at = installation.now();
    let permissions = permissions(scope, &new.scopes)?;
    let expires = expiry(new.expires_at.as_deref(), at)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters on one line")));
    }
    let fresh = credential::token(&installation.ids().fresh(), &installation.ids().secret());
    let scopes = scope_list(permissions);
    let expires_at = expires.map(|at| at.to_string());
    // Names are written by people and may name people, so the entry has none.
    let detail = json!({ "scopes": scopes, "expires_at": expires_at });
    perform(installation, scope, &Act { action: "token.create", subject: &fresh.id, detail }, |tx| {
        let stored = token::NewToken { workspace: scope.workspace, name, permissions, expires };
        Ok(token::token_create(tx, &fresh, &stored, at)?)
    })?;
    Ok(NewTokenSecret { id: fresh.id, token: fresh.text, scopes, expires_at })
}

/// Revoke an API token
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "workspace", operation_id = "token_revoke",
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 200, body = Token),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn token_revoke(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<Token> {
    let revoked = web::blocking(move || {
        let pool = installation.store().installation()?;
        let known = pool.read(|tx| token_fetch(&scope, tx, &id))?;
        if known.revoked.is_some() {
            return Ok(known);
        }
        let act = Act { action: "token.revoke", subject: &id, detail: json!({}) };
        let at = installation.now();
        perform(&installation, &scope, &act, |tx| token::token_revoke(&scope, tx, &id, at))?;
        Ok(ApiToken { revoked: Some(at), ..known })
    });
    Ok(Json(revoked.await?.into()))
}

/// The permissions of these names, none of which the caller may lack.
fn permissions(scope: &Scope, names: &[String]) -> kernel::Result<Permissions> {
    let wanted = Permissions::parse(&names.join(" "))?;
    if wanted == Permissions::default() {
        return Err(Failure::invalid("scopes", "at least one is needed"));
    }
    let mut list = Permission::ALL.iter().filter(|(permission, _)| wanted.has(*permission));
    list.try_for_each(|(permission, _)| scope.require(*permission))?;
    Ok(wanted)
}

fn expiry(text: Option<&str>, now: Instant) -> kernel::Result<Option<Instant>> {
    let Some(text) = text else { return Ok(None) };
    match Instant::parse(text) {
        Some(at) if at > now => Ok(Some(at)),
        Some(_) => Err(Failure::invalid("expires_at", "lies in the past")),
        None => Err(Failure::invalid("expires_at", "not a time like `2030-01-31T00:00:00Z`")),
    }
}

fn scope_list(permissions: Permissions) -> Vec<String> {
    permissions.names().split_whitespace().map(str::to_owned).collect()
}
