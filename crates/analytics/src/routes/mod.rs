//! The API of questions.

mod questions;

use kernel::scope::Permission;
use utoipa_axum::routes;
use web::Api;

pub use questions::Questions;

/// Adds the routes of questions.
pub fn routes(api: Api<Questions>) -> Api<Questions> {
    api.route(Permission::AudienceRead, routes!(questions::question_ask))
        .route(Permission::AudienceRead, routes!(questions::question_people))
}
