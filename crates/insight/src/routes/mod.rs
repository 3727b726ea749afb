//! The API of profiles: find a party, read it, read its timeline.

pub mod party;
pub mod timeline;

use std::cmp::Reverse;

use db::Tx;
use identity::resolve::Identity;
use identity::store::definition::rules_current;
use kernel::Scope;
use kernel::scope::Permission;
use utoipa_axum::routes;
use web::Api;
use workspace::Installation;

use crate::profile::Weights;
use crate::rules::survivorship::Weight;

/// What the routes share.
#[derive(Clone)]
pub struct Parties {
    installation: Installation,
}

impl Parties {
    /// Routes over an installation.
    pub fn new(installation: Installation) -> Self {
        Self { installation }
    }

    /// Reads with the workspace's identity rules at hand.
    async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, web::Problem> {
        let (installation, scope) = (self.installation.clone(), scope.clone());
        web::blocking(move || {
            let secret = installation.workspace(scope.workspace)?.secret;
            installation.pool(&scope)?.read(|tx| {
                let (_, rules) = rules_current(&scope, tx)?;
                work(&Identity { scope: &scope, secret: &secret, rules: &rules }, tx)
            })
        })
        .await
    }
}

/// How much the word of each source of a workspace weighs.
pub fn weights(installation: &Installation, scope: &Scope) -> Weights {
    let sources = installation.sources(scope);
    let weight = |s: &workspace::Source| Weight { grade: Reverse(s.grade), priority: s.priority };
    sources.iter().map(|source| (source.no, weight(source))).collect()
}

/// Adds the routes of profiles.
pub fn routes(api: Api<Parties>) -> Api<Parties> {
    api.route(Permission::ProfileRead, routes!(party::party_search))
        .route(Permission::ProfileRead, routes!(party::party_by_identifier))
        .route(Permission::ProfileRead, routes!(party::party_fetch))
        .route(Permission::ProfileRead, routes!(timeline::party_timeline))
}
