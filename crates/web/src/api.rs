//! Routes with their permission, and the OpenAPI document that grows with them.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use kernel::scope::Permission;
use kernel::{Failure, Scope};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};

use crate::Problem;

/// The name of the security scheme in the OpenAPI document.
pub const SECURITY_SCHEME: &str = "token";

/// Who knows which token belongs to whom.
pub trait Authenticate: Send + Sync {
    /// The scope of a bearer token.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`] for an unknown, expired or revoked token.
    fn authenticate(&self, token: &str) -> kernel::Result<Scope>;
}

/// A route and the permission it needs, for the test that demands a case for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guarded {
    /// For example `GET`.
    pub method: String,
    /// For example `/api/v1/parties/{id}`.
    pub path: String,
    /// What the caller must be allowed to do.
    pub permission: &'static str,
}

/// A set of routes under one authentication.
pub struct Api<S> {
    router: OpenApiRouter<S>,
    auth: Arc<dyn Authenticate>,
    guarded: Vec<Guarded>,
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// No routes yet.
    pub fn new(auth: Arc<dyn Authenticate>, document: OpenApi) -> Self {
        Self { router: OpenApiRouter::with_openapi(document), auth, guarded: Vec::new() }
    }

    /// Adds the handlers of one path (made by `routes!`). Callers without `permission` get 403,
    /// unknown ones 401, before the handler runs.
    #[must_use]
    pub fn route(mut self, permission: Permission, routes: UtoipaMethodRouter<S>) -> Self {
        for (path, item) in &routes.1.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            for (method, _) in methods.iter().filter(|(_, operation)| operation.is_some()) {
                self.guarded.push(Guarded {
                    method: (*method).to_owned(),
                    path: path.clone(),
                    permission: permission.name(),
                });
            }
        }
        let guard = Guard { auth: Arc::clone(&self.auth), permission };
        self.router = self.router.routes(routes.layer(middleware::from_fn_with_state(guard, check)));
        self
    }

    /// The finished router, its document, and the list of guarded routes.
    pub fn finish(self) -> (axum::Router<S>, OpenApi, Vec<Guarded>) {
        let (router, document) = self.router.split_for_parts();
        (router, document, self.guarded)
    }
}

#[derive(Clone)]
struct Guard {
    auth: Arc<dyn Authenticate>,
    permission: Permission,
}

async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let token = bearer(request.headers()).ok_or(Failure::Unauthenticated)?.to_owned();
    let permission = guard.permission;
    let scope = crate::blocking(move || guard.auth.authenticate(&token)).await?;
    scope.require(permission)?;
    request.extensions_mut().insert(Caller(scope));
    Ok(next.run(request).await)
}

fn bearer(headers: &axum::http::HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The authenticated caller; an extractor for handlers added through [`Api::route`].
#[derive(Clone, Debug)]
pub struct Caller(pub Scope);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::UNAUTHORIZED)
    }
}
