//! Audiences put together, and how far they overlap.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use identity::store::node::node_anchors;
use kernel::{Failure, PartyId, PartyNo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::Audiences;
use crate::rules::algebra::{Expression, Sets};
use crate::store::audience::audience_all;

/// Parties of a sample, if the caller does not say.
const SAMPLE_DEFAULT: usize = 10;
/// Parties of a sample.
const SAMPLE_MAX: usize = 200;
/// With more audiences than this, overlaps are left out.
const OVERLAPS_MAX: usize = 20;

/// Audiences to be put together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CombineRequest {
    /// `{"audience": id}`, or `union`, `intersect` or `minus` with a list of the same; `minus` takes all
    /// others from the first.
    #[schema(value_type = Object)]
    expression: Expression,
    /// How many parties to name, at most 200; 10 if absent.
    limit: Option<usize>,
}

/// Who is in audiences put together.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Combined {
    /// How many.
    count: u64,
    /// Some of them.
    sample: Vec<String>,
    /// The audiences that were named.
    audiences: Vec<Operand>,
    /// How many each two of them have in common; left out if more than 20 are named.
    overlaps: Vec<Overlap>,
}

/// An audience that was named.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operand {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// How many are in it.
    count: u64,
}

/// What two audiences have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Overlap {
    /// One.
    a: String,
    /// The other.
    b: String,
    /// How many are in both.
    count: u64,
}

/// Put audiences together
///
/// Counts who is in a union, an intersection or a difference of audiences as they are now, however nested, and
/// how far the audiences overlap.
#[utoipa::path(post, path = "/api/v1/audiences/combine", tag = "audiences",
    operation_id = "audience_combine", request_body = CombineRequest,
    responses((status = 200, body = Combined),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_combine(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Body(request): Body<CombineRequest>,
) -> Answer<Combined> {
    let sample_max = request.limit.unwrap_or(SAMPLE_DEFAULT).min(SAMPLE_MAX);
    let kept = state.sets.clone();
    let expression = request.expression;
    let combined = state.reader.read(&scope, move |identity, tx| {
        let all = audience_all(identity.scope, tx)?;
        let mut sets: Sets = BTreeMap::new();
        let mut operands = Vec::new();
        for id in expression.audiences()? {
            let found = all.iter().find(|audience| audience.id == id && !audience.is_archived);
            let audience = found
                .ok_or_else(|| Failure::invalid("expression", format!("there is no audience `{id}`")))?;
            let members = kept.members(identity.scope, tx, audience)?;
            operands.push(Operand { id: id.to_owned(), name: audience.name.clone(), count: members.len() });
            sets.insert(id.to_owned(), members);
        }
        let found = expression.evaluate(&sets);
        let first: Vec<PartyNo> = found.iter().take(sample_max).map(PartyNo).collect();
        let mut anchors = node_anchors(identity.scope, tx, &first)?;
        anchors.sort_by_key(|node| node.party);
        let sample = anchors.into_iter().map(|node| PartyId(node.key).to_string()).collect();
        Ok(Combined { count: found.len(), sample, audiences: operands, overlaps: overlaps(&sets) })
    });
    Ok(Json(combined.await?))
}

fn overlaps(sets: &Sets) -> Vec<Overlap> {
    if sets.len() > OVERLAPS_MAX {
        return Vec::new();
    }
    let sets: Vec<(&String, &Arc<roaring::RoaringBitmap>)> = sets.iter().collect();
    let pairs = (0..sets.len()).flat_map(|a| (a + 1..sets.len()).map(move |b| (a, b)));
    let overlap = |(a, b): (usize, usize)| Overlap {
        a: sets[a].0.clone(),
        b: sets[b].0.clone(),
        count: sets[a].1.intersection_len(sets[b].1),
    };
    pairs.map(overlap).collect()
}
