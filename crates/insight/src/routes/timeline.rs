//! The timeline of a party.

use axum::Json;
use axum::extract::State;
use identity::party::party_by_id;
use kernel::id::{base32, unbase32};
use kernel::scope::Permission;
use kernel::{Failure, Instant, Key, PartyId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, ProblemDocument, decode_cursor, encode_cursor};
use workspace::routes::request::{Path, Query};

use super::Parties;
use crate::rules::mask::mask_tree;
use crate::timeline::{Filter, Item, page};

/// An event of a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineItem {
    /// The message id it was sent with.
    pub id: String,
    /// Its name.
    pub event: String,
    /// The kind of message: `track`, `identify`, `page`, `profile` …
    pub r#type: String,
    /// When it happened, corrected for the sender's clock.
    pub time: String,
    /// When it was received.
    pub received_at: String,
    /// The source that sent it.
    pub source: String,
    /// Its properties (for a description of a person: the traits).
    #[schema(value_type = Object)]
    pub properties: Value,
    /// Its context.
    #[schema(value_type = Object)]
    pub context: Value,
    /// The message exactly as it was sent; only with the permission `personal:read`.
    #[schema(value_type = Object)]
    pub message: Value,
}

/// Which part of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only events of these names, separated by commas.
    event: Option<String>,
    /// Not before this instant (RFC 3339).
    from: Option<String>,
    /// Before this instant (RFC 3339).
    to: Option<String>,
}

/// What a party did, newest first
#[utoipa::path(get, path = "/api/v1/parties/{id}/timeline", tag = "parties", operation_id = "party_timeline",
    params(("id" = String, Path, description = "The party"), TimelineQuery),
    responses((status = 200, body = Page<TimelineItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_timeline(
    State(state): State<Parties>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<TimelineQuery>,
) -> Answer<Page<TimelineItem>> {
    let id = PartyId::parse(&id).ok_or_else(|| Failure::not_found("party"))?;
    let limit = web::PageQuery { limit: query.limit, cursor: None }.limit();
    let before = query.cursor.as_deref().map(position).transpose()?;
    let filter = filter(&query)?;
    let sources = state.reader.installation().sources(&scope);
    let is_clear = scope.permissions.has(Permission::PersonalRead);
    let page = state
        .reader
        .read(&scope, move |identity, tx| {
            let party = party_by_id(identity, tx, id)?;
            let (items, has_more) = page(identity.scope, tx, &party, &filter, before, limit)?;
            let last = items.last().filter(|_| has_more);
            let next = last.map(|item| encode_cursor(&(item.time.0, base32(&item.key.0))));
            let source = |item: &Item| {
                sources.iter().find(|s| s.no == item.source).map_or_else(String::new, |s| s.id.clone())
            };
            let items = items.into_iter().map(|item| tell(source(&item), item, is_clear)).collect();
            Ok(Page { items, next })
        })
        .await?;
    Ok(Json(page))
}

fn position(cursor: &str) -> kernel::Result<(Instant, Key)> {
    let (time, key): (i64, String) = decode_cursor(cursor)?;
    let key = unbase32(&key).ok_or_else(|| Failure::invalid("cursor", "not a cursor of this list"))?;
    Ok((Instant(time), Key(key)))
}

fn filter(query: &TimelineQuery) -> kernel::Result<Filter> {
    let instant = |field: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Instant::parse(text)
            .map(Some)
            .ok_or_else(|| Failure::invalid(field, "an instant such as 2026-06-30T00:00:00Z")),
    };
    let names = query.event.as_deref().unwrap_or_default().split(',');
    Ok(Filter {
        events: names.map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect(),
        from: instant("from", &query.from)?,
        to: instant("to", &query.to)?,
    })
}

fn tell(source: String, item: Item, is_clear: bool) -> TimelineItem {
    let shown = |value: Value| if is_clear { value } else { mask_tree(value) };
    TimelineItem {
        id: item.id,
        event: item.event,
        r#type: format!("{:?}", item.kind).to_lowercase(),
        time: item.time.to_string(),
        received_at: item.received.to_string(),
        source,
        properties: shown(item.properties),
        context: if is_clear { item.context } else { Value::Null },
        message: if is_clear { item.message } else { Value::Null },
    }
}
