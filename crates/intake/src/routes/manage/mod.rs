//! The API of intake: what was put aside and what becomes of it, the tracking plan, things that are no
//! parties.
//!
//! Replaying appends to the log, so the pipeline judges the event again as it judges every other. What is
//! decided about the plan goes through the log too; quarantine itself is changed here, each time in one
//! transaction with its audit entry.

mod object;
mod plan;
mod quarantine;
mod replay;

use std::sync::Arc;

use db::Tx;
use kernel::Scope;
use kernel::scope::Permission::{PipelineRead, PipelineWrite};
use utoipa_axum::routes;
use web::{Api, Problem};
use workspace::Installation;

use crate::command::Commands;
use crate::ports::Land;

/// What the routes share.
#[derive(Clone)]
pub struct Manage {
    /// Workspaces, sources and their tables.
    pub installation: Installation,
    /// Takes what is decided about the plan.
    pub commands: Arc<dyn Commands>,
    /// Takes the frames of replayed events.
    pub land: Arc<dyn Land>,
}

impl Manage {
    /// Reads the caller's workspace.
    async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (installation, scope) = (self.installation.clone(), scope.clone());
        web::blocking(move || installation.pool(&scope)?.read(|tx| work(&scope, tx))).await
    }

    /// Changes the caller's workspace.
    async fn write<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (installation, scope) = (self.installation.clone(), scope.clone());
        web::blocking(move || installation.pool(&scope)?.write(|tx| work(&scope, tx))).await
    }
}

/// Adds the routes of this context.
pub fn routes(api: Api<Manage>) -> Api<Manage> {
    api.route(PipelineRead, routes!(quarantine::quarantine_list))
        .route(PipelineRead, routes!(quarantine::quarantine_summary))
        .route(PipelineRead, routes!(quarantine::quarantine_fetch))
        .route(PipelineWrite, routes!(quarantine::quarantine_discard))
        .route(PipelineWrite, routes!(replay::quarantine_replay))
        .route(PipelineWrite, routes!(replay::quarantine_replay_many))
        .route(PipelineRead, routes!(plan::plan_list))
        .route(PipelineWrite, routes!(plan::plan_set))
        .route(PipelineRead, routes!(object::object_fetch))
}

#[cfg(test)]
mod tests;
