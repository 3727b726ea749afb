//! The API of the workspace itself: its sources, its tokens, its audit log.
//!
//! Sources and tokens lie in the installation's tables, the audit log in the workspace's own, and no
//! transaction spans both. So every change is announced in the audit log first ([`act`]): a crash in
//! between leaves an entry without a change, never a change without an entry.
//!
//! [`request`] and [`list`] are for the routes of other contexts too.

mod act;
mod audit;
pub mod list;
pub mod request;
mod source;
mod token;
mod workspace;

use kernel::scope::Permission::{WorkspaceRead, WorkspaceWrite};
use utoipa_axum::routes;
use web::Api;

use crate::Installation;

/// Adds the routes of this context.
pub fn routes(api: Api<Installation>) -> Api<Installation> {
    api.route(WorkspaceRead, routes!(workspace::workspace_fetch))
        .route(WorkspaceRead, routes!(source::source_list))
        .route(WorkspaceWrite, routes!(source::source_create))
        .route(WorkspaceWrite, routes!(source::source_update))
        .route(WorkspaceWrite, routes!(source::source_rotate_key))
        .route(WorkspaceRead, routes!(token::token_list))
        .route(WorkspaceWrite, routes!(token::token_create))
        .route(WorkspaceWrite, routes!(token::token_revoke))
        .route(WorkspaceRead, routes!(audit::audit_list))
        .route(WorkspaceRead, routes!(audit::audit_verify))
}

#[cfg(test)]
mod tests;
