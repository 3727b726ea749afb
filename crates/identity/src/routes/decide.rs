//! Merging and unmerging by people.

use axum::Json;
use axum::extract::State;
use kernel::id::base32;
use kernel::{Failure, Key, NodeNo, PartyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Answer, Caller, Problem, ProblemDocument};
use workspace::routes::request::{self, Path};

use super::{Decisions, party_id, path_party_id};
use crate::commands::{self, MERGE, Merge, RETRACT, Retract, SEPARATE, Separate};
use crate::party::{Party, party_by_id};
use crate::resolve::Identity;
use crate::rules::normalise::normalise;
use crate::store::decision::{Body, decision_live};

/// Two parties to make one.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MergeRequest {
    /// The two party ids.
    #[serde(default, alias = "ids", alias = "party_ids")]
    parties: Vec<String>,
    /// Instead of `parties`: one of them. Which id stays is decided by which was seen first.
    survivor: Option<String>,
    /// Instead of `parties`: the other.
    absorbed: Option<String>,
    /// Why; kept with the decision.
    #[serde(default)]
    reason: String,
}

/// An identifier of a party.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IdentifierRef {
    /// Its kind.
    kind: String,
    /// Its value, in any form that normalises to it.
    value: String,
}

/// What to undo. Without a body: the latest merge of the party that people made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UnmergeRequest {
    /// The decision to take back.
    decision: Option<String>,
    /// The identifiers that belong to somebody else; they leave the party together.
    #[serde(default)]
    identifiers: Vec<IdentifierRef>,
    /// Why; kept with the decision.
    #[serde(default)]
    reason: String,
}

/// What a decision did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decided {
    /// The decision; hand it to `unmerge` to take it back.
    decision: String,
    /// The party the first id resolves to now.
    party: String,
    /// The parties that the ids involved resolve to now, each once.
    parties: Vec<String>,
}

/// Merge two parties
///
/// Both ids go on resolving; no fact moves, so `unmerge` restores both exactly.
#[utoipa::path(post, path = "/api/v1/parties/merge", tag = "identity", operation_id = "party_merge",
    request_body = MergeRequest, responses((status = 200, body = Decided),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_merge(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    request::Body(request): request::Body<MergeRequest>,
) -> Answer<Decided> {
    let named = request.survivor.iter().chain(&request.absorbed);
    let parties: Vec<&String> = request.parties.iter().chain(named).collect();
    let [a, b] = &parties[..] else {
        return Err(Failure::invalid("parties", "exactly two party ids").into());
    };
    let ids = [party_id("parties", a)?, party_id("parties", b)?];
    let anchors = state
        .read(&scope, move |identity, tx| {
            let parties = [party_by_id(identity, tx, ids[0])?, party_by_id(identity, tx, ids[1])?];
            if parties[0].no == parties[1].no {
                return Err(Failure::conflict("both ids are the same party already"));
            }
            Ok(parties.map(|party| linkable(identity, &party)))
        })
        .await?;
    let body = Merge { a: text(&anchors[0]), b: text(&anchors[1]), reason: request.reason };
    let command = state.commands.submit(&scope, MERGE, json(&body)?).await?;
    let secret = state.secret(&scope)?;
    answer(&state, &scope, text(&commands::decision_id(&secret, &command)), vec![ids[0], ids[1]]).await
}

/// Undo a merge, or split identifiers off
#[utoipa::path(post, path = "/api/v1/parties/{id}/unmerge", tag = "identity", operation_id = "party_unmerge",
    params(("id" = String, Path, description = "The party")), request_body = Option<UnmergeRequest>,
    responses((status = 200, body = Decided),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_unmerge(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    request::Body(request): request::Body<UnmergeRequest>,
) -> Answer<Decided> {
    let id = path_party_id(&id)?;
    if !request.identifiers.is_empty() {
        return split(&state, &scope, id, request).await;
    }
    let wanted = request.decision.as_deref().map(commands::key).transpose()?;
    let (decision, ends) = state
        .read(&scope, move |identity, tx| {
            let party = party_by_id(identity, tx, id)?;
            let members: Vec<NodeNo> = party.members.iter().map(|m| m.node.no).collect();
            let decisions =
                decision_live(identity.scope, tx)?.into_iter().filter(|d| match (&d.body, wanted) {
                    (_, Some(id)) => d.id == id && d.body.nodes().iter().any(|no| members.contains(no)),
                    (Body::Join { a, b }, None) => members.contains(a) && members.contains(b),
                    (Body::Separate { .. }, None) => false,
                });
            let latest = decisions.max_by_key(|d| (d.at, d.id)).ok_or_else(|| {
                Failure::conflict("nobody merged this party; name the `identifiers` to split off")
            })?;
            let nodes = crate::store::node::node_by_no(identity.scope, tx, &latest.body.nodes())?;
            Ok((latest.id, nodes.into_iter().map(|node| PartyId(node.key)).collect::<Vec<_>>()))
        })
        .await?;
    let body = Retract { decision: text(&decision), reason: request.reason };
    state.commands.submit(&scope, RETRACT, json(&body)?).await?;
    let ids = std::iter::once(id).chain(ends).collect();
    answer(&state, &scope, text(&decision), ids).await
}

async fn split(
    state: &Decisions,
    scope: &kernel::Scope,
    id: PartyId,
    request: UnmergeRequest,
) -> Answer<Decided> {
    let wanted = request.identifiers;
    let (left, right) = state
        .read(scope, move |identity, tx| {
            let party = party_by_id(identity, tx, id)?;
            let mut left = Vec::new();
            for (i, identifier) in wanted.iter().enumerate() {
                let normal = normalise(identity.rules, &identifier.kind, &identifier.value);
                let key = normal.ok().map(|n| identity.key(n.kind, &n.value, 0));
                let member = party.members.iter().find(|m| Some(m.node.key) == key);
                let field = format!("identifiers[{i}]");
                let member =
                    member.ok_or_else(|| Failure::invalid(field, "not an identifier of this party"))?;
                left.push(member.node.key);
            }
            let stay = party.members.iter().filter(|m| identity.is_hard(&m.node) && m.node.era == 0);
            let right: Vec<Key> = stay.map(|m| m.node.key).filter(|key| !left.contains(key)).collect();
            if right.is_empty() {
                return Err(Failure::conflict("these are all its identifiers; something must stay"));
            }
            Ok((left, right))
        })
        .await?;
    let ids = std::iter::once(id).chain(left.iter().chain(&right).map(|key| PartyId(*key))).collect();
    let texts = |keys: &[Key]| keys.iter().map(text).collect();
    let body = Separate { left: texts(&left), right: texts(&right), reason: request.reason };
    let command = state.commands.submit(scope, SEPARATE, json(&body)?).await?;
    let secret = state.secret(scope)?;
    answer(state, scope, text(&commands::decision_id(&secret, &command)), ids).await
}

async fn answer(
    state: &Decisions,
    scope: &kernel::Scope,
    decision: String,
    ids: Vec<PartyId>,
) -> Answer<Decided> {
    let parties = state
        .read(scope, move |identity, tx| {
            let mut found: Vec<String> = Vec::new();
            for id in ids {
                let party = party_by_id(identity, tx, id)?.id.to_string();
                if !found.contains(&party) {
                    found.push(party);
                }
            }
            Ok(found)
        })
        .await?;
    let party = parties.first().cloned().unwrap_or_default();
    Ok(Json(Decided { decision, party, parties }))
}

/// The identifier through which a party is joined to another: its best one, so that a person rather
/// than the cookie they came with is what people decided about.
fn linkable(identity: &Identity<'_>, party: &Party) -> Key {
    let hard = party.members.iter().find(|m| identity.is_hard(&m.node));
    hard.map_or(party.id.0, |m| m.node.key)
}

fn text(key: &Key) -> String {
    base32(&key.0)
}

fn json(body: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(body).map_err(|e| Failure::internal(e).into())
}
