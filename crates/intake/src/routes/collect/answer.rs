//! Answers. SDKs look at the status and `Retry-After` only; people read the rest.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderName, Response, StatusCode};
use kernel::Failure;
use serde_json::json;

use crate::rules::open::Unreadable;

/// How an endpoint speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Style {
    /// `{"success":true}`, as Segment does.
    #[default]
    Sdk,
    /// `OK`, as RudderStack and 神策 do.
    Plain,
    /// A transparent pixel.
    Pixel,
    /// A transparent pixel, whatever happens: an image cannot retry.
    PixelAlways,
    /// Problem documents (RFC 9457).
    Own,
}

/// A request that was not accepted.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

/// The smallest GIF: 1 × 1, transparent.
const PIXEL: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\
\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Says that everything arrived.
pub(super) fn accepted(style: Style) -> Response<Body> {
    match style {
        Style::Sdk | Style::Own => json(StatusCode::OK, r#"{"success":true}"#),
        Style::Plain => typed(StatusCode::OK, "text/plain; charset=utf-8", "OK"),
        Style::Pixel | Style::PixelAlways => {
            let mut answer = typed(StatusCode::OK, "image/gif", PIXEL);
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    typed(status, "application/json", body)
}

/// An answer of a given type.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after_seconds: None }
    }

    /// No such path.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
    }

    /// The request cannot be understood. SDKs drop what is answered so: nothing else deserves it.
    pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// No key, or an unknown one.
    pub(super) fn unauthenticated(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
    }

    /// The source is known and may not send, or not from there.
    pub(super) fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The body is larger than allowed.
    pub(super) fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "limit_exceeded", message)
    }

    /// The source sends more than it may.
    pub(super) fn too_many(message: impl Into<Cow<'static, str>>, retry_after_seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "limit_exceeded", message)
        }
    }

    /// The answer, in the endpoint's style.
    pub(super) fn answer(self, style: Style) -> Response<Body> {
        if style == Style::PixelAlways {
            return accepted(style);
        }
        let message = &*self.message;
        let mut answer = if style == Style::Own {
            let title = self.status.canonical_reason();
            let problem = json!({
                "type": "about:blank", "title": title, "status": self.status.as_u16(),
                "code": self.code, "detail": message,
            });
            typed(self.status, "application/problem+json", problem.to_string())
        } else {
            let body = json!({ "success": false, "code": self.code, "message": message });
            json(self.status, body.to_string())
        };
        if let Some(seconds) = self.retry_after_seconds {
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
            if self.status == StatusCode::TOO_MANY_REQUESTS {
                // In seconds from now, as Segment's browser SDK reads it.
                answer.headers_mut().insert(RATE_LIMIT_RESET, seconds.into());
            }
        }
        answer
    }
}

/// When a limit is lifted.
pub(super) const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Malformed(message) => Self::malformed(message),
            other => Self::too_large(other.to_string()),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable { retry_after_seconds, .. } => Self {
                retry_after_seconds: Some(retry_after_seconds.max(1)),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again later")
            },
            Failure::LimitExceeded { .. } => Self::too_many(failure.to_string(), 1),
            other => {
                tracing::error!(error = %other, "a frame did not land");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
            }
        }
    }
}
