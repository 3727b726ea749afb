//! `/api/v1/plan`: which properties are expected, and of what type.

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use kernel::limits::NAME_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Body, Path, Query};

use super::Manage;
use crate::stages::PLAN_SET;
use crate::store::plan::{self, PropertyKind};

/// A property of an event in the tracking plan.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlannedProperty {
    /// The event, or `$profile` for traits.
    event: String,
    /// The property.
    property: String,
    /// Its type; values of another one put their event aside. `any` checks nothing.
    kind: PropertyKind,
    /// `observed` when traffic brought it, `planned` when a person set it.
    status: String,
    /// When it was first seen or set.
    first_seen: String,
}

impl From<plan::PlanProperty> for PlannedProperty {
    fn from(stored: plan::PlanProperty) -> Self {
        Self {
            event: stored.event,
            property: stored.property,
            kind: stored.kind,
            status: stored.status,
            first_seen: stored.first.to_string(),
        }
    }
}

/// The type a property shall have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertyType {
    /// Its type.
    #[schema(value_type = PropertyKind)]
    kind: String,
}

/// The tracking plan, by event and property
#[utoipa::path(get, path = "/api/v1/plan", tag = "pipeline", operation_id = "plan_list",
    params(PageQuery), responses((status = 200, body = Page<PlannedProperty>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn plan_list(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<PlannedProperty>> {
    let limit = query.limit();
    let after: Option<(String, String)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let (event, property) = after.unwrap_or_default();
    let rows =
        manage.read(&scope, move |scope, tx| Ok(plan::plan_page(scope, tx, (&event, &property), limit + 1)?));
    Ok(Json(page(rows.await?, limit, |last| (last.event.clone(), last.property.clone()), Into::into)))
}

/// Set the type of a property
///
/// Applies to events that are processed from now on. Replay those that wait in quarantine.
#[utoipa::path(put, path = "/api/v1/plan/{event}/{property}", tag = "pipeline", operation_id = "plan_set",
    params(("event" = String, Path, description = "The event, or `$profile` for traits"),
           ("property" = String, Path, description = "The property, seen before or not")),
    request_body = PropertyType, responses((status = 200, body = PlannedProperty),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn plan_set(
    State(manage): State<Manage>,
    Caller(scope): Caller,
    Path((event, property)): Path<(String, String)>,
    Body(wanted): Body<PropertyType>,
) -> Answer<PlannedProperty> {
    for (field, name) in [("event", &event), ("property", &property)] {
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
            let message = format!("1 to {NAME_BYTES_MAX} bytes without NUL");
            return Err(Failure::invalid(field, message).into());
        }
    }
    let kind = PropertyKind::parse(&wanted.kind).ok_or_else(|| {
        Failure::invalid("kind", "one of `text`, `number`, `boolean`, `list`, `object`, `any`")
    })?;
    let body = json!({ "event": event, "property": property, "kind": kind });
    manage.commands.submit(&scope, PLAN_SET, body).await?;
    let stored = manage.read(&scope, move |scope, tx| plan::plan_fetch(scope, tx, &event, &property));
    Ok(Json(stored.await?.into()))
}
