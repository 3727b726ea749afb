//! Defining tags: checked here, decided by the pipeline, answered once it has.

use axum::Json;
use axum::extract::State;
use criteria::Rule;
use kernel::{Failure, Scope};
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::item::TagItem;
use super::{Tags, json, present};
use crate::commands::{TAG_PUT, TAG_REFRESH, TAG_RETIRE, TagKey};
use crate::live::{Catalogue, document_asks, reference_to, rules_of};
use crate::routes::audience::check;
use crate::rules::tag::{Document, How, Kind};
use crate::store::tag::{Tag, tag_by_key};

/// Refuses a definition that the workspace knows to be wrong.
pub(super) fn checked(
    scope: &Scope,
    tx: &mut db::Tx<'_>,
    document: &Document,
    catalogue: &Catalogue,
) -> kernel::Result<Tag> {
    document.check()?;
    let rules = rules_of(document)?;
    let field = match document.how()? {
        How::Cases(cases, _) if document.rule.is_none() => {
            for (place, (_, rule)) in cases.iter().enumerate() {
                checked_rule(scope, tx, rule, catalogue, &format!("cases/{place}/rule"))?;
            }
            "cases"
        }
        How::Cases(cases, _) => {
            cases.iter().try_for_each(|(_, rule)| checked_rule(scope, tx, rule, catalogue, "rule"))?;
            "rule"
        }
        How::Formula(..) => {
            // What a formula names is looked at rule by rule; where it stands is said by its text.
            rules.iter().try_for_each(|rule| checked_rule(scope, tx, rule, catalogue, "formula"))?;
            "formula"
        }
        How::Model { .. } => "model",
        How::Assigned => "kind",
    };
    let tag = unstored(document)?;
    let asks = document_asks(document);
    catalogue.all_there(field, &asks)?;
    catalogue.no_circle(field, reference_to(&tag), asks)?;
    Ok(tag)
}

fn checked_rule(
    scope: &Scope,
    tx: &mut db::Tx<'_>,
    rule: &Rule,
    catalogue: &Catalogue,
    field: &str,
) -> kernel::Result<()> {
    check::check(scope, tx, rule, None, catalogue).map_err(|failure| match failure {
        Failure::Invalid { field: inner, message } => {
            let place = inner.strip_prefix("rule").unwrap_or(&inner);
            Failure::invalid(format!("{field}{place}"), message)
        }
        other => other,
    })
}

/// A definition as the tag it is not yet.
fn unstored(document: &Document) -> kernel::Result<Tag> {
    let body = serde_json::to_string(document).map_err(Failure::internal)?;
    Ok(Tag {
        no: crate::store::tag::TagNo(u32::MAX),
        key: document.key.clone(),
        version: 0,
        role: document.role.name().to_owned(),
        kind: document.kind.name().to_owned(),
        body,
        is_retired: false,
        actor: String::new(),
        created: Default::default(),
        changed: Default::default(),
        filled: None,
        last_seq: 0,
        values: 0,
        run: 0,
    })
}

/// Define a tag, or define it otherwise
///
/// Its version grows, and everybody is looked at again where values can differ: `is_filled` says when
/// everybody was. A tag that is put away comes back.
#[utoipa::path(put, path = "/api/v1/tags/{key}", tag = "tags", operation_id = "tag_put",
    params(("key" = String, Path, description = "The tag, as in the definition")), request_body = Document,
    responses((status = 200, body = TagItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_put(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Body(document): Body<Document>,
) -> Answer<TagItem> {
    if document.key != key {
        return Err(Failure::invalid("key", "the key of the definition is that of the path").into());
    }
    let put = document.clone();
    let before = state
        .reader
        .read(&scope, move |identity, tx| {
            let catalogue = Catalogue::read(identity.scope, tx)?;
            checked(identity.scope, tx, &document, &catalogue)?;
            let known = tag_by_key(identity.scope, tx, &document.key)?;
            if let Some(known) = known.as_ref().filter(|known| known.role != document.role.name()) {
                let users = catalogue.users(&reference_to(known));
                if !users.is_empty() {
                    let message = format!("it is asked for as a {} by {}", known.role, users.join(", "));
                    return Err(Failure::conflict(message));
                }
            }
            Ok(known.map_or(0, |known| known.version))
        })
        .await?;
    state.commands.submit(&scope, TAG_PUT, json(&put)?).await?;
    let now = state.item(&scope, key).await?;
    if now.is_retired || now.version <= before {
        return Err(meanwhile().into());
    }
    Ok(Json(now))
}

fn meanwhile() -> Failure {
    Failure::conflict(
        "somebody else changed the tag, or what it asks for, meanwhile; look at it and try again",
    )
}

/// Put a tag away
///
/// Refused while audiences or other tags ask for it, with their names. Everybody loses it; its changes and
/// versions stay readable.
#[utoipa::path(delete, path = "/api/v1/tags/{key}", tag = "tags", operation_id = "tag_retire",
    params(("key" = String, Path, description = "The tag")),
    responses((status = 200, body = TagItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_retire(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
) -> Answer<TagItem> {
    let own = key.clone();
    state
        .reader
        .read(&scope, move |identity, tx| {
            let tag = present(identity.scope, tx, &own)?;
            let users = Catalogue::read(identity.scope, tx)?.users(&reference_to(&tag));
            if users.is_empty() {
                return Ok(());
            }
            let message = format!("it is asked for by {}; change them first", users.join(", "));
            Err(Failure::conflict(message))
        })
        .await?;
    state.commands.submit(&scope, TAG_RETIRE, json(&TagKey { key: key.clone() })?).await?;
    let now = state.item(&scope, key).await?;
    if !now.is_retired {
        return Err(meanwhile().into());
    }
    Ok(Json(now))
}

/// Look at everybody again
///
/// For a scheduled tag this is how it comes up to date; `is_filled` says when everybody was looked at.
#[utoipa::path(post, path = "/api/v1/tags/{key}/refresh", tag = "tags", operation_id = "tag_refresh",
    params(("key" = String, Path, description = "The tag")),
    responses((status = 200, body = TagItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_refresh(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
) -> Answer<TagItem> {
    let own = key.clone();
    let known = state.reader.read(&scope, move |identity, tx| present(identity.scope, tx, &own)).await?;
    if known.kind == Kind::Sql.name() {
        return Err(Failure::conflict("the values of a tag of kind `sql` come from runs of its query").into());
    }
    state.commands.submit(&scope, TAG_REFRESH, json(&TagKey { key: key.clone() })?).await?;
    Ok(Json(state.item(&scope, key).await?))
}
