//! What waits for people: edges that were refused; and what people decided.

use axum::Json;
use axum::extract::State;
use kernel::id::base32;
use kernel::scope::Permission;
use kernel::{NodeNo, PartyId, Scope};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor, encode_cursor};
use workspace::routes::request::Query;

use super::Decisions;
use crate::rules::mask::mask;
use crate::store::contested::contested_page;
use crate::store::decision::{Body, decision_history};
use crate::store::node::{Node, node_anchors, node_by_no};

/// Two identifiers that were seen together and stayed apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContestedItem {
    /// One.
    a: End,
    /// The other.
    b: End,
    /// Why: `limit:<kind>`, `name`, `birth_year`, `operator`, `presence`, `super_connected`,
    /// `separated` or `unbound`.
    reason: String,
}

/// One end of a refused edge.
#[derive(Debug, Serialize, ToSchema)]
pub struct End {
    /// Kind of the identifier.
    kind: String,
    /// Its value, masked without the permission `personal:read`.
    value: String,
    /// The party that holds it.
    party: String,
}

/// Identifiers seen together that are not one party
#[utoipa::path(get, path = "/api/v1/identity/contested", tag = "identity", operation_id = "identity_contested",
    params(PageQuery), responses((status = 200, body = Page<ContestedItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn identity_contested(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<ContestedItem>> {
    let after: (u64, u64) = query.cursor.as_deref().map_or(Ok((0, 0)), decode_cursor)?;
    let (limit, by) = (query.limit(), scope.clone());
    let page = state
        .read(&scope, move |identity, tx| {
            let after = (NodeNo(after.0), NodeNo(after.1));
            let mut rows = contested_page(identity.scope, tx, after, limit + 1)?;
            let has_more = rows.len() > limit;
            rows.truncate(limit);
            let numbers: Vec<NodeNo> = rows.iter().flat_map(|r| [r.a, r.b]).collect();
            let nodes = node_by_no(identity.scope, tx, &numbers)?;
            let parties: Vec<_> = nodes.iter().map(|n| n.party).collect();
            let anchors = node_anchors(identity.scope, tx, &parties)?;
            let end = |no: NodeNo| {
                let node = nodes.iter().find(|n| n.no == no)?;
                let anchor = anchors.iter().find(|a| a.party == node.party)?;
                Some(self::end(&by, node, anchor))
            };
            let next = rows.last().filter(|_| has_more).map(|r| encode_cursor(&(r.a.0, r.b.0)));
            let items = rows
                .iter()
                .filter_map(|r| Some(ContestedItem { a: end(r.a)?, b: end(r.b)?, reason: r.reason.clone() }));
            Ok(Page { items: items.collect(), next })
        })
        .await?;
    Ok(Json(page))
}

fn end(scope: &Scope, node: &Node, anchor: &Node) -> End {
    let value = match scope.permissions.has(Permission::PersonalRead) {
        true => node.value.clone(),
        false => mask(&node.value),
    };
    End { kind: node.kind.clone(), value, party: PartyId(anchor.key).to_string() }
}

/// A decision about parties.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionItem {
    /// Its id.
    id: String,
    /// `join` or `separate`.
    kind: &'static str,
    /// Who decided.
    actor: String,
    /// Why.
    reason: String,
    /// When.
    at: String,
    /// When it was taken back, if it was.
    retracted_at: Option<String>,
}

/// What people decided about parties, newest first
#[utoipa::path(get, path = "/api/v1/identity/decisions", tag = "identity", operation_id = "identity_decisions",
    params(PageQuery), responses((status = 200, body = Page<DecisionItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn identity_decisions(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<DecisionItem>> {
    let skip: usize = query.cursor.as_deref().map_or(Ok(0), decode_cursor)?;
    let limit = query.limit();
    let page = state
        .read(&scope, move |identity, tx| {
            let rows = decision_history(identity.scope, tx, skip.saturating_add(limit + 1))?;
            let has_more = rows.len() > skip.saturating_add(limit);
            let items = rows.into_iter().skip(skip).take(limit).map(|d| DecisionItem {
                id: base32(&d.id.0),
                kind: if matches!(d.body, Body::Join { .. }) { "join" } else { "separate" },
                actor: d.actor,
                reason: d.reason,
                at: d.at.to_string(),
                retracted_at: d.retracted.map(|at| at.to_string()),
            });
            let items = items.collect();
            Ok(Page { items, next: has_more.then(|| encode_cursor(&(skip + limit))) })
        })
        .await?;
    Ok(Json(page))
}
