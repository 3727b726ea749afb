//! HTTP pieces every context shares: problems, authorisation, pages, the OpenAPI document.
//!
//! A route can only be added through [`Api::route`], which demands the permission it needs: there is
//! no way to register one without. What a caller may not see is 404; only [`Problem`] turns a
//! [`kernel::Failure`] into HTTP.

mod api;
mod page;
mod problem;

pub use api::{Api, Authenticate, Caller, Guarded, SECURITY_SCHEME};
pub use page::{Page, PageQuery, decode_cursor, encode_cursor};
pub use problem::{Problem, ProblemDocument, method_not_allowed};

/// What a handler returns.
pub type Answer<T> = Result<axum::Json<T>, Problem>;

/// Runs blocking `work` (a store call) off the async threads.
///
/// # Errors
/// As `work` says.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> kernel::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let result = tokio::task::spawn_blocking(work).await;
    Ok(result.map_err(kernel::Failure::internal)??)
}
