//! A real receiver of webhooks: listens on a port, proves every signature, and counts a message once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use channels::webhook::{Key, sign};
use headwater_tests::TestServer;
use serde_json::Value;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Says what to answer to a message; the effect happens first unless the status is an error.
type Behaviour = Box<dyn FnMut(&Value) -> u16 + Send>;

/// What came in.
#[derive(Default)]
pub(super) struct Received {
    /// Requests that were rightly signed.
    pub(super) requests: u64,
    /// Messages in the order of their effect, each once.
    pub(super) messages: Vec<Value>,
    /// Requests that were not rightly signed.
    pub(super) forged: u64,
    ids: BTreeSet<String>,
}

impl Received {
    /// Who is in, by the effect of the messages.
    pub(super) fn present(&self) -> BTreeSet<String> {
        let mut present = BTreeMap::new();
        for message in self.messages.iter().filter(|message| message["type"] != "test") {
            let party = message["data"]["party"].as_str().unwrap().to_owned();
            present.insert(party, message["data"]["present"] == true);
        }
        present.into_iter().filter(|(_, is)| *is).map(|(party, _)| party).collect()
    }
}

struct Shared {
    keys: Mutex<Vec<Key>>,
    behaviour: Mutex<Behaviour>,
    received: Mutex<Received>,
    changed: Condvar,
}

/// A receiver. It lives as long as the runtime it was started on.
#[derive(Clone)]
pub(super) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// A receiver that takes what is signed with a secret.
    pub(super) fn start(server: &TestServer, secret: &str) -> Self {
        Self::start_on(server.tokio(), secret)
    }

    /// The same on any runtime.
    pub(super) fn start_on(tokio: &tokio::runtime::Runtime, secret: &str) -> Self {
        let shared = Arc::new(Shared {
            keys: Mutex::new(vec![Key::parse(secret).unwrap()]),
            behaviour: Mutex::new(Box::new(|_| 200)),
            received: Mutex::default(),
            changed: Condvar::new(),
        });
        let listener = tokio.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(take)).with_state(Arc::clone(&shared));
        tokio.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers everything with a status from now on.
    pub(super) fn answer(&self, status: u16) {
        self.behave(move |_| status);
    }

    /// Answers as a function says from now on.
    pub(super) fn behave(&self, behaviour: impl FnMut(&Value) -> u16 + Send + 'static) {
        *self.shared.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// Takes only what is signed with this secret from now on.
    pub(super) fn expect_secret(&self, secret: &str) {
        *self.shared.keys.lock().unwrap() = vec![Key::parse(secret).unwrap()];
    }

    /// Looks at what came in.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.shared.received.lock().unwrap())
    }

    /// Waits until what came in is as wanted.
    pub(super) fn wait(&self, is_so: impl Fn(&Received) -> bool) {
        let received = self.shared.received.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(received, PATIENCE, |received| !is_so(received));
        let (received, late) = waited.unwrap();
        let (requests, messages) = (received.requests, received.messages.len());
        assert!(!late.timed_out(), "only {messages} messages in {requests} requests");
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap_or(0));
    let signatures = header("webhook-signature");
    let keys = shared.keys.lock().unwrap().clone();
    let is_signed = keys.iter().any(|key| {
        let expected = sign(std::slice::from_ref(key), &id, timestamp, &body);
        signatures.split(' ').any(|signature| signature == expected)
    });
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut received = shared.received.lock().unwrap();
    if !is_signed {
        received.forged += 1;
        shared.changed.notify_all();
        return StatusCode::UNAUTHORIZED;
    }
    received.requests += 1;
    let status = (shared.behaviour.lock().unwrap())(&message);
    let is_taken = (200..300).contains(&status);
    if is_taken && received.ids.insert(id) {
        received.messages.push(message);
    }
    shared.changed.notify_all();
    StatusCode::from_u16(status).unwrap()
}
