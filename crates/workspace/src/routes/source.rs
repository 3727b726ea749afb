//! `/api/v1/sources`: where events may come from. A write key is shown once, when it is made.

use axum::Json;
use axum::extract::State;
use kernel::{Failure, Scope, SourceNo};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};

use super::act::{Act, perform};
use super::list::page;
use super::request::{Body, Path, Query};
use crate::rules::sender;
use crate::store::source::{self, Change, source_fetch};
use crate::{Installation, credential};

/// A source of events, without its write key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Source {
    /// Its id, for example `web` or `pos`.
    id: String,
    /// The 神策 project whose requests belong here even without a token.
    sensors_project: Option<String>,
    /// Origins browsers may send from; empty for any.
    origins: Vec<String>,
    /// Accepted events a second; 0 for no limit.
    events_per_second: u32,
    /// Of two values of equal evidence, the one from the source with the higher priority counts.
    priority: i32,
    /// Evidence grade of what it says: `A` document, `B` observed, `C` stated, `D` hearsay.
    grade: String,
    /// Whether it may send.
    is_enabled: bool,
}

impl From<source::Source> for Source {
    fn from(source: source::Source) -> Self {
        Self {
            id: source.id,
            sensors_project: source.sensors_project,
            origins: source.origins,
            events_per_second: source.events_per_second,
            priority: source.priority,
            grade: source.grade.to_string(),
            is_enabled: source.is_enabled,
        }
    }
}

/// A source to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSource {
    /// Its id: 1 to 64 of `a`–`z`, `0`–`9`, `-`, `_`.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    id: String,
    /// The write key to use, 8 to 128 of `A`–`Z`, `a`–`z`, `0`–`9`, `-`, `_`, `.`; a fresh one if absent.
    write_key: Option<String>,
    /// The 神策 project whose requests belong here even without a token.
    sensors_project: Option<String>,
    /// Origins browsers may send from, such as `https://shop.example`; empty for any.
    origins: Option<Vec<String>>,
    /// Accepted events a second; 0 (the default) for no limit.
    events_per_second: Option<u32>,
    /// Of two values of equal evidence, the one from the source with the higher priority counts. 0 by default.
    priority: Option<i32>,
    /// Evidence grade of what it says: `A` document, `B` observed, `C` stated (the default), `D` hearsay.
    grade: Option<String>,
}

/// What changes in a source; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceChange {
    /// Whether it may send.
    is_enabled: Option<bool>,
    /// Origins browsers may send from; empty for any.
    origins: Option<Vec<String>>,
    /// Accepted events a second; 0 for no limit.
    events_per_second: Option<u32>,
    /// Of two values of equal evidence, the one from the source with the higher priority counts.
    priority: Option<i32>,
    /// Evidence grade of what it says: `A`, `B`, `C` or `D`.
    grade: Option<String>,
}

/// A source with its write key, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SourceKey {
    /// The source.
    #[serde(flatten)]
    source: Source,
    /// The write key. Keep it: it is not stored here.
    write_key: String,
}

/// The sources
#[utoipa::path(get, path = "/api/v1/sources", tag = "workspace", operation_id = "source_list",
    params(PageQuery), responses((status = 200, body = Page<Source>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn source_list(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<Source>> {
    let limit = query.limit();
    let sources = web::blocking(move || {
        let after: Option<u32> = query.cursor.as_deref().map(decode_cursor).transpose()?;
        let after = SourceNo(after.unwrap_or(0));
        let pool = installation.store().installation()?;
        Ok(pool.read(|tx| source::source_page(&scope, tx, after, limit + 1))?)
    });
    Ok(Json(page(sources.await?, limit, |source| source.no.0, Source::from)))
}

/// Make a source
#[utoipa::path(post, path = "/api/v1/sources", tag = "workspace", operation_id = "source_create",
    request_body = NewSource, responses((status = 200, body = SourceKey),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn source_create(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Body(new): Body<NewSource>,
) -> Answer<SourceKey> {
    Ok(Json(web::blocking(move || create(&installation, &scope, new)).await?))
}

fn create(installation: &Installation, scope: &Scope, new: NewSource) -> kernel::Result<SourceKey> {
    let change = Change {
        is_enabled: None,
        origins: new.origins.as_deref().map(sender::origins).transpose()?,
        events_per_second: new.events_per_second,
        priority: new.priority,
        grade: new.grade.as_deref().map(sender::grade).transpose()?,
    };
    sender::check_id(&new.id)?;
    let project = new.sensors_project.as_deref();
    project.map(sender::check_project).transpose()?;
    let write_key = match new.write_key {
        Some(key) => sender::check_write_key(&key).map(|()| key)?,
        None => credential::write_key(&installation.ids().secret()),
    };
    let detail = json!({ "sensors_project": project, "change": detail(&change) });
    let act = Act { action: "source.create", subject: &new.id, detail };
    let made = perform(installation, scope, &act, |tx| {
        let new = source::NewSource {
            workspace: scope.workspace,
            id: &new.id,
            write_key: &write_key,
            sensors_project: project,
        };
        source::source_check(tx, &new)?;
        source::source_create(tx, &new, installation.now())?;
        source::source_update(scope, tx, new.id, &change)?;
        source_fetch(scope, tx, new.id)
    })?;
    Ok(SourceKey { source: made.into(), write_key })
}

/// Enable, disable or change a source
#[utoipa::path(patch, path = "/api/v1/sources/{id}", tag = "workspace", operation_id = "source_update",
    params(("id" = String, Path, description = "The source's id")), request_body = SourceChange,
    responses((status = 200, body = Source),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn source_update(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(wanted): Body<SourceChange>,
) -> Answer<Source> {
    let changed = web::blocking(move || {
        known(&installation, &scope, &id)?;
        let change = Change {
            is_enabled: wanted.is_enabled,
            origins: wanted.origins.as_deref().map(sender::origins).transpose()?,
            events_per_second: wanted.events_per_second,
            priority: wanted.priority,
            grade: wanted.grade.as_deref().map(sender::grade).transpose()?,
        };
        if change == Change::default() {
            return Err(Failure::invalid("body", "names nothing to change"));
        }
        let act = Act { action: "source.update", subject: &id, detail: detail(&change) };
        perform(&installation, &scope, &act, |tx| {
            source::source_update(&scope, tx, &id, &change)?;
            source_fetch(&scope, tx, &id)
        })
    });
    Ok(Json(changed.await?.into()))
}

/// Replace a source's write key
///
/// The old key is refused from now on.
#[utoipa::path(post, path = "/api/v1/sources/{id}/rotate_key", tag = "workspace",
    operation_id = "source_rotate_key",
    params(("id" = String, Path, description = "The source's id")),
    responses((status = 200, body = SourceKey),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn source_rotate_key(
    State(installation): State<Installation>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<SourceKey> {
    let rotated = web::blocking(move || {
        let source = known(&installation, &scope, &id)?;
        let write_key = credential::write_key(&installation.ids().secret());
        let act = Act { action: "source.rotate_key", subject: &id, detail: json!({}) };
        let replace = |tx: &mut db::Tx<'_>| source::source_set_key(&scope, tx, &id, &write_key);
        perform(&installation, &scope, &act, replace)?;
        Ok(SourceKey { source: source.into(), write_key })
    });
    Ok(Json(rotated.await?))
}

/// The source, looked up before the audit log hears of it: an id that is none is not written there.
fn known(installation: &Installation, scope: &Scope, id: &str) -> kernel::Result<source::Source> {
    installation.store().installation()?.read(|tx| source_fetch(scope, tx, id))
}

fn detail(change: &Change) -> serde_json::Value {
    let all = json!({
        "is_enabled": change.is_enabled, "origins": change.origins, "priority": change.priority,
        "events_per_second": change.events_per_second, "grade": change.grade,
    });
    let serde_json::Value::Object(all) = all else { return all };
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
