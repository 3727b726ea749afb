//! Who is in an audience, and how that came about.

use axum::Json;
use axum::extract::State;
use kernel::{PartyId, PartyNo};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use super::{Audiences, stored};
use crate::store::membership::{Change, Member, change_page, membership_page};

/// A party in an audience.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemberItem {
    /// The party.
    id: String,
    /// As of when it was found to be in it.
    since: String,
}

/// One entering or leaving.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangeItem {
    /// Its place in the audience's ledger: 1, 2, 3 … without gaps.
    seq: u64,
    /// The party, by the id it had then.
    party: String,
    /// Whether it entered; it left otherwise.
    entered: bool,
    /// As of when.
    at: String,
    /// `fact`: something happened; `time`: time went by; `definition`: the audience is new or was defined
    /// otherwise; `identity`: identifiers came or went.
    cause: String,
    /// The definition it was found by.
    version: u32,
    /// What led to it: `events`, by their keys, if there were any.
    #[schema(value_type = Object)]
    evidence: Value,
}

/// A part of an audience's ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changes {
    /// The changes, in order.
    items: Vec<ChangeItem>,
    /// Hand this to `after_seq` for what comes next, now or later.
    next_seq: u64,
}

/// Which part of a ledger.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// Only changes after this one; from the beginning if absent.
    after_seq: Option<u64>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
}

impl From<Member> for MemberItem {
    fn from(member: Member) -> Self {
        Self { id: PartyId(member.party_key).to_string(), since: member.since.to_string() }
    }
}

impl From<Change> for ChangeItem {
    fn from(change: Change) -> Self {
        Self {
            seq: change.seq,
            party: PartyId(change.party_key).to_string(),
            entered: change.is_member,
            at: change.at.to_string(),
            cause: change.cause,
            version: change.version,
            evidence: serde_json::from_str(&change.evidence).unwrap_or_else(|_| serde_json::json!({})),
        }
    }
}

/// Who is in an audience
#[utoipa::path(get, path = "/api/v1/audiences/{id}/members", tag = "audiences",
    operation_id = "audience_members",
    params(("id" = String, Path, description = "The audience"), PageQuery),
    responses((status = 200, body = Page<MemberItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_members(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<MemberItem>> {
    let limit = query.limit();
    let after = PartyNo(query.cursor.as_deref().map_or(Ok(0), decode_cursor)?);
    let rows = state.reader.read(&scope, move |identity, tx| {
        let audience = stored(identity.scope, tx, &id)?;
        Ok(membership_page(identity.scope, tx, audience.no, after, limit + 1)?)
    });
    Ok(Json(page(rows.await?, limit, |last| last.party.0, Into::into)))
}

/// Who entered and left an audience, in order
///
/// Ask again with `next_seq` to follow it: every change comes once.
#[utoipa::path(get, path = "/api/v1/audiences/{id}/changes", tag = "audiences",
    operation_id = "audience_changes",
    params(("id" = String, Path, description = "The audience"), ChangesQuery),
    responses((status = 200, body = Changes),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_changes(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(query): Query<ChangesQuery>,
) -> Answer<Changes> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    // Beyond what a ledger can hold is after its end.
    let after = query.after_seq.unwrap_or_default().min(i64::MAX as u64);
    let rows = state.reader.read(&scope, move |identity, tx| {
        let audience = stored(identity.scope, tx, &id)?;
        Ok(change_page(identity.scope, tx, audience.no, after, limit)?)
    });
    let items: Vec<ChangeItem> = rows.await?.into_iter().map(Into::into).collect();
    let next_seq = items.last().map_or(after, |last| last.seq);
    Ok(Json(Changes { items, next_seq }))
}
