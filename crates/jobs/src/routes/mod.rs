//! The API of jobs and schedules: what runs, what ran, what will, and why something did not.
//!
//! Schedules go through the log as commands. Jobs are made and cancelled directly.

mod define;
mod job;
mod schedule;

use std::sync::Arc;

use db::Tx;
use intake::command::Commands;
use kernel::Scope;
use kernel::scope::Permission::{JobRead, JobWrite};
use utoipa_axum::routes;
use web::{Api, Problem};
use workspace::Installation;

use crate::work::Kinds;

/// What the routes share.
#[derive(Clone)]
pub struct Jobs {
    installation: Installation,
    commands: Arc<dyn Commands>,
    kinds: Kinds,
}

impl Jobs {
    /// Routes over an installation whose pipeline takes commands. `kinds` are those of this program,
    /// whether or not this process runs jobs.
    pub fn new(installation: Installation, commands: Arc<dyn Commands>, kinds: Kinds) -> Self {
        Self { installation, commands, kinds }
    }

    async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (installation, scope) = (self.installation.clone(), scope.clone());
        web::blocking(move || installation.pool(&scope)?.read(|tx| work(&scope, tx))).await
    }

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
pub fn routes(api: Api<Jobs>) -> Api<Jobs> {
    api.route(JobRead, routes!(job::job_list))
        .route(JobWrite, routes!(job::job_create))
        .route(JobRead, routes!(job::job_kinds))
        .route(JobRead, routes!(job::job_fetch))
        .route(JobRead, routes!(job::job_lines))
        .route(JobWrite, routes!(job::job_cancel))
        .route(JobRead, routes!(schedule::schedule_list))
        .route(JobRead, routes!(schedule::schedule_fetch))
        .route(JobWrite, routes!(define::schedule_put))
        .route(JobWrite, routes!(define::schedule_remove))
        .route(JobWrite, routes!(define::schedule_pause))
        .route(JobWrite, routes!(define::schedule_resume))
        .route(JobWrite, routes!(define::schedule_run))
        .route(JobRead, routes!(schedule::schedule_decisions))
}
