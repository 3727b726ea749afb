//! Why identifiers are one person: the path of what was seen together.

use axum::Json;
use axum::extract::State;
use kernel::id::base32;
use kernel::scope::Permission;
use kernel::{Failure, NodeNo};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Path, Query};

use super::{Decisions, path_party_id};
use crate::party::{Party, party_by_id};
use crate::resolve::{Identity, Working, load_neighbourhood};
use crate::rules::cluster::{self, Neighbourhood, Step};
use crate::rules::mask::mask;
use crate::rules::normalise::normalise;
use crate::store::node::Node;
use crate::store::touch::{Touch, touch_of_soft};

/// Which two identifiers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// `kind:value` of one; the party's best identifier if absent.
    from: Option<String>,
    /// `kind:value` of the other; if absent, every identifier of the party is explained.
    to: Option<String>,
}

/// Why the identifiers are one party.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The party.
    party: String,
    /// One path for each identifier asked for.
    paths: Vec<PathTo>,
}

/// How two identifiers hang together.
#[derive(Debug, Serialize, ToSchema)]
pub struct PathTo {
    /// From this identifier,
    from: Named,
    /// to this one.
    to: Named,
    /// Step by step. Empty if both are the same.
    steps: Vec<Link>,
}

/// An identifier.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Named {
    /// Its kind.
    kind: String,
    /// Its value, masked without the permission `personal:read`.
    value: String,
}

/// One step: two identifiers on one event, or a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// One identifier.
    a: Named,
    /// The other.
    b: Named,
    /// `seen_together`, `used_by` (a device or cookie), or `decision`.
    cause: &'static str,
    /// First time.
    first_seen: Option<String>,
    /// Last time.
    last_seen: Option<String>,
    /// The event that first showed it, or the decision.
    evidence: String,
}

/// Why these identifiers are one person
#[utoipa::path(get, path = "/api/v1/parties/{id}/explain", tag = "identity", operation_id = "party_explain",
    params(("id" = String, Path, description = "The party"), Between),
    responses((status = 200, body = Explanation),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn party_explain(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    Path(id): Path<String>,
    Query(between): Query<Between>,
) -> Answer<Explanation> {
    let id = path_party_id(&id)?;
    let is_clear = scope.permissions.has(Permission::PersonalRead);
    let explanation = state
        .read(&scope, move |identity, tx| {
            let party = party_by_id(identity, tx, id)?;
            let from = match &between.from {
                Some(text) => member(identity, &party, "from", text)?,
                None => party.members.first().map(|m| &m.node).ok_or_else(|| Failure::not_found("party"))?,
            };
            let to: Vec<&Node> = match &between.to {
                Some(text) => vec![member(identity, &party, "to", text)?],
                None => party.members.iter().map(|m| &m.node).filter(|n| n.no != from.no).collect(),
            };
            let (neighbourhood, working) = load_neighbourhood(identity, tx, from.no)?;
            let soft: Vec<NodeNo> = to.iter().filter(|n| !identity.is_hard(n)).map(|n| n.no).collect();
            let touches = touch_of_soft(identity.scope, tx, &soft)?;
            let teller = Teller { identity, is_clear, neighbourhood: &neighbourhood, working: &working };
            let paths = to.iter().map(|to| teller.path(from, to, &touches)).collect();
            Ok(Explanation { party: party.id.to_string(), paths })
        })
        .await?;
    Ok(Json(explanation))
}

fn member<'p>(
    identity: &Identity<'_>,
    party: &'p Party,
    field: &str,
    text: &str,
) -> kernel::Result<&'p Node> {
    let invalid = |message: &str| Failure::invalid(field, message);
    let (kind, value) = text.split_once(':').ok_or_else(|| invalid("write `kind:value`"))?;
    let normal = normalise(identity.rules, kind, value).map_err(|refusal| invalid(refusal.reason()))?;
    let key = identity.key(normal.kind, &normal.value, 0);
    let found = party.members.iter().find(|m| m.node.key == key);
    found.map(|m| &m.node).ok_or_else(|| invalid("not an identifier of this party"))
}

/// Tells paths in words of the API.
struct Teller<'a> {
    identity: &'a Identity<'a>,
    is_clear: bool,
    neighbourhood: &'a Neighbourhood,
    working: &'a Working,
}

impl Teller<'_> {
    fn path(&self, from: &Node, to: &Node, touches: &[Touch]) -> PathTo {
        let mut steps = Vec::new();
        let mut target = to.clone();
        if let Some(touch) = touches.iter().filter(|t| t.soft == to.no).min_by_key(|t| t.first) {
            let user = self.working.get(touch.hard).unwrap_or(to);
            steps.push(Link {
                a: self.named(user),
                b: self.named(to),
                cause: "used_by",
                first_seen: Some(touch.first.to_string()),
                last_seen: Some(touch.last.to_string()),
                evidence: base32(&touch.evidence.0),
            });
            target = user.clone();
        }
        let mut path = self.hard_path(from, &target);
        path.append(&mut steps);
        PathTo { from: self.named(from), to: self.named(to), steps: path }
    }

    fn hard_path(&self, from: &Node, to: &Node) -> Vec<Link> {
        let clusters = cluster::solve(self.neighbourhood, self.identity.rules);
        let index = |node: &Node| self.neighbourhood.nodes.iter().position(|n| n.no == node.no);
        let (Some(a), Some(b)) = (index(from), index(to)) else { return Vec::new() };
        let vertex = |node: usize| clusters.eras[node].first().copied().unwrap_or_default();
        let steps = clusters.path(vertex(a), vertex(b)).unwrap_or_default();
        steps.into_iter().filter_map(|step| self.link(step)).collect()
    }

    fn link(&self, step: Step) -> Option<Link> {
        match step {
            Step::Edge(i) => {
                let edge = &self.neighbourhood.edges[i];
                let node = |end: usize| self.working.get(self.neighbourhood.nodes[end].no);
                Some(Link {
                    a: self.named(node(edge.a)?),
                    b: self.named(node(edge.b)?),
                    cause: "seen_together",
                    first_seen: Some(edge.first.to_string()),
                    last_seen: Some(edge.last.to_string()),
                    evidence: base32(&edge.evidence.0),
                })
            }
            Step::Decision(i) => {
                let decision = &self.neighbourhood.decisions[i];
                let cluster::Verdict::Join { a, b } = &decision.kind else { return None };
                Some(Link {
                    a: self.named(self.working.get(*a)?),
                    b: self.named(self.working.get(*b)?),
                    cause: "decision",
                    first_seen: Some(decision.at.to_string()),
                    last_seen: None,
                    evidence: base32(&decision.id.0),
                })
            }
        }
    }

    fn named(&self, node: &Node) -> Named {
        let value = if self.is_clear { node.value.clone() } else { mask(&node.value) };
        Named { kind: node.kind.clone(), value }
    }
}
