//! `/api/v1/workspace`: where the caller is.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};

use crate::Installation;

/// A workspace. Its secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Workspace {
    /// Its number in the installation.
    id: u32,
    /// Its name, unique in the installation.
    name: String,
    /// Into how many ordered parts its log is divided.
    partitions: u32,
    /// The IANA name of the time zone of its days, weeks and months.
    time_zone: String,
}

/// The caller's workspace
#[utoipa::path(get, path = "/api/v1/workspace", tag = "workspace", operation_id = "workspace_fetch",
    responses((status = 200, body = Workspace),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn workspace_fetch(
    State(installation): State<Installation>,
    Caller(scope): Caller,
) -> Answer<Workspace> {
    let found = installation.workspace(scope.workspace)?;
    Ok(Json(Workspace {
        id: found.no.0,
        name: found.name.clone(),
        partitions: found.partitions,
        time_zone: found.time_zone.clone(),
    }))
}
