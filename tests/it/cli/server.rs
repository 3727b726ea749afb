//! `headwater import` and others against a server elsewhere: one that is busy, one that is slow, a real one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bytes::Bytes;
use headwater_tests::TestServer;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Place, Ran};

/// A server that answers every request with `answer`.
fn pretend<F, R>(
    tokio: &tokio::runtime::Runtime,
    answer: impl Fn(Bytes) -> F + Clone + Send + Sync + 'static,
) -> String
where
    F: Future<Output = R> + Send + 'static,
    R: IntoResponse + 'static,
{
    let listener = tokio.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |body: Bytes| answer(body));
    tokio.spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn accept(body: &[u8]) -> String {
    let events: Vec<Value> = serde_json::from_slice(body).unwrap();
    json!({ "accepted": events.len(), "rejected": 0, "results": [] }).to_string()
}

fn people(count: usize) -> String {
    let row = |i| format!("199{i:08},name {i}\n");
    ["mobile,name\n".to_owned()].into_iter().chain((0..count).map(row)).collect()
}

#[test]
fn a_busy_server_is_asked_again_with_the_same_events() {
    let place = Place::empty();
    place.write("people.csv", people(3));
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let bodies = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let server = pretend(&tokio, move |body| {
        let mut seen = seen.lock().unwrap();
        seen.push(body.clone());
        let status =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK][seen.len() - 1];
        std::future::ready((status, [("retry-after", "1")], accept(&body)))
    });
    let words = ["import", "people.csv", "--server", &server, "--write-key", "k", "--json"];
    let result = place.run(&words).ok().json();
    assert_eq!([&result["sent"], &result["accepted"]], [3, 3]);
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[test]
fn an_interrupted_import_says_how_far_it_came() {
    let place = Place::empty();
    place.write("people.csv", people(200_000));
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let got = Arc::new(AtomicUsize::new(0));
    let shared = (Arc::clone(&gate), Arc::clone(&arrived), Arc::clone(&got));
    let server = pretend(&tokio, move |body| {
        let (gate, arrived, got) = shared.clone();
        async move {
            arrived.add_permits(1);
            drop(gate.acquire().await.unwrap());
            got.fetch_add(serde_json::from_slice::<Vec<Value>>(&body).unwrap().len(), Ordering::SeqCst);
            accept(&body)
        }
    });
    let words = ["import", "people.csv", "--server", &server, "--write-key", "k", "--json"];
    let mut command = place.command(&words);
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    tokio.block_on(arrived.acquire()).unwrap().forget();
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    gate.add_permits(1);
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}", ran.err);
    let result = ran.json();
    assert_eq!(result["is_complete"], false);
    assert_eq!(result["accepted"], got.load(Ordering::SeqCst), "what was under way was finished");
    assert_eq!(result["rows"], result["sent"], "what is told is a beginning of the file");
}

#[test]
fn a_refusal_ends_an_import_with_its_words() {
    let place = Place::empty();
    place.write("people.csv", people(3));
    let (server, workspace) = TestServer::with_workspace();
    let address = format!("http://{}", server.address());
    let words = ["import", "people.csv", "--server", &address, "--json", "--write-key"];
    let refused = place.run(&[&words[..], &["wrong"]].concat());
    assert_eq!(refused.code, 77);
    assert!(refused.err.contains("no source has this write key"), "{}", refused.err);
    let words = [&words[..], &[&workspace.write_key, "--token", &workspace.token]].concat();
    let result = place.run(&words).ok().json();
    assert_eq!([&result["accepted"], &result["rejected"]], [3, 0]);
    let words = ["party", "mobile:19900000002", "--server", &address, "--json", "--token", &workspace.token];
    assert_eq!(place.run(&words).ok().json()["party"]["traits"]["name"], "name 2");
    let masked = server.token(&workspace, "profile:read");
    let words = ["export", "--server", &address, "--token", &masked, "--output", "out.csv"];
    place.run(&words).ok();
    assert!(!place.read("out.csv").contains("19900000002"), "personal data need a permission");
}
