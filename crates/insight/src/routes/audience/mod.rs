//! The API of audiences: define them, see who is in them and what changed, try a rule, ask why.
//!
//! What is defined goes through the log as a command; everything else is read as it is stored.

pub(super) mod check;
mod combine;
mod define;
pub(super) mod explain;
mod members;
pub(super) mod preview;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use criteria::text::{Language, text};
use criteria::{Rule, Zone};
use identity::reading::Reader;
use intake::command::Commands;
use kernel::scope::Permission;
use kernel::{Failure, Scope};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use utoipa_axum::routes;
use web::{Answer, Api, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use crate::live::{Lakes, Sets};
use crate::store::audience::{Audience, Mode, audience_all, audience_by_id};
use crate::store::audience_version::{self, audience_version_page};

/// Previews that look at parties at the same time: they must leave the store to others.
const SCANS_MAX: usize = 2;

/// What the routes share.
#[derive(Clone)]
pub struct Audiences {
    reader: Reader,
    commands: Arc<dyn Commands>,
    scans: Arc<Semaphore>,
    sets: Sets,
    lakes: Option<Arc<dyn Lakes>>,
}

impl Audiences {
    /// Routes over an installation whose pipeline takes commands.
    pub fn new(reader: Reader, commands: Arc<dyn Commands>) -> Self {
        let scans = Arc::new(Semaphore::new(SCANS_MAX));
        Self { reader, commands, scans, sets: Sets::default(), lakes: None }
    }

    /// The same, asking lakes where there are any.
    pub fn with_lakes(self, lakes: Arc<dyn Lakes>) -> Self {
        Self { lakes: Some(lakes), ..self }
    }

    /// The zone of the workspace's days and weeks.
    fn zone(&self, scope: &Scope) -> kernel::Result<Zone> {
        let workspace = self.reader.installation().workspace(scope.workspace)?;
        Ok(Zone::named(&workspace.time_zone).unwrap_or_else(Zone::utc))
    }

    async fn audience(&self, scope: &Scope, id: String) -> Result<Audience, web::Problem> {
        self.reader.read(scope, move |identity, tx| stored(identity.scope, tx, &id)).await
    }
}

/// Adds the routes of audiences.
pub fn routes(api: Api<Audiences>) -> Api<Audiences> {
    api.route(Permission::AudienceRead, routes!(audience_list))
        .route(Permission::AudienceWrite, routes!(define::audience_create))
        .route(Permission::AudienceRead, routes!(preview::audience_preview))
        .route(Permission::AudienceRead, routes!(combine::audience_combine))
        .route(Permission::AudienceRead, routes!(audience_fetch))
        .route(Permission::AudienceWrite, routes!(define::audience_put))
        .route(Permission::AudienceWrite, routes!(define::audience_archive))
        .route(Permission::AudienceRead, routes!(audience_versions))
        .route(Permission::AudienceRead, routes!(members::audience_members))
        .route(Permission::AudienceRead, routes!(members::audience_changes))
        .route(Permission::ProfileRead, routes!(explain::party_explain_rule))
}

/// A rule for people to read.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::routes) struct RuleText {
    /// In Chinese.
    zh: String,
    /// In English.
    en: String,
}

/// An audience: the parties that meet a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AudienceItem {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// `live`: with every fact, and when time alone changes it; `scheduled`: when a job runs; `static`: once.
    mode: Mode,
    /// Counts its definitions, from 1.
    version: u32,
    /// Its rule.
    #[schema(value_type = Object)]
    rule: Value,
    /// Its rule for people to read.
    text: RuleText,
    /// How many are in it.
    count: u64,
    /// The latest change of its members.
    seq: u64,
    /// Whether everybody was looked at under this definition; until then `count` still moves by itself.
    is_filled: bool,
    /// Whether it is put away: it loses its members and changes no more.
    is_archived: bool,
    /// Who defined it last.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When it was last defined.
    changed_at: String,
}

/// A definition an audience had.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionItem {
    /// Counts the definitions, from 1.
    version: u32,
    /// What people called it.
    name: String,
    /// Its rule.
    #[schema(value_type = Object)]
    rule: Value,
    /// The rule for people to read.
    text: RuleText,
    /// Who defined it so.
    actor: String,
    /// When.
    at: String,
}

impl From<Audience> for AudienceItem {
    fn from(audience: Audience) -> Self {
        let (rule, text) = told(&audience.rule);
        Self {
            id: audience.id,
            name: audience.name,
            mode: audience.mode,
            version: audience.version,
            rule,
            text,
            count: audience.members,
            seq: audience.last_seq,
            is_filled: audience.filled.is_none(),
            is_archived: audience.is_archived,
            actor: audience.actor,
            created_at: audience.created.to_string(),
            changed_at: audience.changed.to_string(),
        }
    }
}

impl From<audience_version::Version> for VersionItem {
    fn from(stored: audience_version::Version) -> Self {
        let (rule, text) = told(&stored.rule);
        let (version, name, actor) = (stored.version, stored.name, stored.actor);
        Self { version, name, rule, text, actor, at: stored.at.to_string() }
    }
}

/// A stored rule as JSON and as text. One that no longer reads has no text.
pub(in crate::routes) fn told(rule: &str) -> (Value, RuleText) {
    let read = Rule::parse(rule).ok();
    let say = |language| read.as_ref().map_or_else(String::new, |rule| text(rule, language));
    let text = RuleText { zh: say(Language::Chinese), en: say(Language::English) };
    (serde_json::from_str(rule).unwrap_or_default(), text)
}

fn stored(scope: &Scope, tx: &mut db::Tx<'_>, id: &str) -> kernel::Result<Audience> {
    audience_by_id(scope, tx, id)?.ok_or_else(|| Failure::not_found("audience"))
}

/// Audiences, in the order they were made
///
/// Those that are put away are not among them.
#[utoipa::path(get, path = "/api/v1/audiences", tag = "audiences", operation_id = "audience_list",
    params(PageQuery), responses((status = 200, body = Page<AudienceItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
async fn audience_list(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<AudienceItem>> {
    let limit = query.limit();
    let after: u32 = query.cursor.as_deref().map_or(Ok(0), decode_cursor)?;
    let mut rows = state.reader.read(&scope, |identity, tx| Ok(audience_all(identity.scope, tx)?)).await?;
    rows.retain(|audience| !audience.is_archived && audience.no.0 > after);
    rows.truncate(limit + 1);
    Ok(Json(page(rows, limit, |last| last.no.0, Into::into)))
}

/// An audience
#[utoipa::path(get, path = "/api/v1/audiences/{id}", tag = "audiences", operation_id = "audience_fetch",
    params(("id" = String, Path, description = "The audience")),
    responses((status = 200, body = AudienceItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
async fn audience_fetch(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<AudienceItem> {
    Ok(Json(state.audience(&scope, id).await?.into()))
}

/// What an audience was defined as, the latest first
#[utoipa::path(get, path = "/api/v1/audiences/{id}/versions", tag = "audiences",
    operation_id = "audience_versions",
    params(("id" = String, Path, description = "The audience"), PageQuery),
    responses((status = 200, body = Page<VersionItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
async fn audience_versions(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<VersionItem>> {
    let limit = query.limit();
    let before: u32 = query.cursor.as_deref().map_or(Ok(u32::MAX), decode_cursor)?;
    let rows = state.reader.read(&scope, move |identity, tx| {
        let audience = stored(identity.scope, tx, &id)?;
        Ok(audience_version_page(identity.scope, tx, audience.no, before, limit + 1)?)
    });
    Ok(Json(page(rows.await?, limit, |last| last.version, Into::into)))
}
