//! What is known of everybody together: computed over all parties, put into the log, applied by models.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Answer, Caller, Page, ProblemDocument};
use workspace::routes::request::Body;

use super::{Tags, json};
use crate::commands::CONSTANTS_PUT;
use crate::constants::{Asked, compute};
use crate::routes::audience::preview::{GivenUp, go_on, moment};
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

/// Which constants are to be computed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantsRequest {
    /// What models call them; those of all built-in models if absent.
    name: Option<String>,
    /// The settings of the models that are to apply them, as in their definitions; those of the last time if
    /// absent.
    #[schema(value_type = Option<Object>)]
    config: Option<serde_json::Value>,
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
}

/// Compute the constants of the built-in models
///
/// Over everybody; then every tag, score and stage that applies them is filled again. Refused if it takes longer
/// than a preview may; the job `constants.refresh` has no such limit.
#[utoipa::path(post, path = "/api/v1/constants/refresh", tag = "tags", operation_id = "constants_refresh",
    request_body = ConstantsRequest, responses((status = 200, body = ConstantsItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn constants_refresh(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Body(request): Body<ConstantsRequest>,
) -> Answer<ConstantsItem> {
    let installation = state.reader.installation().clone();
    let as_of = moment(request.as_of.as_deref(), installation.now())?.instant();
    let asked = Asked { name: request.name, config: request.config, as_of };
    let given_up = GivenUp::default();
    let is_given_up = Arc::clone(&given_up.0);
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(Failure::internal)?;
    let put = state
        .reader
        .read(&scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            let (clock, began) = (installation.clock(), installation.now());
            compute(&installation, identity, tx, &asked, &mut || go_on(&is_given_up, &**clock, began))
        })
        .await?;
    drop(given_up);
    state.commands.submit(&scope, CONSTANTS_PUT, json(&put)?).await?;
    let mut now = state.reader.read(&scope, |identity, tx| Ok(constant_current(identity.scope, tx)?)).await?;
    let constants = now.remove(&put.name);
    let constants = constants.ok_or_else(|| Failure::conflict("the constants were not taken"))?;
    Ok(Json(constants.into()))
}
