//! Secrets of destinations: put in, replaced, and never shown again.

use axum::Json;
use axum::extract::State;
use channels::webhook::Key;
use kernel::id::base32;
use kernel::time::{HOUR, SECOND};
use kernel::{Failure, Instant};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Body, Path, Query};
use workspace::store::audit::audit_append;

use super::Destinations;
use crate::seal::Sealer;
use crate::store::secret::{Secret, secret_by_id, secret_page, secret_put};

/// How long both secrets sign when one is replaced, unless it is said otherwise.
const OVERLAP_SECONDS_DEFAULT: u32 = 24 * 3_600;
/// At most: thirty days.
const OVERLAP_SECONDS_MAX: u32 = 30 * 24 * 3_600;
/// Bytes of a secret: a private key fits.
const SECRET_BYTES_MAX: usize = 16 << 10;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// A secret, without itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretItem {
    /// Its id, which destinations name.
    id: String,
    /// What people call it.
    name: String,
    /// Until when the one before counts too.
    previous_until: Option<String>,
    /// Who changed it last.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When it was last replaced.
    changed_at: String,
}

/// A secret that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewSecretItem {
    /// The secret, without itself.
    #[serde(flatten)]
    secret: SecretItem,
    /// What was made for you: a key for signed webhooks. Keep it: it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// A secret to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSecret {
    /// What people call it.
    name: String,
    /// The secret; a fresh key for signed webhooks (`whsec_…`) if absent.
    value: Option<String>,
}

/// What a secret becomes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    /// The secret; a fresh key for signed webhooks if absent.
    value: Option<String>,
    /// How long the one before signs too; a day if absent, 0 if it is lost.
    overlap_seconds: Option<u32>,
}

impl From<Secret> for SecretItem {
    fn from(secret: Secret) -> Self {
        let is_replaced = secret.previous.is_some() && secret.previous_until > Instant(0);
        Self {
            id: secret.id,
            name: secret.name,
            previous_until: is_replaced.then(|| secret.previous_until.to_string()),
            actor: secret.actor,
            created_at: secret.created.to_string(),
            changed_at: secret.changed.to_string(),
        }
    }
}

/// The secrets of destinations, without themselves
#[utoipa::path(get, path = "/api/v1/destination-secrets", tag = "destinations",
    operation_id = "destination_secret_list", params(PageQuery),
    responses((status = 200, body = Page<SecretItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn secret_list(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<SecretItem>> {
    let limit = query.limit();
    let after: String = query.cursor.as_deref().map_or(Ok(String::new()), decode_cursor)?;
    let rows = state
        .reader
        .read(&scope, move |identity, tx| Ok(secret_page(identity.scope, tx, &after, limit + 1)?));
    Ok(Json(page(rows.await?, limit, |last| last.id.clone(), Into::into)))
}

/// Keep a secret
///
/// It is stored sealed, and never answered again.
#[utoipa::path(post, path = "/api/v1/destination-secrets", tag = "destinations",
    operation_id = "destination_secret_create", request_body = NewSecret,
    responses((status = 200, body = NewSecretItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn secret_create(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Body(new): Body<NewSecret>,
) -> Answer<NewSecretItem> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
        return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters without NUL")).into());
    }
    let installation = state.reader.installation().clone();
    let made = web::blocking(move || {
        let (value, shown) = value(&installation, new.value)?;
        let (ids, now) = (installation.ids(), installation.now());
        let workspace = installation.workspace(scope.workspace)?;
        let id = format!("sec_{}", base32(&ids.fresh()));
        let sealed = Sealer::new(workspace.no, &workspace.secret).seal(&**ids, &id, &value)?;
        let secret = Secret {
            id,
            name,
            sealed,
            previous: None,
            previous_until: Instant(0),
            actor: scope.actor.clone(),
            created: now,
            changed: now,
        };
        installation.pool(&scope)?.write(|tx| {
            let detail = json!({ "name": secret.name }).to_string();
            audit_append(&scope, tx, now, "destination_secret.create", &secret.id, &detail)?;
            secret_put(&scope, tx, &secret)
        })?;
        Ok(NewSecretItem { secret: secret.into(), value: shown })
    });
    Ok(Json(made.await?))
}

/// Replace a secret
///
/// For a while both sign webhooks, so that receivers can change over.
#[utoipa::path(put, path = "/api/v1/destination-secrets/{id}", tag = "destinations",
    operation_id = "destination_secret_replace", params(("id" = String, Path, description = "The secret")),
    request_body = Replacement, responses((status = 200, body = NewSecretItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn secret_replace(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(wanted): Body<Replacement>,
) -> Answer<NewSecretItem> {
    let overlap = wanted.overlap_seconds.unwrap_or(OVERLAP_SECONDS_DEFAULT);
    if overlap > OVERLAP_SECONDS_MAX {
        return Err(Failure::invalid("overlap_seconds", format!("at most {OVERLAP_SECONDS_MAX}")).into());
    }
    let installation = state.reader.installation().clone();
    let made = web::blocking(move || {
        let (value, shown) = value(&installation, wanted.value)?;
        let now = installation.now();
        let workspace = installation.workspace(scope.workspace)?;
        let sealed = Sealer::new(workspace.no, &workspace.secret).seal(&**installation.ids(), &id, &value)?;
        let secret = installation.pool(&scope)?.write(|tx| {
            let known = secret_by_id(&scope, tx, &id)?.ok_or_else(|| Failure::not_found("secret"))?;
            let secret = Secret {
                sealed,
                previous: (overlap > 0).then_some(known.sealed),
                previous_until: now.plus(i64::from(overlap) * SECOND),
                actor: scope.actor.clone(),
                // Two within one instant are two.
                changed: now.max(known.changed.plus(1)),
                ..known
            };
            let detail = json!({ "overlap_hours": i64::from(overlap) * SECOND / HOUR }).to_string();
            audit_append(&scope, tx, now, "destination_secret.replace", &secret.id, &detail)?;
            secret_put(&scope, tx, &secret)?;
            Ok::<_, Failure>(secret)
        })?;
        Ok(NewSecretItem { secret: secret.into(), value: shown })
    });
    Ok(Json(made.await?))
}

/// The value to keep, and the one to show if it was made here.
fn value(
    installation: &workspace::Installation,
    given: Option<String>,
) -> kernel::Result<(String, Option<String>)> {
    match given {
        Some(text) if text.is_empty() || text.len() > SECRET_BYTES_MAX => {
            Err(Failure::invalid("value", format!("1 to {SECRET_BYTES_MAX} bytes")))
        }
        Some(text) => Ok((text, None)),
        None => {
            let fresh = Key::text(&installation.ids().secret());
            Ok((fresh.clone(), Some(fresh)))
        }
    }
}
