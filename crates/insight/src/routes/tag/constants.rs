//! What is known of everybody together: computed over all parties, put into the log, applied by models.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Caller, Page, ProblemDocument};

use super::{Tags, json};
use crate::commands::{CONSTANTS_PUT, PutConstants};
use crate::models::batch::{Batch, constants};
use crate::models::{CONSTANTS, Config};
use crate::routes::audience::preview::{GivenUp, go_on};
use crate::routes::weights;
use crate::store::constant::{Constants, constant_current};

/// Constants as they were put last.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConstantsItem {
    /// What models call them.
    name: String,
    /// Counts them, from 1.
    version: u32,
    /// Who put them.
    actor: String,
    /// When.
    at: String,
    /// The constants.
    #[schema(value_type = Object)]
    body: serde_json::Value,
}

impl From<Constants> for ConstantsItem {
    fn from(constants: Constants) -> Self {
        let Constants { name, version, body, actor, at } = constants;
        Self {
            name,
            version,
            actor,
            at: at.to_string(),
            body: serde_json::from_str(&body).unwrap_or_default(),
        }
    }
}

/// What models apply to everybody, by name
#[utoipa::path(get, path = "/api/v1/constants", tag = "tags", operation_id = "constants_list",
    responses((status = 200, body = Page<ConstantsItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn constants_list(
    State(state): State<Tags>,
    Caller(scope): Caller,
) -> Answer<Page<ConstantsItem>> {
    let all = state.reader.read(&scope, |identity, tx| Ok(constant_current(identity.scope, tx)?)).await?;
    Ok(Json(Page { items: all.into_values().map(Into::into).collect(), next: None }))
}

/// Compute the constants of the built-in models
///
/// Over everybody, as of now; then every tag, score and stage that applies them is filled again. Refused if it
/// takes longer than a preview may; a job has no such limit.
#[utoipa::path(post, path = "/api/v1/constants/refresh", tag = "tags", operation_id = "constants_refresh",
    responses((status = 200, body = ConstantsItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn constants_refresh(
    State(state): State<Tags>,
    Caller(scope): Caller,
) -> Answer<ConstantsItem> {
    let installation = state.reader.installation().clone();
    let zone = state.zone(&scope)?;
    let given_up = GivenUp::default();
    let is_given_up = Arc::clone(&given_up.0);
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(kernel::Failure::internal)?;
    let found = state
        .reader
        .read(&scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            let (clock, began) = (installation.clock(), installation.now());
            let weights = weights(&installation, identity.scope);
            let known = constant_current(identity.scope, tx)?;
            let before = known.get(CONSTANTS).and_then(|known| serde_json::from_str(&known.body).ok());
            let (config, before) = (Config::default(), before.as_ref());
            let batch = Batch { weights: &weights, config: &config, zone, as_of: began, before };
            constants(identity, tx, &batch, &mut || go_on(&is_given_up, &**clock, began))
        })
        .await?;
    drop(given_up);
    let put = PutConstants { name: CONSTANTS.to_owned(), body: json(&found)? };
    state.commands.submit(&scope, CONSTANTS_PUT, json(&put)?).await?;
    let now = state.reader.read(&scope, |identity, tx| Ok(constant_current(identity.scope, tx)?)).await?;
    let now = now.into_iter().find(|(name, _)| name == CONSTANTS);
    let (_, constants) = now.ok_or_else(|| kernel::Failure::conflict("the constants were not taken"))?;
    Ok(Json(constants.into()))
}
