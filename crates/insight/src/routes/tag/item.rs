//! Tags as the API answers them: definition, coverage, versions; the list is a tree by categories.

use axum::Json;
use axum::extract::State;
use identity::store::node::party_count;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use super::{Tags, stored};
use crate::rules::tag::Document;
use crate::store::tag::{self, Tag, tag_all, tag_version_page};

/// A tag, score or stage.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagItem {
    /// What rules call it.
    pub(super) key: String,
    /// Counts its definitions, from 1.
    pub(super) version: u32,
    /// Its definition; nothing if it can no longer be read.
    definition: Option<Document>,
    /// How many have a value.
    count: u64,
    /// The share of all parties that have one, from 0 to 1.
    coverage: f64,
    /// The latest change of its values.
    seq: u64,
    /// Whether everybody was looked at under this definition; until then `count` still moves by itself.
    is_filled: bool,
    /// Whether it is put away: nobody has it, and it changes no more.
    pub(super) is_retired: bool,
    /// The run whose values count, for a tag a job replaces.
    run: u64,
    /// Who defined it last.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When it was last defined.
    changed_at: String,
}

/// A definition a tag had.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagVersionItem {
    /// Counts the definitions, from 1.
    version: u32,
    /// The definition; nothing if it can no longer be read.
    definition: Option<Document>,
    /// Who defined it so.
    actor: String,
    /// When.
    at: String,
}

/// Which tags.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only tags in this category and those below it.
    category: Option<String>,
    /// Only those rules ask for so: `tag`, `score` or `stage`.
    role: Option<String>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl TagItem {
    /// A tag among so many parties.
    pub(super) fn new(tag: Tag, parties: u64) -> Self {
        Self {
            definition: Document::parse(&tag.body).ok(),
            coverage: if parties == 0 { 0.0 } else { (tag.values as f64 / parties as f64).min(1.0) },
            key: tag.key,
            version: tag.version,
            count: tag.values,
            seq: tag.last_seq,
            is_filled: tag.filled.is_none(),
            is_retired: tag.is_retired,
            run: tag.run,
            actor: tag.actor,
            created_at: tag.created.to_string(),
            changed_at: tag.changed.to_string(),
        }
    }
}

impl From<tag::Version> for TagVersionItem {
    fn from(stored: tag::Version) -> Self {
        let definition = Document::parse(&stored.body).ok();
        Self { version: stored.version, definition, actor: stored.actor, at: stored.at.to_string() }
    }
}

/// Tags, scores and stages, by category and key
///
/// Those that are put away are not among them.
#[utoipa::path(get, path = "/api/v1/tags", tag = "tags", operation_id = "tag_list",
    params(ListQuery), responses((status = 200, body = Page<TagItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_list(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Query(query): Query<ListQuery>,
) -> Answer<Page<TagItem>> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    let after: Option<(String, String)> = query.cursor.as_deref().map(decode_cursor).transpose()?;
    let (rows, parties) = state
        .reader
        .read(&scope, |identity, tx| Ok((tag_all(identity.scope, tx)?, party_count(identity.scope, tx)?)))
        .await?;
    let is_below = |category: &str, wanted: &str| {
        category.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let placed = rows.into_iter().filter(|tag| !tag.is_retired).map(|tag| {
        let category = Document::parse(&tag.body).map(|document| document.category).unwrap_or_default();
        ((category, tag.key.clone()), tag)
    });
    let mut placed: Vec<((String, String), Tag)> = placed
        .filter(|((category, _), tag)| {
            query.category.as_ref().is_none_or(|wanted| is_below(category, wanted))
                && query.role.as_ref().is_none_or(|role| tag.role == *role)
        })
        .collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    placed.retain(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    placed.truncate(limit + 1);
    Ok(Json(page(placed, limit, |(place, _)| place.clone(), |(_, tag)| TagItem::new(tag, parties))))
}

/// A tag, score or stage
#[utoipa::path(get, path = "/api/v1/tags/{key}", tag = "tags", operation_id = "tag_fetch",
    params(("key" = String, Path, description = "The tag")),
    responses((status = 200, body = TagItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_fetch(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
) -> Answer<TagItem> {
    Ok(Json(state.item(&scope, key).await?))
}

impl Tags {
    /// A tag as it is now.
    pub(super) async fn item(&self, scope: &kernel::Scope, key: String) -> Result<TagItem, web::Problem> {
        self.reader
            .read(scope, move |identity, tx| {
                let parties = party_count(identity.scope, tx)?;
                Ok(TagItem::new(stored(identity.scope, tx, &key)?, parties))
            })
            .await
    }
}

/// What a tag was defined as, the latest first
#[utoipa::path(get, path = "/api/v1/tags/{key}/versions", tag = "tags", operation_id = "tag_versions",
    params(("key" = String, Path, description = "The tag"), PageQuery),
    responses((status = 200, body = Page<TagVersionItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_versions(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<TagVersionItem>> {
    let limit = query.limit();
    let before: u32 = query.cursor.as_deref().map_or(Ok(u32::MAX), decode_cursor)?;
    let rows = state.reader.read(&scope, move |identity, tx| {
        let tag = stored(identity.scope, tx, &key)?;
        Ok(tag_version_page(identity.scope, tx, tag.no, before, limit + 1)?)
    });
    Ok(Json(page(rows.await?, limit, |last| last.version, Into::into)))
}
