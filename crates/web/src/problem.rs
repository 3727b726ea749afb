//! The only place where a failure becomes HTTP: RFC 9457 problem documents with a stable `code`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Failure;

/// A failure on its way to the client.
#[derive(Debug)]
pub struct Problem(pub Failure);

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// The body of every error answer.
#[derive(Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// Stable name of the problem.
    pub code: String,
    /// Short human-readable summary of the kind of problem.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong here, and what would be right.
    pub detail: String,
    /// The offending field, if one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let failure = self.0;
        let (status, title) = status_and_title(&failure);
        if let Failure::Internal(cause) = &failure {
            tracing::error!(%cause, "request failed");
        }
        let detail = match &failure {
            Failure::Internal(_) => "the cause is in the server's log".to_owned(),
            other => other.to_string(),
        };
        let field = match &failure {
            Failure::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let document = ProblemDocument {
            code: failure.code().to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            field,
        };
        let mut response = (status, axum::Json(document)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        match failure {
            Failure::Unavailable { retry_after_seconds, .. } => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
            }
            Failure::Unauthenticated => {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

/// The answer to a method that a path does not have.
pub async fn method_not_allowed() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let document = ProblemDocument {
        code: "method_not_allowed".to_owned(),
        title: "not a method of this path".to_owned(),
        status: status.as_u16(),
        detail: "the header `Allow` lists those there are".to_owned(),
        field: None,
    };
    let json = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, json, axum::Json(document)).into_response()
}

fn status_and_title(failure: &Failure) -> (StatusCode, &'static str) {
    match failure {
        Failure::NotFound { .. } => (StatusCode::NOT_FOUND, "not found"),
        Failure::Conflict { .. } => (StatusCode::CONFLICT, "the present state does not allow it"),
        Failure::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "the request is not valid"),
        Failure::Forbidden { .. } => (StatusCode::FORBIDDEN, "not allowed"),
        Failure::Unauthenticated => (StatusCode::UNAUTHORIZED, "a valid token is required"),
        Failure::LimitExceeded { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "a limit was exceeded"),
        Failure::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "temporarily unavailable"),
        Failure::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
    }
}
