//! The API of profiles: find a party, read it, read its timeline; and of audiences and tags.

pub mod audience;
pub mod party;
pub mod tag;
pub mod timeline;

use std::cmp::Reverse;

use criteria::Zone;
use identity::reading::Reader;
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
    reader: Reader,
}

impl Parties {
    /// Routes over an installation.
    pub fn new(reader: Reader) -> Self {
        Self { reader }
    }
}

/// How much the word of each source of a workspace weighs.
pub fn weights(installation: &Installation, scope: &Scope) -> Weights {
    let sources = installation.sources(scope);
    let weight = |s: &workspace::Source| Weight { grade: Reverse(s.grade), priority: s.priority };
    sources.iter().map(|source| (source.no, weight(source))).collect()
}

/// The zone of a workspace's days and weeks.
///
/// # Errors
/// [`kernel::Failure::NotFound`] if there is no such workspace.
pub fn zone(installation: &Installation, scope: &Scope) -> kernel::Result<Zone> {
    let workspace = installation.workspace(scope.workspace)?;
    Ok(Zone::named(&workspace.time_zone).unwrap_or_else(Zone::utc))
}

/// Adds the routes of profiles.
pub fn routes(api: Api<Parties>) -> Api<Parties> {
    api.route(Permission::ProfileRead, routes!(party::party_search))
        .route(Permission::ProfileRead, routes!(party::party_by_identifier))
        .route(Permission::ProfileRead, routes!(party::party_fetch))
        .route(Permission::ProfileRead, routes!(timeline::party_timeline))
}
