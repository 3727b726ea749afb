//! The tags, scores and stages of one party, and why it has them.

use std::collections::{BTreeMap, HashSet};

use axum::Json;
use axum::extract::State;
use criteria::Evaluator;
use identity::party::party_by_id;
use kernel::{Failure, PartyId, PartyNo, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::values::{Shown, told};
use super::{Tags, present};
use crate::live::{Asked, Catalogue, Question, load_with, seen};
use crate::routes::audience::explain::{Teller, collect};
use crate::routes::audience::preview::moment;
use crate::routes::weights;
use crate::rules::tag::{AnyValue, Document};
use crate::store::tag::{TagNo, tag_all};
use crate::store::tag_value::value_of;
use crate::store::timer::evaluated_until;

/// A tag, score or stage of a party.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartyTag {
    /// What rules call it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The value.
    #[schema(value_type = AnyValue)]
    pub value: Value,
    /// What the definition says, where somebody says otherwise.
    #[schema(value_type = Option<AnyValue>)]
    pub computed: Option<Value>,
    /// Who says so; nothing if the definition does.
    pub source: Option<String>,
    /// Since when it is so.
    pub since: String,
    /// As of when it was looked at.
    pub as_of: String,
    /// When it goes by itself.
    pub expires_at: Option<String>,
    /// The definition it was found by.
    pub version: u32,
    /// Why: what was looked at and what came of it.
    #[schema(value_type = Object)]
    pub reasons: Value,
}

/// The tags, scores and stages of a party.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct PartyTags {
    /// Tags, by key.
    tags: Vec<PartyTag>,
    /// Scores, by key.
    scores: Vec<PartyTag>,
    /// Stages, by key.
    stages: Vec<PartyTag>,
}

/// Reads what a party has, by role and key.
///
/// # Errors
/// As the database says.
pub fn tags_of(
    scope: &Scope,
    tx: &mut db::Tx<'_>,
    party: PartyNo,
) -> kernel::Result<BTreeMap<(String, String), PartyTag>> {
    let defined: BTreeMap<TagNo, _> = tag_all(scope, tx)?.into_iter().map(|tag| (tag.no, tag)).collect();
    let mut found = BTreeMap::new();
    if defined.is_empty() {
        return Ok(found);
    }
    let as_of = evaluated_until(scope, tx)?.to_string();
    for held in value_of(scope, tx, &[party])? {
        let Some(tag) = defined.get(&held.tag).filter(|tag| !tag.is_retired) else { continue };
        let Ok(document) = Document::parse(&tag.body) else { continue };
        let shown = Shown::of(&document, scope);
        let item = PartyTag {
            key: tag.key.clone(),
            name: document.name,
            value: shown.value(&held.value),
            computed: held.computed.as_deref().map(|value| shown.value(value)),
            source: Some(held.source).filter(|source| !source.is_empty()),
            since: held.since.to_string(),
            as_of: as_of.clone(),
            expires_at: held.expires.map(|at| at.to_string()),
            version: held.version,
            reasons: shown.reasons(told(&held.reasons)),
        };
        found.insert((tag.role.clone(), tag.key.clone()), item);
    }
    Ok(found)
}

/// The tags, scores and stages of a party
#[utoipa::path(get, path = "/api/v1/parties/{id}/tags", tag = "tags", operation_id = "party_tags",
    params(("id" = String, Path, description = "The party")),
    responses((status = 200, body = PartyTags),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_tags(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<PartyTags> {
    let id = PartyId::parse(&id).ok_or_else(|| Failure::not_found("party"))?;
    let found = state.reader.read(&scope, move |identity, tx| {
        let party = party_by_id(identity, tx, id)?;
        tags_of(identity.scope, tx, party.no)
    });
    let mut all = PartyTags::default();
    for ((role, _), item) in found.await? {
        match role.as_str() {
            "score" => all.scores.push(item),
            "stage" => all.stages.push(item),
            _ => all.tags.push(item),
        }
    }
    Ok(Json(all))
}

/// What to explain.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagExplainRequest {
    /// The tag, score or stage.
    tag: String,
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
}

/// What a tag is of a party, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagExplained {
    /// The party.
    party: String,
    /// The tag.
    key: String,
    /// As of when.
    as_of: String,
    /// The version of its definition.
    version: u32,
    /// The value; `null` if there is none.
    #[schema(value_type = Option<AnyValue>)]
    value: Option<Value>,
    /// What the definition says, where somebody says otherwise.
    #[schema(value_type = Option<AnyValue>)]
    computed: Option<Value>,
    /// Who says so; nothing if the definition does.
    source: Option<String>,
    /// When it goes by itself.
    expires_at: Option<String>,
    /// The earliest later instant at which it can differ if nothing happens; `null` is never. It may be too
    /// early, never too late.
    changes_at: Option<String>,
    /// Why: which case held, what the formula read, what the model looked at.
    #[schema(value_type = Object)]
    reasons: Value,
    /// The rules it is computed from, each with its evidence, as a rule is explained.
    #[schema(value_type = Vec<Object>)]
    evidence: Vec<Value>,
}

/// What a tag is of a party, and why
#[utoipa::path(post, path = "/api/v1/parties/{id}/explain_tag", tag = "tags",
    operation_id = "party_explain_tag",
    params(("id" = String, Path, description = "The party")), request_body = TagExplainRequest,
    responses((status = 200, body = TagExplained),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_explain_tag(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(request): Body<TagExplainRequest>,
) -> Answer<TagExplained> {
    let id = PartyId::parse(&id).ok_or_else(|| Failure::not_found("party"))?;
    let installation = state.reader.installation().clone();
    let moment = moment(request.as_of.as_deref(), installation.now())?;
    let zone = state.zone(&scope)?;
    let explained = state.reader.read(&scope, move |identity, tx| {
        let scope = identity.scope;
        let tag = present(scope, tx, &request.tag)?;
        let document = Document::parse(&tag.body)?;
        let party = party_by_id(identity, tx, id)?;
        let catalogue = Catalogue::read(scope, tx)?;
        let question = Question::new(Asked::Tag(&tag), &catalogue, zone, moment);
        let weights = weights(&installation, scope);
        let program = (question.program(), true);
        let loaded = load_with(identity, tx, program, &weights, (party.no, question.as_of()))?;
        let mut loaded = loaded.ok_or_else(|| Failure::not_found("party"))?;
        let standing = question.standing(scope, tx, &[party.no])?.remove(&party.no).unwrap_or_default();
        let mut evaluator = Evaluator::new(question.program());
        let verdict = question.value(&mut evaluator, &mut loaded, &standing);
        let rules = question.explain_rules(&mut evaluator, &mut loaded, &standing);
        let mut keys = HashSet::new();
        rules.iter().for_each(|(_, explanation)| collect(explanation, &mut keys));
        let teller = Teller::new(&installation, scope, seen(scope, tx, &party, &keys)?);
        let shown = Shown::of(&document, scope);
        Ok(TagExplained {
            party: party.id.to_string(),
            key: tag.key,
            as_of: question.as_of().to_string(),
            version: tag.version,
            value: verdict.value.as_deref().map(|value| shown.value(value)),
            computed: verdict.computed.as_deref().map(|value| shown.value(value)),
            source: Some(verdict.source).filter(|source| !source.is_empty()),
            expires_at: verdict.expires.map(|at| at.to_string()),
            changes_at: verdict.changes_at.map(|at| at.to_string()),
            reasons: shown.reasons(verdict.reasons),
            evidence: rules
                .iter()
                .map(|(rule, why)| teller.tell(rule, why))
                .collect::<kernel::Result<_>>()?,
        })
    });
    Ok(Json(explained.await?))
}
