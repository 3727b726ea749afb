//! The API of tags, scores and stages: define them, see who has what and why, assign values.
//!
//! What is defined or assigned goes through the log as a command; everything else is read as it is stored.

mod assign;
mod constants;
mod define;
mod fit;
mod item;
mod lineage;
mod party;
mod preview;
mod values;

use std::sync::Arc;

use criteria::Zone;
use identity::reading::Reader;
use intake::command::Commands;
use kernel::scope::Permission;
use kernel::{Failure, Scope};
pub use party::{PartyTag, tags_of};
use tokio::sync::Semaphore;
use utoipa_axum::routes;
use web::Api;

use crate::store::tag::{Tag, tag_by_key};

/// Previews that look at parties at the same time: they must leave the store to others.
const SCANS_MAX: usize = 2;

/// What the routes share.
#[derive(Clone)]
pub struct Tags {
    reader: Reader,
    commands: Arc<dyn Commands>,
    scans: Arc<Semaphore>,
}

impl Tags {
    /// Routes over an installation whose pipeline takes commands.
    pub fn new(reader: Reader, commands: Arc<dyn Commands>) -> Self {
        Self { reader, commands, scans: Arc::new(Semaphore::new(SCANS_MAX)) }
    }

    /// The zone of the workspace's days and weeks.
    fn zone(&self, scope: &Scope) -> kernel::Result<Zone> {
        super::zone(self.reader.installation(), scope)
    }
}

/// Adds the routes of tags.
pub fn routes(api: Api<Tags>) -> Api<Tags> {
    api.route(Permission::TagRead, routes!(item::tag_list))
        .route(Permission::TagRead, routes!(preview::tag_preview))
        .route(Permission::TagWrite, routes!(define::tag_put))
        .route(Permission::TagRead, routes!(item::tag_fetch))
        .route(Permission::TagWrite, routes!(define::tag_retire))
        .route(Permission::TagWrite, routes!(define::tag_refresh))
        .route(Permission::TagWrite, routes!(fit::tag_fit))
        .route(Permission::TagRead, routes!(item::tag_versions))
        .route(Permission::TagRead, routes!(lineage::tag_lineage))
        .route(Permission::TagRead, routes!(values::tag_members))
        .route(Permission::TagRead, routes!(values::tag_distribution))
        .route(Permission::TagRead, routes!(values::tag_changes))
        .route(Permission::TagWrite, routes!(assign::tag_assign))
        .route(Permission::TagRead, routes!(constants::constants_list))
        .route(Permission::TagWrite, routes!(constants::constants_refresh))
        .route(Permission::ProfileRead, routes!(party::party_tags))
        .route(Permission::ProfileRead, routes!(party::party_explain_tag))
}

fn stored(scope: &Scope, tx: &mut db::Tx<'_>, key: &str) -> kernel::Result<Tag> {
    tag_by_key(scope, tx, key)?.ok_or_else(|| Failure::not_found("tag"))
}

/// A tag that can still be changed and asked.
fn present(scope: &Scope, tx: &mut db::Tx<'_>, key: &str) -> kernel::Result<Tag> {
    let tag = stored(scope, tx, key)?;
    if tag.is_retired {
        return Err(Failure::conflict("the tag is put away; define it again"));
    }
    Ok(tag)
}

fn json(body: &impl serde::Serialize) -> kernel::Result<serde_json::Value> {
    serde_json::to_value(body).map_err(Failure::internal)
}
