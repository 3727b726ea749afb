//! Two workspaces, a pipeline that only remembers what it was given, and events put aside.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use db::{Location, Pool, Store};
use kernel::id::{IdSource, base32};
use kernel::scope::Permissions;
use kernel::time::Clock;
use kernel::{Failure, Instant, Key, Scope, SourceNo, WorkspaceNo};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::OpenApi;
use web::Api;
use workspace::store::source::{NewSource, source_create};
use workspace::store::token::{NewToken, token_create};
use workspace::store::workspace::{NewWorkspace, workspace_create};
use workspace::{Installation, credential};

use crate::batch::Context;
use crate::command::{Command, Commands, Handler};
use crate::ports::{Land, Landing, Source};
use crate::routes::manage::{Manage, routes};
use crate::rules::frame::{Frame, Protocol};
use crate::stages::SetPlan;
use crate::store::quarantine::{Quarantined, quarantine_put};

pub(super) const NOW: Instant = Instant(1_795_285_800_000_000);
pub(super) const PARTITIONS: u32 = 4;

#[derive(Default)]
struct Machine(AtomicU64);

impl Clock for Machine {
    fn now(&self) -> Instant {
        NOW
    }
}

impl IdSource for Machine {
    fn fresh(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Relaxed)).to_be_bytes()
    }

    fn secret(&self) -> [u8; 32] {
        credential::hash(&self.0.fetch_add(1, Relaxed).to_string())
    }
}

/// Log and pipeline: keeps frames, applies commands at once.
pub(super) struct Pipe {
    store: Store,
    pub landed: Mutex<Vec<(SourceNo, u64, Vec<u8>)>>,
    pub commands: Mutex<Vec<String>>,
    /// Frames that hold this text do not land.
    pub refuses: Mutex<Option<&'static str>>,
}

impl Land for Pipe {
    fn partitions(&self, _: &Source) -> u32 {
        PARTITIONS
    }

    fn land(&self, source: &Source, partition: u64, frame: Vec<u8>) -> Landing<'_> {
        let no = source.no;
        Box::pin(async move {
            let text = String::from_utf8_lossy(&frame).into_owned();
            if self.refuses.lock().is_some_and(|refused| text.contains(refused)) {
                return Err(Failure::unavailable("the disk is full"));
            }
            self.landed.lock().push((no, partition, frame));
            Ok(())
        })
    }
}

impl Commands for Pipe {
    fn submit<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'static str,
        body: Value,
    ) -> Pin<Box<dyn Future<Output = kernel::Result<Command>> + Send + 'a>> {
        Box::pin(async move {
            let (id, actor) = ("1".to_owned(), scope.actor.clone());
            let command = Command { name: name.to_owned(), id, at_us: NOW.0, actor, body };
            let context = Context {
                scope: scope.clone(),
                secret: [0; 32],
                partition: 0,
                partitions: 1,
                time_zone: "UTC".into(),
            };
            let pool = self.store.workspace(scope.workspace)?;
            pool.write(|tx| SetPlan.apply(tx, &context, &command))?;
            self.commands.lock().push(command.name.clone());
            Ok(command)
        })
    }
}

#[derive(OpenApi)]
pub(super) struct Document;

pub(super) struct World {
    _directory: tempfile::TempDir,
    pub installation: Installation,
    pub pipe: Arc<Pipe>,
    pub owner: String,
    pub reader: String,
    pub stranger: String,
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Directory(directory.path().to_owned())).unwrap();
        let machine = Arc::new(Machine(AtomicU64::new(1)));
        let pool = store.installation().unwrap();
        let create = |name| {
            let new =
                NewWorkspace { name, secret: machine.secret(), partitions: 1, time_zone: "Asia/Shanghai" };
            pool.write(|tx| workspace_create(tx, &new, NOW)).unwrap().no
        };
        let (first, second) = (create("first"), create("second"));
        let new = NewSource { workspace: first, id: "pos", write_key: "WRITE_KEY", sensors_project: None };
        pool.write(|tx| source_create(tx, &new, NOW)).unwrap();
        let token = |workspace, scopes: &str| {
            let token = credential::token(&machine.fresh(), &machine.secret());
            let permissions = Permissions::parse(scopes).unwrap();
            let new = NewToken { workspace, name: "test", permissions, expires: None };
            pool.write(|tx| token_create(tx, &token, &new, NOW)).unwrap();
            token.text
        };
        let owner = token(first, "pipeline:read pipeline:write personal:read");
        let reader = token(first, "pipeline:read");
        let stranger = token(second, "all");
        let installation = Installation::open(store.clone(), machine.clone(), machine).unwrap();
        let (landed, commands, refuses) = Default::default();
        let pipe = Arc::new(Pipe { store, landed, commands, refuses });
        Self { _directory: directory, installation, pipe, owner, reader, stranger }
    }

    /// The first workspace's tables.
    pub(super) fn first(&self) -> (Pool, Scope) {
        let scope = Scope::system(WorkspaceNo(1), "test");
        (self.installation.pool(&scope).unwrap(), scope)
    }

    /// Puts an event of the first workspace aside and returns its id.
    pub(super) fn put_aside(&self, no: u8, class: &str, field: &str, event: &str) -> String {
        let frame = Frame {
            protocol: Protocol::Own,
            received: NOW,
            receipt: [7; 16],
            source: SourceNo(1),
            sent_at: None,
            is_import: false,
            ip: Some("192.0.2.1"),
            user_agent: None,
            shared: Some(r#"{"type":"track"}"#),
            first: 3,
            events: vec![event.as_bytes()],
        };
        let item = Quarantined {
            id: Key([no; 16]),
            source: SourceNo(1),
            class: class.to_owned(),
            field: field.to_owned(),
            reason: format!("`{field}` is 19900001234"),
            event: "Order Paid".to_owned(),
            received: NOW.plus(i64::from(no)),
            state: "open".to_owned(),
            frame: frame.encode(),
        };
        let (pool, scope) = self.first();
        pool.write(|tx| quarantine_put(&scope, tx, &item)).unwrap();
        base32(&item.id.0)
    }

    pub(super) async fn text(&self, token: &str, line: &str, body: &str) -> (u16, String) {
        let (method, path) = line.split_once(' ').unwrap();
        let auth = Arc::new(self.installation.clone());
        let (router, ..) = routes(Api::new(auth, Document::openapi())).finish();
        let state = Manage {
            installation: self.installation.clone(),
            commands: self.pipe.clone(),
            land: self.pipe.clone(),
        };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = router.with_state(state).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(super) async fn call(&self, token: &str, line: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.text(token, line, body).await;
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{line}: {e}: {text}")))
    }

    pub(super) async fn ok(&self, line: &str, body: Value) -> Value {
        let (status, answer) = self.call(&self.owner, line, &body.to_string()).await;
        assert_eq!(status, 200, "{line}: {answer}");
        answer
    }

    /// The ids of a list, in order.
    pub(super) async fn listed(&self, query: &str) -> Vec<String> {
        let list = self.ok(&format!("GET /api/v1/quarantine?{query}"), json!({})).await;
        let ids = list["items"].as_array().unwrap().iter();
        ids.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// `action detail` of every audit entry.
    pub(super) fn audited(&self) -> Vec<String> {
        let (pool, scope) = self.first();
        let log = pool.read(|tx| workspace::store::audit::audit_page(&scope, tx, 0, 100)).unwrap();
        log.into_iter().map(|entry| format!("{} {}", entry.action, entry.detail)).collect()
    }
}
