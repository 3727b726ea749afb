//! `/api/v1/audit`: who did what, and whether the record of it is whole.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};

use super::list::page;
use super::request::Query;
use crate::Installation;
use crate::store::audit::{Entry, audit_page, audit_page_back, audit_verify as verify};

/// One recorded act.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Its number in the workspace's chain, from 1.
    seq: i64,
    /// When.
    at: String,
    /// Who: a token, or a part of the system.
    actor: String,
    /// What, for example `source.create`.
    action: String,
    /// On what.
    subject: String,
    /// The particulars.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        let detail = serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail));
        let at = entry.at.to_string();
        Self { seq: entry.seq, at, actor: entry.actor, action: entry.action, subject: entry.subject, detail }
    }
}

/// Where the list begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// With the first entry.
    #[default]
    Oldest,
    /// With the latest entry.
    Newest,
}

/// The order of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// `oldest` first unless `newest` is asked for.
    #[serde(default)]
    #[param(inline, required = false)]
    order: Order,
}

/// The audit log
#[utoipa::path(get, path = "/api/v1/audit", tag = "workspace", operation_id = "audit_list",
    params(AuditQuery, PageQuery), responses((status = 200, body = Page<AuditEntry>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audit_list(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Query(AuditQuery { order }): Query<AuditQuery>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<AuditEntry>> {
    let limit = query.limit();
    let entries = web::blocking(move || {
        let cursor: Option<i64> = query.cursor.as_deref().map(decode_cursor).transpose()?;
        let read = installation.pool(&scope)?.read(|tx| match order {
            Order::Oldest => audit_page(&scope, tx, cursor.unwrap_or(0), limit + 1),
            Order::Newest => audit_page_back(&scope, tx, cursor.unwrap_or(i64::MAX), limit + 1),
        });
        Ok(read?)
    });
    Ok(Json(page(entries.await?, limit, |entry| entry.seq, AuditEntry::from)))
}

/// Whether the chain holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditVerdict {
    /// Whether every entry fits the one before it.
    is_intact: bool,
    /// The number of the first entry that was changed, dropped or moved.
    first_wrong_seq: Option<i64>,
}

/// Verify the chain of the audit log
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "workspace", operation_id = "audit_verify",
    responses((status = 200, body = AuditVerdict),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audit_verify(
    State(installation): State<Installation>,
    Caller(scope): Caller,
) -> Answer<AuditVerdict> {
    let wrong = web::blocking(move || Ok(installation.pool(&scope)?.read(|tx| verify(&scope, tx))?));
    let first_wrong_seq = wrong.await?;
    Ok(Json(AuditVerdict { is_intact: first_wrong_seq.is_none(), first_wrong_seq }))
}
