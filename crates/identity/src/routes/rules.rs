//! Identity rules: read, try, put in force.

use axum::Json;
use axum::extract::State;
use kernel::Failure;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::Decisions;
use crate::commands::RULES;
use crate::dry_run::{Report, dry_run};
use crate::resolve::Identity;
use crate::rules::{Document, Rules};
use crate::store::definition::rules_current;

/// The rules in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Current {
    /// Their version; 0 is the built-in default.
    version: u64,
    /// The document: kinds of identifiers with strength, limits and windows, in order of priority.
    #[schema(value_type = Object)]
    rules: Value,
}

/// The identity rules in force
#[utoipa::path(get, path = "/api/v1/identity/rules", tag = "identity", operation_id = "identity_rules",
    responses((status = 200, body = Current),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn identity_rules(State(state): State<Decisions>, Caller(scope): Caller) -> Answer<Current> {
    let current = state
        .read(&scope, |identity, tx| {
            let (version, rules) = rules_current(identity.scope, tx)?;
            let rules = serde_json::to_value(rules.document()).map_err(Failure::internal)?;
            Ok(Current { version, rules })
        })
        .await?;
    Ok(Json(current))
}

/// Put identity rules in force
///
/// Every party is recomputed; try them with a dry run first.
#[utoipa::path(put, path = "/api/v1/identity/rules", tag = "identity", operation_id = "identity_rules_put",
    request_body = Object, responses((status = 200, body = Current),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn identity_rules_put(
    state: State<Decisions>,
    Caller(scope): Caller,
    Body(body): Body<Value>,
) -> Answer<Current> {
    let rules = read(body)?;
    let body = serde_json::to_value(rules.document()).map_err(Failure::internal)?;
    state.commands.submit(&scope, RULES, body).await?;
    identity_rules(state, Caller(scope)).await
}

/// Try identity rules
///
/// Says which parties would merge and split, without changing anything.
#[utoipa::path(post, path = "/api/v1/identity/dry-run", tag = "identity", operation_id = "identity_dry_run",
    request_body = Object, responses((status = 200, body = Report),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn identity_dry_run(
    State(state): State<Decisions>,
    Caller(scope): Caller,
    Body(body): Body<Value>,
) -> Answer<Report> {
    let rules = read(body)?;
    let report =
        state.read(&scope, move |identity, tx| dry_run(&Identity { rules: &rules, ..*identity }, tx)).await?;
    Ok(Json(report))
}

/// Reads a rules document, bare or under `rules`.
fn read(mut body: Value) -> kernel::Result<Rules> {
    let document = match body.get_mut("rules") {
        Some(inner) => inner.take(),
        None => body,
    };
    let document: Document =
        serde_json::from_value(document).map_err(|e| Failure::invalid("rules", e.to_string()))?;
    Ok(Rules::new(document)?)
}
