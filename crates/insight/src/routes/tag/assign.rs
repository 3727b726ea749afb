//! Saying what a tag is of some parties: one, or a list. Each row is answered for.

use axum::Json;
use axum::extract::State;
use identity::party::{party_by_id, party_by_identifier};
use identity::resolve::Identity;
use identity::store::node::node_by_key;
use kernel::id::base32;
use kernel::{Failure, Instant, Key, PartyId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::{Tags, json, present};
use crate::commands::{Assign, Assignment, REPLACE_ROWS_MAX, TAG_ASSIGN};
use crate::rules::tag::{AnyValue, Document};

/// Rows of one request.
const ROWS_MAX: usize = 10_000;
/// Characters of a source's name.
const SOURCE_CHARS_MAX: usize = 64;
/// Bytes of the rows of one command: it has to fit into an entry of the log beside its head.
const COMMAND_BYTES_MAX: usize = 200 << 10;

/// An identifier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagIdentifier {
    /// Its kind: `user_id`, `mobile` …
    kind: String,
    /// In any form that normalises to it.
    value: String,
}

/// Of whom, and what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagAssignRow {
    /// The party.
    party: Option<String>,
    /// Instead of a party: an identifier. What is said stays with it.
    identifier: Option<TagIdentifier>,
    /// The value; `null` takes back what was said before.
    #[schema(value_type = AnyValue)]
    value: Value,
    /// When it goes by itself (RFC 3339); as the tag says if absent.
    expires_at: Option<String>,
}

/// What is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagAssignRequest {
    /// At most 10,000 rows.
    rows: Vec<TagAssignRow>,
    /// Where it comes from: the name of a system; `manual` if absent.
    source: Option<String>,
}

/// A row that was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagRowError {
    /// The row, from 0.
    row: u64,
    /// What is wrong with it.
    message: String,
}

/// What became of the rows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagAssigned {
    /// How many were taken.
    accepted: u64,
    /// Those that were not.
    errors: Vec<TagRowError>,
}

/// Say what a tag is of some parties
///
/// The latest word counts, before what the definition computes, until it expires or is taken back with the
/// value `null`. Rows that cannot be taken are answered with the reason; the others are.
#[utoipa::path(post, path = "/api/v1/tags/{key}/assign", tag = "tags", operation_id = "tag_assign",
    params(("key" = String, Path, description = "The tag")), request_body = TagAssignRequest,
    responses((status = 200, body = TagAssigned),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_assign(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Body(request): Body<TagAssignRequest>,
) -> Answer<TagAssigned> {
    let source = request.source.unwrap_or_else(|| "manual".to_owned());
    if source.trim().is_empty() || source.chars().count() > SOURCE_CHARS_MAX || source.contains('\0') {
        return Err(Failure::invalid("source", format!("1 to {SOURCE_CHARS_MAX} characters")).into());
    }
    if request.rows.len() > ROWS_MAX {
        return Err(Failure::LimitExceeded { limit: "the rows of one request", max: ROWS_MAX as u64 }.into());
    }
    let own = key.clone();
    let (rows, errors) = state
        .reader
        .read(&scope, move |identity, tx| {
            let document = Document::parse(&present(identity.scope, tx, &own)?.body)?;
            let (mut rows, mut errors) = (Vec::new(), Vec::new());
            for (row, item) in (0..).zip(&request.rows) {
                match read(identity, tx, &document, item) {
                    Ok(read) => rows.push(read),
                    Err(failure @ (Failure::Invalid { .. } | Failure::NotFound { .. })) => {
                        errors.push(TagRowError { row, message: failure.to_string() });
                    }
                    Err(failure) => return Err(failure),
                }
            }
            Ok((rows, errors))
        })
        .await?;
    let accepted = rows.len() as u64;
    for rows in parts(rows) {
        let assign = Assign { key: key.clone(), source: source.clone(), rows };
        state.commands.submit(&scope, TAG_ASSIGN, json(&assign)?).await?;
    }
    Ok(Json(TagAssigned { accepted, errors }))
}

/// Rows as commands take them.
fn parts(rows: Vec<Assignment>) -> Vec<Vec<Assignment>> {
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for row in rows {
        let size = row.value.to_string().len() + 100;
        let is_full = parts.last().is_some_and(|part: &Vec<_>| part.len() >= REPLACE_ROWS_MAX)
            || bytes + size > COMMAND_BYTES_MAX;
        if is_full {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().into_iter().for_each(|part| part.push(row.clone()));
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn read(
    identity: &Identity<'_>,
    tx: &mut db::Tx<'_>,
    document: &Document,
    row: &TagAssignRow,
) -> kernel::Result<Assignment> {
    let node = match (&row.party, &row.identifier) {
        (Some(party), None) => {
            let id = PartyId::parse(party).ok_or_else(|| Failure::not_found("party"))?;
            party_by_id(identity, tx, id)?.id.0
        }
        (None, Some(identifier)) => node(identity, tx, identifier)?,
        _ => return Err(Failure::invalid("party", "give either `party` or `identifier`")),
    };
    if !row.value.is_null() {
        document.fits("value", &row.value)?;
    }
    let wrong = || Failure::invalid("expires_at", "an instant such as 2026-06-30T00:00:00Z");
    let expires = row.expires_at.as_deref().map(|text| Instant::parse(text).ok_or_else(wrong)).transpose()?;
    let expires_us = expires.map(|at| at.0);
    Ok(Assignment { node: base32(&node.0), value: row.value.clone(), expires_us })
}

/// The node of an identifier that somebody has.
fn node(identity: &Identity<'_>, tx: &mut db::Tx<'_>, identifier: &TagIdentifier) -> kernel::Result<Key> {
    let TagIdentifier { kind, value } = identifier;
    let party = party_by_identifier(identity, tx, kind, value)?;
    let normal = identity::rules::normalise::normalise(identity.rules, kind, value);
    let Ok(normal) = normal else { return Ok(party.id.0) };
    let key = identity.key(normal.kind, &normal.value, 0);
    // Found under the name another SDK keeps it by, it stays with the party.
    let is_known = !node_by_key(identity.scope, tx, &[key])?.is_empty();
    Ok(if is_known { key } else { party.id.0 })
}
