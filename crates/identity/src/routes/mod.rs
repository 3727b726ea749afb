//! The API of identity: merge, unmerge, explain, rules and their dry run, what is contested.

pub mod decide;
pub mod explain;
pub mod review;
pub mod rules;

use std::sync::Arc;

use db::Tx;
use intake::command::Commands;
use kernel::scope::Permission;
use kernel::{Failure, PartyId, Scope};
use utoipa_axum::routes;
use web::Api;

use crate::reading::Reader;
use crate::resolve::Identity;

/// What the routes share.
#[derive(Clone)]
pub struct Decisions {
    reader: Reader,
    commands: Arc<dyn Commands>,
}

impl Decisions {
    /// Routes over an installation whose pipeline takes commands.
    pub fn new(reader: Reader, commands: Arc<dyn Commands>) -> Self {
        Self { reader, commands }
    }

    /// Reads with the workspace's identity rules at hand.
    async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, web::Problem> {
        self.reader.read(scope, work).await
    }

    /// The workspace's secret.
    fn secret(&self, scope: &Scope) -> kernel::Result<[u8; 32]> {
        Ok(self.reader.installation().workspace(scope.workspace)?.secret)
    }
}

/// Adds the routes of identity.
pub fn routes(api: Api<Decisions>) -> Api<Decisions> {
    api.route(Permission::IdentityWrite, routes!(decide::party_merge))
        .route(Permission::IdentityWrite, routes!(decide::party_unmerge))
        .route(Permission::ProfileRead, routes!(explain::party_explain))
        .route(Permission::IdentityRead, routes!(rules::identity_rules))
        .route(Permission::IdentityWrite, routes!(rules::identity_rules_put))
        .route(Permission::IdentityRead, routes!(rules::identity_dry_run))
        .route(Permission::IdentityRead, routes!(review::identity_contested))
        .route(Permission::IdentityRead, routes!(review::identity_decisions))
}

/// Reads a party id of a path or body.
fn party_id(field: &str, text: &str) -> kernel::Result<PartyId> {
    PartyId::parse(text).ok_or_else(|| Failure::invalid(field, "a party id is `pty_` and 26 characters"))
}

/// Reads a party id of a path: what is not one does not exist.
fn path_party_id(text: &str) -> kernel::Result<PartyId> {
    PartyId::parse(text).ok_or_else(|| Failure::not_found("party"))
}
