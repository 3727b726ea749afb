//! Extractors that answer what they cannot read with a problem document, as everything else does.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use kernel::Failure;
use serde::de::DeserializeOwned;
use web::Problem;

/// A JSON body, whatever its Content-Type. An empty one reads as `{}`.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = Bytes::from_request(request, state).await;
        let bytes = read.map_err(|error| Failure::invalid("body", error.body_text()))?;
        let json = if bytes.is_empty() { &b"{}"[..] } else { &bytes[..] };
        let value = serde_json::from_slice(json);
        Ok(Self(value.map_err(|error| Failure::invalid("body", error.to_string()))?))
    }
}

/// The parameters of the query. Unknown ones are ignored.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        Ok(Self(read.map_err(|error| Failure::invalid("query", error.body_text()))?.0))
    }
}

/// The variable parts of the path. What cannot be one names nothing, so it is not found.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        Ok(Self(read.map_err(|_| Failure::not_found("page"))?.0))
    }
}
