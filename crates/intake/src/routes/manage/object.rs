//! `/api/v1/objects`: things that are no parties, such as catalogue items and groups.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Path;

use super::Manage;
use crate::store::object;

/// A thing and its fields, the latest value of each.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredObject {
    /// `item:<type>` or `group`.
    kind: String,
    /// Its own id.
    id: String,
    /// Its fields, as they were sent.
    #[schema(value_type = Object)]
    fields: BTreeMap<String, Box<RawValue>>,
    /// When something was last said of it.
    updated_at: String,
}

/// A catalogue item or group
#[utoipa::path(get, path = "/api/v1/objects/{kind}/{id}", tag = "pipeline", operation_id = "object_fetch",
    params(("kind" = String, Path, description = "`item:<type>` or `group`"),
           ("id" = String, Path, description = "Its own id")),
    responses((status = 200, body = StoredObject),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn object_fetch(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Path((kind, id)): Path<(String, String)>,
) -> Answer<StoredObject> {
    let stored = manage.read(&scope, move |scope, tx| {
        let facts = object::object_fetch(scope, tx, &kind, &id)?;
        let latest = facts.iter().map(|fact| fact.at).max().ok_or_else(|| Failure::not_found("object"))?;
        let mut fields = BTreeMap::new();
        for fact in facts {
            fields.insert(fact.field, raw(fact.value)?);
        }
        Ok(StoredObject { kind, id, fields, updated_at: latest.to_string() })
    });
    Ok(Json(stored.await?))
}

/// Raw JSON as it was stored; what is not JSON, as a string.
pub(super) fn raw(text: String) -> kernel::Result<Box<RawValue>> {
    RawValue::from_string(text.clone()).or_else(|_| to_raw_value(&text)).map_err(Failure::internal)
}
