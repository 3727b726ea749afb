//! Learning from a seed what its people have in common.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use scoring::lookalike::{Fit, Method};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::{Body, Path};

use super::{Tags, json};
use crate::commands::CONSTANTS_PUT;
use crate::lookalike::fit;
use crate::routes::audience::preview::{GivenUp, go_on, moment};

/// Features told as what the seed has in common.
const FEATURES_SHOWN: usize = 10;

/// As of when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FitRequest {
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
}

/// What was learned.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FitItem {
    /// The tag.
    tag: String,
    /// `learned`, or `centroid`: by the distance to the seed's centre.
    method: &'static str,
    /// `high` if what was learned finds hidden seeds, else `low`.
    confidence: &'static str,
    /// Why confidence is low: too few seeds, or too little lift.
    #[schema(value_type = Option<Object>)]
    refusal: Option<serde_json::Value>,
    /// People of the seed.
    seeds: u64,
    /// People that were ranked.
    people: u64,
    /// How many of them are wanted.
    size: u64,
    /// The percentile from which on they are.
    from_percentile: f64,
    /// What the seed has in common: features by weight, the strongest first.
    features: Vec<TellingFeature>,
    /// How many of the hidden seeds are found at sizes; empty for a seed too small to hide any.
    curve: Vec<CurvePoint>,
}

/// A feature that tells the seed from others.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TellingFeature {
    /// Its name.
    name: String,
    /// Its weight, by standard deviations: above 0 if the seed has more of it.
    weight: f64,
}

/// A point of the curve of size against precision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CurvePoint {
    /// People taken.
    size: usize,
    /// The share of the hidden seeds among them.
    recall: f64,
    /// How many times more that is than by chance.
    lift: f64,
}

impl FitItem {
    fn of(tag: String, fit: &Fit) -> kernel::Result<Self> {
        let is_learned = fit.method == Method::Learned;
        let telling = fit.telling(FEATURES_SHOWN).into_iter();
        let share = fit.size as f64 / fit.people.max(1) as f64;
        Ok(Self {
            tag,
            method: if is_learned { "learned" } else { "centroid" },
            confidence: if is_learned { "high" } else { "low" },
            refusal: fit.refusal.as_ref().map(json).transpose()?,
            seeds: fit.seeds,
            people: fit.people,
            size: fit.size,
            from_percentile: 100.0 * (1.0 - share).max(0.0),
            features: telling
                .map(|(name, weight)| TellingFeature { name: name.to_owned(), weight })
                .collect(),
            curve: fit
                .curve
                .iter()
                .map(|point| CurvePoint { size: point.size, recall: point.recall, lift: point.lift })
                .collect(),
        })
    }
}

/// Learn from a seed
///
/// For a tag of the model `lookalike`: looks at everybody, learns what tells its seed from others, says how well
/// that finds seeds that were hidden, and applies it to everybody. Refused if it takes longer than a preview may;
/// the job `tag.fit` has no such limit.
#[utoipa::path(post, path = "/api/v1/tags/{key}/fit", tag = "tags", operation_id = "tag_fit",
    params(("key" = String, Path, description = "The tag")), request_body = FitRequest,
    responses((status = 200, body = FitItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_fit(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Body(request): Body<FitRequest>,
) -> Answer<FitItem> {
    let installation = state.reader.installation().clone();
    let moment = moment(request.as_of.as_deref(), installation.now())?;
    let given_up = GivenUp::default();
    let is_given_up = Arc::clone(&given_up.0);
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(Failure::internal)?;
    let own = key.clone();
    let (put, found) = state
        .reader
        .read(&scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            let (clock, began) = (installation.clock(), installation.now());
            let mut go_on = || go_on(&is_given_up, &**clock, began);
            fit(&installation, identity, tx, (&own, moment), &mut go_on)
        })
        .await?;
    drop(given_up);
    state.commands.submit(&scope, CONSTANTS_PUT, json(&put)?).await?;
    Ok(Json(FitItem::of(key, &found)?))
}
