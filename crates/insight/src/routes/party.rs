//! Parties: search, look-up by identifier, the profile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use identity::party::{self, Party};
use identity::resolve::Identity;
use kernel::scope::Permission;
use kernel::{Failure, PartyId, Scope, SourceNo};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, ProblemDocument, decode_cursor, encode_cursor};
use workspace::routes::request::{Path, Query};

use super::Parties;
use super::tag::tags_of;
use crate::profile::{Profile, Weights, profile};
use crate::rules::mask::mask_trait;
use crate::search;

/// An identifier of a party.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IdentifierItem {
    /// Its kind: `user_id`, `mobile`, `$identity_login_id` …
    pub kind: String,
    /// Its normalised value; masked without the permission `personal:read`.
    pub value: String,
    /// When it was first seen.
    pub first_seen: String,
    /// Whether it serves several people in turn, and is this party's only at times.
    pub is_shared: bool,
}

/// Where a field's value comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Provenance {
    /// The source that said it.
    pub source: String,
    /// When, by event time.
    pub time: String,
    /// Evidence grade of the source: `A` document, `B` observed, `C` stated, `D` hearsay.
    pub grade: char,
    /// Kind of the identifier it was said under.
    pub identifier_kind: String,
}

/// A person or business.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartyItem {
    /// Its id. An id that was ever given out resolves for ever.
    pub id: String,
    /// Its identifiers, best first.
    pub identifiers: Vec<IdentifierItem>,
    /// Its fields; personal ones masked without the permission `personal:read`.
    #[schema(value_type = Object)]
    pub traits: BTreeMap<String, Value>,
    /// Where each field's value comes from.
    pub provenance: BTreeMap<String, Provenance>,
    /// Its tags, by key; see `GET …/tags` for where they come from.
    #[schema(value_type = Object)]
    pub tags: BTreeMap<String, Value>,
    /// Its scores, by key.
    #[schema(value_type = Object)]
    pub scores: BTreeMap<String, Value>,
    /// Its stages, by state machine.
    #[schema(value_type = Object)]
    pub stages: BTreeMap<String, Value>,
    /// Events on its timeline.
    pub event_count: u64,
    /// Time of its first event.
    pub first_seen: Option<String>,
    /// Time of its last event.
    pub last_seen: Option<String>,
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// A name (also in part, in pinyin or by initials), the end of a phone number, an e-mail address,
    /// an identifier or an id. Without it, every party is listed.
    q: Option<String>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Find parties
#[utoipa::path(get, path = "/api/v1/parties", tag = "parties", operation_id = "party_search",
    params(SearchQuery), responses((status = 200, body = Page<PartyItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_search(
    State(state): State<Parties>,
    Caller(scope): Caller,
    Query(query): Query<SearchQuery>,
) -> Answer<Page<PartyItem>> {
    let teller = Teller::new(&state, &scope);
    let limit = web::PageQuery { limit: query.limit, cursor: None }.limit();
    let after: u64 = query.cursor.as_deref().map_or(Ok(0), decode_cursor)?;
    let page = state
        .reader
        .read(&scope, move |identity, tx| {
            let (parties, next) = match query.q.as_deref().filter(|q| !q.trim().is_empty()) {
                Some(q) => {
                    let found = search::search(identity, tx, q)?;
                    let skip = after as usize;
                    let next = (found.len() > skip + limit).then_some((skip + limit) as u64);
                    (found.into_iter().skip(skip).take(limit).collect(), next)
                }
                None => search::list(identity, tx, after, limit)?,
            };
            let mut items = Vec::with_capacity(parties.len());
            for no in parties {
                let party = party::party(identity, tx, no)?;
                items.push(teller.tell(identity, tx, &party)?);
            }
            Ok(Page { items, next: next.map(|n| encode_cursor(&n)) })
        })
        .await?;
    Ok(Json(page))
}

/// The party that holds an identifier
#[utoipa::path(get, path = "/api/v1/parties/by/{kind}/{value}", tag = "parties",
    operation_id = "party_by_identifier",
    params(("kind" = String, Path, description = "`user_id`, `anonymous_id`, `email`, `mobile`, a 神策 key …"),
           ("value" = String, Path, description = "In any form that normalises to it")),
    responses((status = 200, body = PartyItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_by_identifier(
    State(state): State<Parties>,
    Caller(scope): Caller,
    Path((kind, value)): Path<(String, String)>,
) -> Answer<PartyItem> {
    let teller = Teller::new(&state, &scope);
    let item = state
        .reader
        .read(&scope, move |identity, tx| {
            let party = party::party_by_identifier(identity, tx, &kind, &value)?;
            teller.tell(identity, tx, &party)
        })
        .await?;
    Ok(Json(item))
}

/// A party
#[utoipa::path(get, path = "/api/v1/parties/{id}", tag = "parties", operation_id = "party_fetch",
    params(("id" = String, Path, description = "Its id, or one it had before a merge")),
    responses((status = 200, body = PartyItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_fetch(
    State(state): State<Parties>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<PartyItem> {
    let teller = Teller::new(&state, &scope);
    let id = PartyId::parse(&id).ok_or_else(|| Failure::not_found("party"))?;
    let item = state
        .reader
        .read(&scope, move |identity, tx| {
            let party = party::party_by_id(identity, tx, id)?;
            teller.tell(identity, tx, &party)
        })
        .await?;
    Ok(Json(item))
}

/// Turns a party into what the API answers.
pub struct Teller {
    weights: Weights,
    sources: HashMap<SourceNo, String>,
    is_clear: bool,
}

impl Teller {
    fn new(state: &Parties, scope: &Scope) -> Self {
        Self::over(state.reader.installation(), scope)
    }

    /// A teller for one caller.
    pub fn over(installation: &workspace::Installation, scope: &Scope) -> Self {
        Self {
            weights: super::weights(installation, scope),
            sources: installation.sources(scope).iter().map(|s| (s.no, s.id.clone())).collect(),
            is_clear: scope.permissions.has(Permission::PersonalRead),
        }
    }

    /// Reads and tells a party.
    ///
    /// # Errors
    /// As the database says.
    pub fn tell(
        &self,
        identity: &Identity<'_>,
        tx: &mut db::Tx<'_>,
        party: &Party,
    ) -> kernel::Result<PartyItem> {
        let profile = profile(identity.scope, tx, party, &self.weights)?;
        let mut values: [BTreeMap<String, Value>; 3] = Default::default();
        for ((role, key), item) in tags_of(identity.scope, tx, party.no)? {
            let place = ["tag", "score", "stage"].iter().position(|known| *known == role).unwrap_or_default();
            values[place].insert(key, item.value);
        }
        let [tags, scores, stages] = values;
        Ok(PartyItem {
            tags,
            scores,
            stages,
            id: party.id.to_string(),
            identifiers: self.identifiers(party),
            provenance: self.provenance(party, &profile),
            event_count: profile.event_count,
            first_seen: profile.first_seen.map(|at| at.to_string()),
            last_seen: profile.last_seen.map(|at| at.to_string()),
            traits: profile
                .traits
                .into_iter()
                .map(|(field, winner)| {
                    let value = if self.is_clear { winner.value } else { mask_trait(&field, winner.value) };
                    (field, value)
                })
                .collect(),
        })
    }

    fn identifiers(&self, party: &Party) -> Vec<IdentifierItem> {
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        for member in &party.members {
            // A later era of a recycled number is the same number.
            if !seen.insert((&member.node.kind, &member.node.value)) {
                continue;
            }
            let value = match self.is_clear {
                true => member.node.value.clone(),
                false => identity::rules::mask::mask(&member.node.value),
            };
            items.push(IdentifierItem {
                kind: member.node.kind.clone(),
                value,
                first_seen: member.node.first.to_string(),
                is_shared: member.node.is_split && member.spans.len() > 1,
            });
        }
        items
    }

    fn provenance(&self, party: &Party, profile: &Profile) -> BTreeMap<String, Provenance> {
        let kind = |no| party.members.iter().find(|m| m.node.no == no).map(|m| m.node.kind.clone());
        let tell = |winner: &crate::rules::survivorship::Winner| Provenance {
            source: self.sources.get(&winner.from.source).cloned().unwrap_or_default(),
            time: winner.from.at.to_string(),
            grade: self.weights.get(&winner.from.source).map_or('C', |w| w.grade.0),
            identifier_kind: kind(winner.from.node).unwrap_or_default(),
        };
        profile.traits.iter().map(|(field, winner)| (field.clone(), tell(winner))).collect()
    }
}
