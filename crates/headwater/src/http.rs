//! The HTTP face: collector, API, health and metrics, joined into one router.

pub mod metrics;
pub mod pipeline;
pub mod query;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use identity::reading::Reader;
use intake::routes::collect::{self, Collector};
use intake::routes::manage;
use kernel::WorkspaceNo;
use kernel::scope::Permission;
use parking_lot::Mutex;
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::routes;
use web::{Api, Guarded, Problem, SECURITY_SCHEME};

use crate::dispatcher;
use crate::land::Joints;
use crate::runtime::Runtime;

/// analytics.js of `@segment/analytics-next` (MIT, see `sdk/browser/LICENSE`).
const ANALYTICS_SCRIPT: &[u8] = include_bytes!("../../../sdk/browser/analytics.min.js");

#[derive(OpenApi)]
#[openapi(info(
    title = "Headwater",
    description = "Customer data platform: collect, One ID, profile and timeline. Send `Authorization: Bearer <token>`; every list is paged by `cursor`; errors are problem documents (RFC 9457) with a stable `code`."
))]
struct Document;

/// Which parts of the face this process shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faces {
    /// The collector.
    pub collects: bool,
    /// The API and the page.
    pub serves: bool,
}

/// What the whole process shares.
#[derive(Clone)]
pub struct Server {
    /// What runs.
    pub runtime: Runtime,
    /// The collector.
    pub collector: Collector,
    /// Parties of each workspace, as last counted.
    counted: Arc<Mutex<HashMap<WorkspaceNo, pipeline::Counted>>>,
}

impl Server {
    /// A server over a runtime.
    pub fn new(runtime: Runtime) -> Self {
        let joints = Arc::new(Joints { runtime: runtime.clone() });
        let installation = runtime.installation();
        let (clock, ids) = (Arc::clone(installation.clock()), Arc::clone(installation.ids()));
        let collector = Collector::new(joints.clone(), joints, clock, ids)
            .with_script(Bytes::from_static(ANALYTICS_SCRIPT));
        Self { runtime, collector, counted: Arc::default() }
    }

    /// The router of everything this process shows.
    pub fn router(&self, faces: Faces) -> Router {
        let mut router = Router::new();
        if faces.collects {
            router = router.merge(collect::router(self.collector.clone()));
        }
        if faces.serves {
            // Not for the collector's paths: there a method that is none may be a browser's preflight.
            let api = self.api().0.method_not_allowed_fallback(web::method_not_allowed);
            router = router.merge(api).merge(crate::page::router());
        }
        router
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(ready).with_state(self.clone()))
            .route("/metrics", get(metrics::metrics).with_state(self.clone()))
            .fallback(|| async { Problem(kernel::Failure::not_found("page")) })
    }

    /// The API's router, and every route with the permission it needs.
    pub fn api(&self) -> (Router, Vec<Guarded>) {
        let (router, document, guarded) = self.routes();
        let json = Bytes::from(document.to_pretty_json().unwrap_or_default());
        let spec = get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json) });
        (router.route("/api/v1/openapi.json", spec), guarded)
    }

    /// The OpenAPI document.
    pub fn document(&self) -> utoipa::openapi::OpenApi {
        self.routes().1
    }

    fn routes(&self) -> (Router, utoipa::openapi::OpenApi, Vec<Guarded>) {
        let installation = self.runtime.installation().clone();
        let mut document = Document::openapi();
        document.info.version = env!("CARGO_PKG_VERSION").to_owned();
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.security_schemes.insert(SECURITY_SCHEME.to_owned(), bearer.into());
        let auth = Arc::new(installation.clone());
        let joints = Arc::new(Joints { runtime: self.runtime.clone() });

        let api = Api::new(auth.clone(), document)
            .route(Permission::PipelineRead, routes!(pipeline::pipeline_status))
            .route(Permission::PipelineRead, routes!(pipeline::events_recent))
            .route(Permission::QueryRun, routes!(query::query_run))
            .route(Permission::QueryRun, routes!(query::query_tables));
        let (own, document, mut guarded) = api.finish();
        let mut router = own.with_state(self.clone());

        let reader = Reader::new(installation.clone());
        let state = insight::routes::Parties::new(reader.clone());
        let (more, document, list) = insight::routes::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let state = insight::routes::audience::Audiences::new(reader.clone(), joints.clone())
            .with_lakes(Arc::new(self.runtime.clone()));
        let api = insight::routes::audience::routes(Api::new(auth.clone(), document));
        let (more, document, list) = api.finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let kinds = crate::kinds::all(&self.runtime);
        let state = jobs::routes::Jobs::new(installation.clone(), joints.clone(), kinds);
        let (more, document, list) = jobs::routes::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let asker = analytics::ask::Asker::new(reader.clone(), Arc::new(self.runtime.clone()));
        let state = analytics::routes::Questions::new(asker);
        let (more, document, list) = analytics::routes::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let state = insight::routes::tag::Tags::new(reader.clone(), joints.clone());
        let (more, document, list) = insight::routes::tag::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let state = activation::routes::Destinations::new(
            reader.clone(),
            joints.clone(),
            self.runtime.guard().clone(),
            dispatcher::ledgers(),
        );
        let api = activation::routes::routes(Api::new(auth.clone(), document));
        let (more, document, list) = api.finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let state = identity::routes::Decisions::new(reader, joints.clone());
        let (more, document, list) = identity::routes::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let (commands, land) = (joints.clone(), joints);
        let state = manage::Manage { installation: installation.clone(), commands, land };
        let (more, document, list) = manage::routes(Api::new(auth.clone(), document)).finish();
        router = router.merge(more.with_state(state));
        guarded.extend(list);

        let (more, mut document, list) = workspace::routes::routes(Api::new(auth, document)).finish();
        router = router.merge(more.with_state(installation));
        guarded.extend(list);
        guarded.sort();
        document.merge(collect::document());
        describe_responses(&mut document);
        (router, document, guarded)
    }
}

/// OpenAPI demands a description of every response; what each answers is said by its schema.
fn describe_responses(document: &mut utoipa::openapi::OpenApi) {
    let operations = document.paths.paths.values_mut().flat_map(|item| {
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        methods.into_iter().flatten()
    });
    for operation in operations {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                let is_success = status.starts_with('2');
                response.description = if is_success { "As asked" } else { "A problem" }.to_owned();
            }
        }
    }
}

/// Ready when the store answers; a process that applies logs opened them at start.
async fn ready(State(server): State<Server>) -> impl IntoResponse {
    let reloaded = web::blocking(move || server.runtime.installation().reload()).await;
    match reloaded {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"),
    }
}
