//! Trying a definition of a tag on everybody, without keeping it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PartyId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::Tags;
use super::define::checked;
use super::values::{Shown, TagValueCount};
use crate::live::{Asked, Catalogue, Question, scan_each};
use crate::routes::audience::preview::{GivenUp, go_on, moment};
use crate::routes::weights;
use crate::rules::tag::{AnyValue, Document};

/// Parties of a sample, if the caller does not say.
const SAMPLE_DEFAULT: u32 = 10;
/// Parties of a sample.
const SAMPLE_MAX: u32 = 200;
/// Values of a distribution that are told.
const VALUES_MAX: usize = 20;
/// Different values that are counted; the others are counted together.
const VALUES_COUNTED_MAX: usize = 10_000;

/// A definition to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagPreviewRequest {
    /// The definition.
    definition: Document,
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
    /// How many parties to show, at most 200; 10 if absent.
    limit: Option<u32>,
}

/// A party and the value it would have.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagSample {
    /// The party.
    party: String,
    /// The value.
    #[schema(value_type = AnyValue)]
    value: Value,
    /// Why.
    #[schema(value_type = Object)]
    reasons: Value,
}

/// What values a definition would give.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagPreview {
    /// How many parties would have a value.
    count: u64,
    /// How many parties there are.
    parties: u64,
    /// As of when.
    as_of: String,
    /// The most frequent values.
    distribution: Vec<TagValueCount>,
    /// How many different values there are.
    distinct: u64,
    /// Some parties that would have one.
    sample: Vec<TagSample>,
}

/// Try a definition
///
/// Counts who would have which value, and shows some. Other tags and audiences it asks for are taken as they
/// are stored, or as of another instant evaluated for that instant.
#[utoipa::path(post, path = "/api/v1/tags/preview", tag = "tags", operation_id = "tag_preview",
    request_body = TagPreviewRequest, responses((status = 200, body = TagPreview),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_preview(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Body(request): Body<TagPreviewRequest>,
) -> Answer<TagPreview> {
    let installation = state.reader.installation().clone();
    let moment = moment(request.as_of.as_deref(), installation.now())?;
    let zone = state.zone(&scope)?;
    let sample_max = request.limit.unwrap_or(SAMPLE_DEFAULT).min(SAMPLE_MAX) as usize;
    let given_up = GivenUp::default();
    let is_given_up = Arc::clone(&given_up.0);
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(kernel::Failure::internal)?;
    let shown = Shown::of(&request.definition, &scope);
    let preview = state
        .reader
        .read(&scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            let catalogue = Catalogue::read(identity.scope, tx)?;
            let tag = checked(identity.scope, tx, &request.definition, &catalogue)?;
            let question = Question::new(Asked::Tag(&tag), &catalogue, zone, moment);
            let weights = weights(&installation, identity.scope);
            let clock = installation.clock();
            let began = clock.now();
            let mut go_on = || go_on(&is_given_up, &**clock, began);
            let mut found = Counted::default();
            scan_each(identity, tx, &weights, &question, &mut go_on, &mut |evaluator, party, standing| {
                let verdict = question.value(evaluator, party, standing);
                found.parties += 1;
                let Some(value) = verdict.value else { return };
                if found.sample.len() < sample_max {
                    let (party, value) = (PartyId(party.key).to_string(), shown.value(&value));
                    found.sample.push(TagSample { party, value, reasons: shown.reasons(verdict.reasons) });
                }
                found.add(value);
            })?;
            Ok(found.tell(moment.instant().to_string(), &shown))
        })
        .await?;
    drop(given_up);
    Ok(Json(preview))
}

#[derive(Default)]
struct Counted {
    parties: u64,
    count: u64,
    values: BTreeMap<String, u64>,
    sample: Vec<TagSample>,
}

impl Counted {
    fn add(&mut self, value: String) {
        self.count += 1;
        if self.values.len() < VALUES_COUNTED_MAX || self.values.contains_key(&value) {
            *self.values.entry(value).or_default() += 1;
        }
    }

    fn tell(self, as_of: String, shown: &Shown) -> TagPreview {
        let distinct = self.values.len() as u64;
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values.truncate(VALUES_MAX);
        let distribution = values
            .into_iter()
            .map(|(value, count)| TagValueCount { value: shown.value(&value), count })
            .collect();
        TagPreview {
            count: self.count,
            parties: self.parties,
            as_of,
            distribution,
            distinct,
            sample: self.sample,
        }
    }
}
