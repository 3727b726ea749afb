//! One real server: SQLite and log in a folder of its own, workers on threads, the whole router.
//!
//! Requests go straight to the router; [`TestServer::address`] opens a port for tests that care about
//! what HTTP does on the way.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use db::{Location, Store};
use headwater::command::init::{self, New};
use headwater::command::setting::Setting;
use headwater::feeder::Pace;
use headwater::http::{Faces, Server};
use headwater::logs::LogLocation;
use headwater::runtime::{Options, Runtime, Sabotage};
use headwater::sql::Sandbox;
use kernel::id::IdSource;
use kernel::scope::Permissions;
use kernel::time::Clock;
use kernel::{Instant, Scope, WorkspaceNo};
use serde_json::Value;
use testkit::{CountingIds, ManualClock, TempDir};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use workspace::Installation;
use workspace::credential;
use workspace::store::source::{NewSource, source_create};
use workspace::store::token::{NewToken, token_create};

use crate::program;

/// How long [`TestServer::drain`] waits for the pipeline before the test fails.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server of the test's own. Dropping it stops it.
pub struct TestServer {
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
    server: Server,
    router: Router,
    clock: Arc<ManualClock>,
    address: OnceLock<SocketAddr>,
    dispatching: OnceLock<CancellationToken>,
    workers: CancellationToken,
    directory: TempDir,
}

/// A workspace with the credentials of its owner.
#[derive(Clone, Debug)]
pub struct TestWorkspace {
    /// Its number.
    pub no: WorkspaceNo,
    /// Write key of its source `default`.
    pub write_key: String,
    /// A token that may do everything in it.
    pub token: String,
}

/// A request that is being put together.
pub struct Call<'s> {
    server: &'s TestServer,
    request: axum::http::request::Builder,
    body: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What a server has besides.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    /// A lake.
    lake: bool,
    /// A place where SQL runs.
    sql: bool,
    /// Others that work on questions.
    workers: usize,
}

impl TestServer {
    /// A server without workspaces whose clock stands at noon (UTC) of a day: `2026-07-02`.
    pub fn on(day: &str) -> Self {
        Self::start(day, Parts::default())
    }

    /// A server with one workspace that answers SQL.
    pub fn with_sql() -> (Self, TestWorkspace) {
        let server = Self::start("2026-07-02", Parts { lake: true, sql: true, ..Parts::default() });
        let workspace = server.workspace("w");
        (server, workspace)
    }

    /// The same as [`TestServer::on`] with a lake, which is fed.
    pub fn with_lake_on(day: &str) -> Self {
        let server = Self::start(day, Parts { lake: true, ..Parts::default() });
        server.feed();
        server
    }

    /// The same as [`TestServer::with_lake_on`] with workers that questions are spread over, whatever their size.
    pub fn with_workers_on(day: &str, workers: usize) -> Self {
        let server = Self::start(day, Parts { lake: true, workers, ..Parts::default() });
        server.feed();
        server
    }

    fn feed(&self) {
        let pace = Pace { restamp_from: 1, restamp_every: Duration::from_millis(20) };
        let feeding = headwater::feeder::run(self.runtime.clone(), pace, Default::default());
        self.tokio.spawn(feeding);
    }

    /// Ends all workers.
    pub fn stop_workers(&self) {
        self.workers.cancel();
    }

    fn start(day: &str, parts: Parts) -> Self {
        let noon = Instant::parse(&format!("{day}T12:00:00.000Z")).unwrap();
        let directory = testkit::temp_dir();
        let clock = Arc::new(ManualClock::at(noon));
        let ids: Arc<dyn IdSource> = Arc::new(CountingIds::default());
        let store = Store::open(&Location::Directory(directory.path().to_owned())).unwrap();
        let by_hand: Arc<dyn Clock> = clock.clone();
        let installation = Installation::open(store, by_hand, ids).unwrap();
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let workers = CancellationToken::new();
        let lakes = lake::Place::Disk(directory.path().join("lake"));
        let cluster = (parts.workers > 0)
            .then(|| tokio.block_on(crate::workers::start(&lakes, parts.workers, &workers)));
        let setting = Setting { data: directory.path().to_owned(), store: None, log: None, lake: None };
        let options = Options {
            log: LogLocation::Directory(directory.path().join("log")),
            collects: true,
            processes: true,
            partitions: Vec::new(),
            worker: pipeline::Options::default(),
            reserve_bytes: None,
            lake: parts.lake.then_some(lakes),
            sandbox: parts.sql.then(|| Sandbox::new(program().to_owned(), setting)),
            guard: channels::Guard::new(["127.0.0.0/8".parse().unwrap()])
                .with_exports(Some(directory.path().to_owned())),
            cluster,
            sabotage: Sabotage::default(),
        };
        let runtime = Runtime::new(installation, options, tokio.handle().clone());
        let server = Server::new(runtime.clone());
        let router = server.router(Faces { collects: true, serves: true });
        Self {
            tokio,
            runtime,
            server,
            router,
            clock,
            address: OnceLock::new(),
            dispatching: OnceLock::new(),
            workers,
            directory,
        }
    }

    /// A server with one workspace.
    pub fn with_workspace() -> (Self, TestWorkspace) {
        let server = Self::on("2026-07-02");
        let workspace = server.workspace("w");
        (server, workspace)
    }

    /// Creates a workspace as `headwater init` does.
    pub fn workspace(&self, name: &str) -> TestWorkspace {
        self.workspace_with_key(name, None, None)
    }

    /// Creates a workspace whose first source has this write key and takes this 神策 project.
    pub fn workspace_with_key(&self, name: &str, key: Option<&str>, project: Option<&str>) -> TestWorkspace {
        let new = New {
            workspace: name,
            write_key: key,
            sensors_project: project,
            partitions: 1,
            time_zone: "Asia/Shanghai",
        };
        let created = init::create(self.installation(), &new).unwrap();
        let all = self.installation().workspaces();
        let no = all.iter().find(|workspace| workspace.name == name).unwrap().no;
        TestWorkspace { no, write_key: created.write_key, token: created.api_token }
    }

    /// Creates a further source of a workspace and gives its write key.
    pub fn source(&self, workspace: &TestWorkspace, id: &str) -> String {
        let key = credential::write_key(&self.installation().ids().secret());
        self.source_with_key(workspace, id, &key);
        key
    }

    /// Creates a further source of a workspace with this write key.
    pub fn source_with_key(&self, workspace: &TestWorkspace, id: &str, write_key: &str) {
        let new = NewSource { workspace: workspace.no, id, write_key, sensors_project: None };
        let pool = self.installation().store().installation().unwrap();
        pool.write(|tx| source_create(tx, &new, self.clock.now()).map(drop)).unwrap();
        self.installation().reload().unwrap();
    }

    /// Creates a token with these scopes, separated by spaces.
    pub fn token(&self, workspace: &TestWorkspace, scopes: &str) -> String {
        let ids = self.installation().ids();
        let token = credential::token(&ids.fresh(), &ids.secret());
        let permissions = Permissions::parse(scopes).unwrap();
        let new = NewToken { workspace: workspace.no, name: "test", permissions, expires: None };
        let pool = self.installation().store().installation().unwrap();
        pool.write(|tx| token_create(tx, &token, &new, self.clock.now())).unwrap();
        token.text
    }

    /// The installation, for what no route shows.
    pub fn installation(&self) -> &Installation {
        self.runtime.installation()
    }

    /// What runs in it.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The server, for its list of routes.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The clock everything in the server reads.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Where the data are.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// The runtime to block on.
    pub fn tokio(&self) -> &tokio::runtime::Runtime {
        &self.tokio
    }

    /// Listens on a free port of the loopback interface; the same one at every call.
    pub fn address(&self) -> SocketAddr {
        *self.address.get_or_init(|| {
            let listener = self.tokio.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap();
            let service = self.router.clone().into_make_service_with_connect_info::<SocketAddr>();
            self.tokio.spawn(async move { axum::serve(listener, service).await });
            address
        })
    }

    /// Serves destinations from now on, as `headwater serve` does.
    pub fn dispatch(&self) {
        self.dispatching.get_or_init(|| {
            let stop = CancellationToken::new();
            self.tokio.spawn(headwater::dispatcher::run(self.runtime.clone(), stop.clone()));
            stop
        });
    }

    /// What serves destinations, to be driven round by round.
    pub fn dispatcher(&self, workspace: &TestWorkspace) -> activation::dispatch::Dispatcher {
        let open = self.runtime.open(workspace.no).unwrap();
        headwater::dispatcher::dispatcher(&self.runtime, &open.workspace)
    }

    /// A request; `path` includes the query.
    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call { server: self, request: Request::builder().method(method).uri(path), body: Vec::new() }
    }

    /// `GET` with a token.
    pub fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", path).token(token).send()
    }

    /// `POST` of JSON with a token.
    pub fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", path).token(token).json(body).send()
    }

    /// `PUT` of JSON with a token.
    pub fn put(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("PUT", path).token(token).json(body).send()
    }

    /// Sends events to our own endpoint and waits until they are part of the state. Gives what was answered.
    pub fn collect(&self, workspace: &TestWorkspace, events: &[Value]) -> Value {
        let call = self.call("POST", "/api/v1/events").write_key(&workspace.write_key);
        let answer = call.json(&Value::from(events.to_vec())).send().ok();
        self.drain(workspace);
        answer
    }

    /// Waits until everything in the log is part of the state.
    pub fn drain(&self, workspace: &TestWorkspace) {
        let open = self.runtime.open(workspace.no).unwrap();
        for partition in &open.partitions {
            let head = partition.log.poll().unwrap().0;
            let mut progress = partition.progress.clone();
            let reached = async {
                tokio::time::timeout(PATIENCE, progress.wait_for(|p| p.offset >= head)).await.map(drop)
            };
            assert!(self.tokio.block_on(reached).is_ok(), "the pipeline did not reach entry {head}");
        }
    }

    /// A scope that may do everything in a workspace, for reading stores.
    pub fn scope(&self, workspace: &TestWorkspace) -> Scope {
        Scope::system(workspace.no, "test")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(dispatching) = self.dispatching.get() {
            dispatching.cancel();
        }
        self.tokio.block_on(self.runtime.stop());
    }
}

impl Call<'_> {
    /// With an API token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// With a source's write key.
    #[must_use]
    pub fn write_key(self, key: &str) -> Self {
        self.header("x-write-key", key)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the whole answer.
    pub fn send(self) -> Answer {
        let Self { server, request, body } = self;
        server.tokio.block_on(run(server.router.clone(), request.body(body.into()).unwrap()))
    }

    /// The request, to be run later on [`TestServer::tokio`] beside others.
    pub fn later(self) -> impl Future<Output = Answer> + Send + 'static {
        run(self.server.router.clone(), self.request.body(self.body.into()).unwrap())
    }
}

async fn run(router: Router, request: Request<Body>) -> Answer {
    let answer = router.oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if the status is 200 or 201.
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self.json()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
