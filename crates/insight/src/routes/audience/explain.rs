//! Why a rule holds for a party, or does not.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use criteria::rule::{Aggregate, Measure};
use criteria::{Evaluator, Explanation, Rule};
use identity::party::party_by_id;
use kernel::id::base32;
use kernel::scope::Permission;
use kernel::{Failure, Key, PartyId, SourceNo};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::preview::moment;
use super::{Audiences, check};
use crate::live::{self, Catalogue, Question, Seen, load_with, seen};
use crate::routes::weights;
use crate::rules::mask::mask_trait;
use crate::store::audience::{Audience, audience_by_id};
use crate::store::membership::membership_of;

/// What to explain: a rule or an audience.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest {
    /// The rule.
    #[schema(value_type = Option<Object>)]
    rule: Option<Box<RawValue>>,
    /// Instead of `rule`: the audience whose rule it is. Needs the permission `audience:read` too.
    audience: Option<String>,
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
}

/// Whether a rule holds, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// The party.
    party: String,
    /// As of when.
    as_of: String,
    /// Whether the rule holds.
    holds: bool,
    /// The earliest later instant at which that can differ if nothing happens; `null` is never.
    changes_at: Option<String>,
    /// Since when the party is in the audience, if it is and if one was asked for.
    member_since: Option<String>,
    /// The tree of the rule: of each part its `kind` and `name`, whether it `holds`, what was `measured` and
    /// how it was compared (`op`, `literal`), up to 20 `events` that made it so or the `provenance` of a
    /// trait, when it can change (`changes_at`), and its `members`.
    #[schema(value_type = Object)]
    evidence: Value,
}

/// What is to be explained.
enum Asked {
    Rule(Box<Rule>),
    Audience(String),
}

/// Why a rule holds for a party, or does not
#[utoipa::path(post, path = "/api/v1/parties/{id}/explain", tag = "audiences",
    operation_id = "party_explain_rule",
    params(("id" = String, Path, description = "The party")), request_body = ExplainRequest,
    responses((status = 200, body = Explained),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_explain_rule(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Body(request): Body<ExplainRequest>,
) -> Answer<Explained> {
    let id = PartyId::parse(&id).ok_or_else(|| Failure::not_found("party"))?;
    let asked = match (request.rule, request.audience) {
        (Some(rule), None) => Asked::Rule(Box::new(check::read(&rule)?)),
        (None, Some(audience)) => {
            scope.require(Permission::AudienceRead)?;
            Asked::Audience(audience)
        }
        _ => return Err(Failure::invalid("rule", "give either `rule` or `audience`").into()),
    };
    let installation = state.reader.installation().clone();
    let moment = moment(request.as_of.as_deref(), installation.now())?;
    let zone = state.zone(&scope)?;
    let explained = state.reader.read(&scope, move |identity, tx| {
        let (scope, catalogue) = (identity.scope, Catalogue::read(identity.scope, tx)?);
        let (rule, audience) = asked.rule(scope, tx, &catalogue)?;
        let party = party_by_id(identity, tx, id)?;
        let question = Question::new(live::Asked::Rule(&rule), &catalogue, zone, moment);
        let weights = weights(&installation, scope);
        let program = (question.program(), question.is_assigned());
        let loaded = load_with(identity, tx, program, &weights, (party.no, question.as_of()))?;
        let mut loaded = loaded.ok_or_else(|| Failure::not_found("party"))?;
        let mut standings = question.standing(scope, tx, &[party.no])?;
        let standing = standings.remove(&party.no).unwrap_or_default();
        let mut evaluator = Evaluator::new(question.program());
        let answer = question.explain(&mut evaluator, &mut loaded, &standing);
        let mut keys = HashSet::new();
        collect(&answer.explanation, &mut keys);
        let mut since = None;
        if let Some(audience) = audience {
            let members = membership_of(scope, tx, &[party.no])?;
            let found = members.iter().find(|member| member.audience == audience.no);
            since = found.map(|member| member.since.to_string());
        }
        let teller = Teller::new(&installation, scope, seen(scope, tx, &party, &keys)?);
        Ok(Explained {
            party: party.id.to_string(),
            as_of: question.as_of().to_string(),
            holds: answer.outcome.holds,
            changes_at: answer.outcome.changes_at.map(|at| at.to_string()),
            member_since: since,
            evidence: teller.tell(&rule, &answer.explanation)?,
        })
    });
    Ok(Json(explained.await?))
}

impl Asked {
    /// The rule, and the audience it belongs to.
    fn rule(
        self,
        scope: &kernel::Scope,
        tx: &mut db::Tx<'_>,
        catalogue: &Catalogue,
    ) -> kernel::Result<(Rule, Option<Audience>)> {
        match self {
            Self::Rule(rule) => {
                check::check(scope, tx, &rule, None, catalogue)?;
                Ok((*rule, None))
            }
            Self::Audience(id) => {
                let audience = audience_by_id(scope, tx, &id)?;
                let missing = || Failure::invalid("audience", format!("there is no audience `{id}`"));
                let audience = audience.ok_or_else(missing)?;
                if audience.is_archived {
                    return Err(Failure::conflict("the audience is put away; its rule is asked no more"));
                }
                Ok((Rule::parse(&audience.rule)?, Some(audience)))
            }
        }
    }
}

/// Every event an explanation names.
pub(in crate::routes) fn collect(explanation: &Explanation, keys: &mut HashSet<Key>) {
    keys.extend(&explanation.events);
    explanation.members.iter().for_each(|member| collect(member, keys));
}

/// Tells explanations in words of the API.
pub(in crate::routes) struct Teller {
    is_clear: bool,
    seen: HashMap<Key, Seen>,
    sources: HashMap<SourceNo, String>,
}

impl Teller {
    /// A teller for one caller, who may see what the caller may see.
    pub(in crate::routes) fn new(
        installation: &workspace::Installation,
        scope: &kernel::Scope,
        seen: HashMap<Key, Seen>,
    ) -> Self {
        let sources = installation.sources(scope).iter().map(|s| (s.no, s.id.clone())).collect();
        Self { is_clear: scope.permissions.has(Permission::PersonalRead), seen, sources }
    }

    pub(in crate::routes) fn tell(&self, rule: &Rule, explanation: &Explanation) -> kernel::Result<Value> {
        let alone = Explanation { events: Vec::new(), members: Vec::new(), ..explanation.clone() };
        let mut told = serde_json::to_value(alone).map_err(Failure::internal)?;
        if let Some(field) = measured_field(rule).filter(|_| !self.is_clear)
            && let Some(measured) = told.get_mut("measured")
        {
            *measured = mask_trait(&field, measured.take());
        }
        if let Some(source) = told.pointer_mut("/provenance/source") {
            let no = source.as_u64().map(|no| SourceNo(no as u32));
            *source = no.and_then(|no| self.sources.get(&no)).cloned().into();
        }
        if matches!(rule, Rule::Event(_) | Rule::Sequence(_)) {
            told["events"] = explanation.events.iter().map(|key| self.event(key)).collect();
        }
        if !explanation.members.is_empty() {
            let members = rule.members().iter().zip(&explanation.members);
            told["members"] =
                members.map(|(rule, member)| self.tell(rule, member)).collect::<kernel::Result<_>>()?;
        }
        Ok(told)
    }

    fn event(&self, key: &Key) -> Value {
        match self.seen.get(key) {
            Some(seen) => json!({ "id": seen.id, "event": seen.event, "time": seen.time.to_string() }),
            None => json!({ "id": base32(&key.0) }),
        }
    }
}

/// The field whose value a leaf shows as measured.
fn measured_field(rule: &Rule) -> Option<String> {
    match rule {
        Rule::Trait(named) => Some(named.name.clone()),
        Rule::Event(event) => match &event.measure {
            Measure::Of(aggregate, path) if *aggregate != Aggregate::Distinct => {
                let path = path.to_string();
                let last = path.rsplit('.').next().unwrap_or_default();
                Some(last.trim_end_matches("[]").to_owned())
            }
            _ => None,
        },
        _ => None,
    }
}
